"""Sealed weeks on a real Kafka: the start of `signals` is given up, and a lost disk is rebuilt from what is left and `sealed`."""

from __future__ import annotations

import contextlib
import shutil
import signal
from pathlib import Path

import pytest

from streams import topology
from streams.kafka.clients import bulk_consumer
from streams.kafka.reading import first_offset
from tests.faults.scene import compare, standing_facts
from tests.faults.truth import RememberingPredictor, account_for
from tests.helpers.archives import news, write_archive
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

ARTICLES = 2_500


def given_up(stack: Stack) -> int:
    """Where `signals` begins now."""
    with contextlib.closing(bulk_consumer(stack.settings, "test-bounds")) as consumer:
        return first_offset(consumer, topology.SIGNALS.name, 0)


def test_what_is_sealed_is_given_up_on_signals_and_a_lost_disk_is_rebuilt_without_it(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "news.jsonl", list(news(ARTICLES)))
    with running_stack(tmp_path, partitions=1) as stack:
        stack.run("ingest", "archive", str(archive))
        stack.start_worker()
        stack.wait_until_processed(ARTICLES)
        truth = account_for(stack.records(topology.ARTICLES.name), RememberingPredictor())
        wait_for("the start of `signals` to be given up", lambda: given_up(stack) >= 2_000)
        facts = standing_facts(stack)
        assert len(stack.records(topology.SIGNALS.name)[0]) <= len(facts) - 2_000
        stack.end("worker-1", signal.SIGKILL)
        shutil.rmtree(stack.settings.state_dir)
        # The same articles again: the facts must be known for what they are, and a new owner counts as the old one did.
        stack.start_worker()
        stack.run("ingest", "archive", str(archive))
        stack.wait_until_processed(2 * ARTICLES)
        assert standing_facts(stack) == facts
        differing = compare(stack, truth)
        assert not differing.counts
        assert not differing.facts
