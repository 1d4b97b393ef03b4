"""The replay under fire: its worker is killed in the middle, again and again, while the live one works; both counts are exact."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import psutil
import pytest

from models.predict import Predictor
from streams import topology
from streams.board.listing import read_trends
from streams.records import Trend
from streams.replay.metering import Meter
from streams.settings import Settings
from tests.helpers.archives import as_articles, news, write_archive
from tests.helpers.other_model import write_other_model
from tests.helpers.plain_loop import counts_of, recount
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

ARTICLES, KILLS = 1_600, 2


def worker_of(replay: psutil.Process) -> psutil.Process | None:
    """The worker that the command has running now."""
    return next((child for child in replay.children() if "worker" in child.cmdline()), None)


def has_gone_on(meter: Meter, before: int, replay: psutil.Process) -> bool:
    """Whether there is progress, or none to wait for."""
    return meter.read().done > before or not replay.is_running()


def kill_in_the_middle(stack: Stack, settings: Settings, replay: psutil.Process) -> int:
    """SIGKILLs the replay's worker after each bit of progress, and the live one in between; returns how often it hit work in progress."""
    hit = 0
    with Meter(settings) as meter:
        for _ in range(KILLS):
            before = meter.read().done
            wait_for("progress of the replay", partial(has_gone_on, meter, before, replay))
            worker = worker_of(replay)
            if worker is None or meter.read().done >= ARTICLES:
                break
            worker.send_signal(signal.SIGKILL)
            hit += 1
            stack.end("worker-1", signal.SIGKILL)
            stack.start_worker()
    return hit


def trends_of(settings: Settings) -> list[Trend]:
    return [row.trend for row in read_trends(settings, topology.name_in(settings, topology.TRENDS), None)]


def test_sigkill_of_the_replaying_worker_in_the_middle_leaves_both_counts_exact(tmp_path: Path) -> None:
    items = list(news(ARTICLES))
    model = write_other_model(tmp_path / "model")
    with running_stack(tmp_path, partitions=2, batch_articles=64) as stack:
        stack.run("ingest", "archive", str(write_archive(tmp_path / "news.jsonl", items)))
        stack.start_worker()
        command = stack.start("replay", "replay", "--model", str(model), "--edition", "b", "--json")
        settings = stack.settings.model_copy(update={"edition": "b"})
        wait_for("the edition", lambda: worker_of(psutil.Process(command.pid)))
        hit = kill_in_the_middle(stack, settings, psutil.Process(command.pid))
        assert command.wait(180) == 0, (tmp_path / "replay.log").read_text()
        stack.wait_until_processed(ARTICLES)
        assert hit > 0, "nothing was killed in the middle: the run proves nothing"
        articles = as_articles(items)
        for found, classifier in (
            (trends_of(stack.settings), Predictor.load(encoder=False)),
            (trends_of(settings), Predictor.load(model, encoder=False)),
        ):
            counts = counts_of(found)
            assert counts == recount(articles, classifier).counts({pair for pair, *_ in counts})
        with Meter(settings) as meter:
            assert meter.read().outcomes == {
                "classified": ARTICLES,
                "duplicates": 0,
                "dead_letters": 0,
                "forgotten": 0,
                "skipped": 0,
            }
