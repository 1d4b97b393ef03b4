"""`python -m tests.faults.feed_child SETTINGS FEEDS`: one pass over feeds in a fork for each line of input, so that a start costs little.

A line is an `Order`. Answers: a line with the fork's pid, and, when it has ended, one with its exit code (negative: the signal that ended it).
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import NoReturn

import msgspec
from prometheus_client import CollectorRegistry

from streams.errors import BellwetherError
from streams.ingest import poll
from streams.ingest.feed_record import FeedRecord
from streams.ingest.feeds import Feed, FeedList
from streams.ingest.poll import PollOptions, run_feeds
from streams.ingest.publish import ArticlePublisher
from streams.ingest.state import FeedState, Seen
from streams.log import configure_logging
from streams.metrics import IngestMetrics
from streams.records import Article
from streams.settings import Settings


class Order(msgspec.Struct):
    """How a pass is to go wrong.

    Attributes:
        largest_file: bytes that a file may have; 0: any.
        die_at: the step at which the process kills itself; 0: none. Steps are: each article handed over, each flush ended, each record
            about to be remembered, each one remembered.
        linger: seconds from that step to the kill; other threads go on meanwhile.
    """

    largest_file: int = 0
    die_at: int = 0
    linger: float = 0.0


class _Steps:
    """Counts steps, over all threads, and kills the process at one of them."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._lock = Lock()
        self._taken = 0

    def take(self) -> None:
        with self._lock:
            self._taken += 1
            if self._taken != self._order.die_at:
                return
        time.sleep(self._order.linger)
        os.kill(os.getpid(), signal.SIGKILL)


def _make_publisher(settings: Settings, steps: _Steps) -> ArticlePublisher:
    class SteppingPublisher(ArticlePublisher):
        def send(self, article: Article) -> None:
            super().send(article)
            steps.take()

        def flush(self) -> None:
            super().flush()
            steps.take()

    return SteppingPublisher(settings, IngestMetrics(CollectorRegistry()), "feeds")


def _make_state(steps: _Steps) -> type[FeedState]:
    class SteppingState(FeedState):
        def save(self, url: str, record: FeedRecord, entries: Mapping[str, Seen] | None = None, *, now: datetime) -> None:
            steps.take()
            super().save(url, record, entries, now=now)
            steps.take()

    return SteppingState


def _pass(settings: Settings, feeds: FeedList, order: Order) -> NoReturn:
    code = 0
    if order.largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, order.largest_file))
    try:
        steps = _Steps(order)
        vars(poll)["FeedState"] = _make_state(steps)
        with _make_publisher(settings, steps) as publisher:
            report = run_feeds(settings, feeds, publisher, once=True, options=PollOptions(host_spacing_seconds=0.0, parsers=1))
        code = 3 if report.failed else 0
    except BellwetherError as error:
        print(error, file=sys.stderr, flush=True)
        code = 1
    finally:
        os._exit(code)


def main() -> None:
    """Forks until the end of the input."""
    settings = Settings(**json.loads(sys.argv[1]))
    feeds = FeedList(tuple(Feed(url, "Courier", "en", allow_private=True) for url in json.loads(sys.argv[2])))
    configure_logging("ERROR", as_json=True)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            _pass(settings, feeds, msgspec.json.decode(line, type=Order))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
