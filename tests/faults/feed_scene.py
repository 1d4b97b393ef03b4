"""Feeds on a real server, a reader that is killed, starved or cut off, and what must stand on the topic whatever happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import msgspec

from streams import topology
from streams.records import Article, decode
from tests.faults.feed_child import Order
from tests.helpers.ingesting import FeedServer, Page, feed_server, rss
from tests.helpers.stack import REPOSITORY, Stack, wait_for

FEEDS = 4
NEW_EACH_ROUND = 3
#: Of each feed: what is new and what was edited, a flush, and a record before and after it is remembered.
MOST_STEPS = FEEDS * (NEW_EACH_ROUND + 1 + 3)
_AS_USUAL = Order()


@dataclass
class FeedFindings:
    """What stands on the topic, held against what the feeds said.

    Attributes:
        lost: items that are not there, or whose newest version is not the newest there.
        foreign: articles of no item of any feed.
        doubled: items that are there under more than one id.
        repeated: deliveries of what was there already, under the same id: harmless, and what a kill between acknowledgement and memory costs.
    """

    items: int
    lost: int
    foreign: int
    doubled: int
    repeated: int

    @property
    def wrong(self) -> int:
        """What must be 0."""
        return self.lost + self.foreign + self.doubled


@dataclass
class FeedScene:
    """Four feeds that grow and change from round to round, and their reader."""

    stack: Stack
    server: FeedServer
    random: Random
    texts: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    killed: int = 0
    _child: subprocess.Popen[str] | None = None

    def urls(self) -> list[str]:
        """One host for each feed."""
        return [self.server.url(f"/{number}").replace("127.0.0.1", f"127.0.0.{number + 1}") for number in range(FEEDS)]

    def grow(self) -> None:
        """New items in every feed, and one that was edited."""
        for number in range(FEEDS):
            known = [key for key in self.texts if key[0] == number]
            if known:
                key = self.random.choice(known)
                self.texts[key].append(f"version {len(self.texts[key]) + 1} of {key}")
            for index in range(len(known), len(known) + NEW_EACH_ROUND):
                self.texts[number, index] = [f"version 1 of {(number, index)}"]
            items = [(f"{n}-{i}", f"Item {n}-{i}", texts[-1]) for (n, i), texts in self.texts.items() if n == number]
            self.server.pages[f"/{number}"] = Page(rss(*reversed(items)), etag=f'"{self.random.random()}"')

    def start(self, order: Order = _AS_USUAL) -> int:
        """Begins a pass; its pid."""
        if self._child is None:
            fields = {
                "data_dir": str(self.stack.settings.data_dir), "kafka_servers": self.stack.settings.kafka_servers, "stop_timeout_seconds": 2.0
            }  # fmt: skip
            command = [sys.executable, "-m", "tests.faults.feed_child", json.dumps(fields), json.dumps(self.urls())]
            with (self.stack.folder / "feeds.log").open("ab") as log:
                self._child = subprocess.Popen(
                    command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
                )  # fmt: skip
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(msgspec.json.encode(order).decode() + "\n")
        self._child.stdin.flush()
        return int(self._child.stdout.readline())

    def ended(self) -> int:
        """Waits for the end of the pass; its exit code."""
        assert self._child is not None
        assert self._child.stdout is not None
        return int(self._child.stdout.readline())

    def read_whole(self) -> float:
        """A pass to its end; seconds from its first request to its end."""
        before = len(self.server.requests)
        self.start()
        wait_for("a request", lambda: len(self.server.requests) > before)
        began = time.monotonic()
        code = self.ended()
        assert code == 0, f"a whole pass ended with {code}: {(self.stack.folder / 'feeds.log').read_text()[-1_000:]}"
        return time.monotonic() - began

    def kill_in_the_middle(self, longest: float) -> None:
        """A pass that is killed so many seconds, at most, after one of its requests."""
        before, wanted = len(self.server.requests), self.random.randrange(1, FEEDS + 1)
        pause = self.random.uniform(0, longest)
        pid = self.start()
        ended = threading.Thread(target=self._kill, args=(pid, before + wanted, pause))
        ended.start()
        code = self.ended()
        ended.join()
        self.killed += code == -signal.SIGKILL

    def kill_at_a_step(self) -> None:
        """A pass that is killed at one of its steps, or up to a tenth of a second later; see `Order`."""
        linger = self.random.choice([0.0, self.random.uniform(0, 0.1)])
        self.start(Order(die_at=self.random.randrange(1, MOST_STEPS), linger=linger))
        self.killed += self.ended() == -signal.SIGKILL

    def _kill(self, pid: int, requests: int, pause: float) -> None:
        deadline = time.monotonic() + 30
        while len(self.server.requests) < requests and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(pause)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def findings(self) -> FeedFindings:
        """Reads the topic whole."""
        newest: dict[str, Article] = {}
        deliveries: Counter[tuple[str, str]] = Counter()
        ids: dict[str, set[str]] = {}
        for records in self.stack.records(topology.ARTICLES.name).values():
            for record in records:
                article = decode(Article, record.value or b"")
                newest[article.id] = article
                deliveries[article.id, article.digest()] += 1
                ids.setdefault(article.title, set()).add(article.id)
        wanted = {f"Item {number}-{index}": texts[-1] for (number, index), texts in self.texts.items()}
        last = {article.title: article.text for article in newest.values()}
        return FeedFindings(
            items=len(wanted), lost=sum(last.get(title) != text for title, text in wanted.items()), foreign=len(set(last) - set(wanted)),
            doubled=sum(len(found) > 1 for found in ids.values()), repeated=sum(count - 1 for count in deliveries.values()),
        )  # fmt: skip

    def close(self) -> None:
        """Ends the child."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(10)


@contextmanager
def feed_scene(stack: Stack, seed: int) -> Iterator[FeedScene]:
    """A scene over a stack whose topics are empty."""
    with feed_server(listen="0.0.0.0") as server:
        scene = FeedScene(stack, server, Random(seed))
        try:
            yield scene
        finally:
            scene.close()


def kills(scene: FeedScene, points: int) -> FeedFindings:
    """So many kills between a fetch and the end of what follows it, then one whole pass.

    Every other kill comes at a random time after a request, which is mostly while a document is parsed; the others at a random step between
    the first article that is handed over and the last record that is remembered.
    """
    scene.grow()
    longest = scene.read_whole()
    attempts = 0
    while scene.killed < points and attempts < points * 3:
        attempts += 1
        scene.grow()
        if attempts % 2:
            scene.kill_in_the_middle(longest)
        else:
            scene.kill_at_a_step()
    scene.grow()
    scene.read_whole()
    return scene.findings()


def broker_away(scene: FeedScene, seconds: float) -> FeedFindings:
    """The broker is killed in the middle of a pass and stays away; the reader ends with a reason and is started again and again."""
    scene.grow()
    scene.read_whole()
    scene.grow()
    scene.start()
    scene.stack.kill_kafka()
    back = time.monotonic() + seconds
    codes = [scene.ended()]
    while time.monotonic() < back:
        scene.start()
        codes.append(scene.ended())
        time.sleep(min(1.0, seconds / 10))
    assert set(codes) <= {0, 1}, codes
    assert 1 in codes
    scene.stack.start_kafka()
    scene.grow()
    scene.read_whole()
    return scene.findings()


def disk_full(scene: FeedScene, times: int = 3) -> FeedFindings:
    """No file may grow: the reader ends with a reason each time; with room it goes on."""
    scene.grow()
    scene.read_whole()
    for _ in range(times):
        scene.grow()
        scene.start(Order(largest_file=4_096))
        code = scene.ended()
        assert code == 1, f"a full disk ended the reader with {code}"
    scene.grow()
    scene.read_whole()
    return scene.findings()
