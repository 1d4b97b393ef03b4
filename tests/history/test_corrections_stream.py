"""What people say, on a real Kafka: the facts, the counts and the evidence follow; killed workers change nothing of it."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from models.predict import Predictor
from streams import topology
from streams.corrections.lookup import Lookup
from streams.corrections.teaching import Taught, read_taught
from streams.corrections.writing import CorrectionTopics, CorrectionWriter
from streams.kafka.clients import bulk_consumer, point_consumer
from streams.records import Correction, Signal, decode
from streams.watchlist import load_watchlist
from tests.helpers.archives import news, write_archive
from tests.helpers.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

ARTICLES = 400
TOPICS = CorrectionTopics(topology.ARTICLES.name, topology.CORRECTIONS.name)
Facts = dict[str, Signal]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with articles worked off, two partitions, one worker."""
    folder = tmp_path_factory.mktemp("corrections")
    archive = write_archive(folder / "news.jsonl", list(news(ARTICLES)))
    with running_stack(folder, partitions=2) as running:
        running.run("ingest", "archive", str(archive))
        running.start_worker()
        running.wait_until_processed(ARTICLES)
        yield running


def facts_of(stack: Stack) -> Facts:
    """Key -> fact, as they stand on `signals`."""
    standing: Facts = {}
    for record in itertools.chain.from_iterable(stack.records(topology.SIGNALS.name).values()):
        key = (record.key or b"").decode()
        standing.pop(key, None)
        if record.value is not None:
            standing[key] = decode(Signal, record.value)
    return standing


def labelled_facts(stack: Stack) -> list[Signal]:
    """Those of the model with a signal, of watched pairs, by article."""
    watched = load_watchlist(stack.settings.watchlist).keys
    found = [
        fact
        for fact in facts_of(stack).values()
        if fact.labels and not fact.corrected and f"{fact.source}-{fact.partner}" in watched
    ]
    return sorted(found, key=lambda fact: (fact.article_id, fact.source))


def listed_of(stack: Stack, fact: Signal) -> list[dict[str, Any]]:
    """What `bellwether corrections` says of the fact's article."""
    lines = [json.loads(line) for line in stack.run("corrections", "--json").stdout.splitlines()]
    return [line for line in lines if line["article_id"] == fact.article_id]


def lessons(stack: Stack) -> Taught:
    """What corrected articles teach now."""
    with (
        contextlib.closing(bulk_consumer(stack.settings, "test-lessons", tells_end=True)) as whole,
        contextlib.closing(point_consumer(stack.settings, "test-lessons")) as point,
    ):
        lookup = Lookup(whole, point, topology.ARTICLES.name, topology.CLASSIFICATIONS.name)
        return read_taught(lookup, topology.CORRECTIONS.name, stack.settings.partitions, Predictor.load(encoder=False).classify)


def corrected_by(stack: Stack, name: str) -> bool:
    """Whether any fact is."""
    return any(fact.corrected == name for fact in facts_of(stack).values())


def any_word(rng: random.Random, key: str, by: str) -> Correction:
    """Something that a person might say of a fact."""
    pair, article_id = key.split("|", 1)
    labels = rng.sample(["cooperation", "hedging"], rng.randint(0, 2))
    return Correction(
        article_id=article_id, pair=pair, labels=labels, digest="", by=by, why="so", at="2026-01-01T00:00:00Z",
        withdrawn=rng.random() < 0.3,
    )  # fmt: skip


def counted(stack: Stack, fact: Signal, label: str) -> int:
    """Articles with a label in the fact's week, as `trends` has it."""
    trend = stack.trends().get(f"{fact.source}-{fact.partner}|{fact.week}")
    return trend.counts[label]["all"].articles if trend and label in trend.counts else 0


def test_a_correction_changes_the_fact_and_the_count_marks_the_evidence_and_is_withdrawn(stack: Stack) -> None:
    fact = labelled_facts(stack)[0]
    pair, [label, *_] = f"{fact.source}-{fact.partner}", sorted(fact.labels)
    other = "hedging" if label != "hedging" else "cooperation"
    before = counted(stack, fact, label), counted(stack, fact, other)
    said = ("--pair", pair, "--labels", other, "--by", "Ann", "--why", "it keeps its distance")
    [line] = stack.run("correct", fact.article_id, *said, "--json").stdout.splitlines()
    assert json.loads(line)["pair"] == pair
    wait_for("the count to follow", lambda: counted(stack, fact, label) == before[0] - 1)
    assert counted(stack, fact, other) == before[1] + (other not in fact.labels)
    corrected = facts_of(stack)[f"{pair}|{fact.article_id}"]
    assert (set(corrected.labels), corrected.corrected, corrected.labels[other].probability) == ({other}, "Ann", 1.0)
    assert corrected.labels[other].evidence
    evidence = stack.trends()[f"{pair}|{fact.week}"].evidence[other]
    assert any((item.article_id, item.corrected) == (fact.article_id, "Ann") for item in evidence)
    [listed] = listed_of(stack, fact)
    assert (listed["labels"], listed["is_of_newest"]) == ([other], True)
    [labels] = [row["labels"] for row in lessons(stack).rows if row["id"].startswith(f"corrected {fact.article_id}")]
    assert other in labels
    stack.run("correct", fact.article_id, "--pair", pair, "--withdraw", "--by", "Ann", "--why", "on second thoughts")
    wait_for("the model's word", lambda: (counted(stack, fact, label), counted(stack, fact, other)) == before)
    assert facts_of(stack)[f"{pair}|{fact.article_id}"] == fact
    assert listed_of(stack, fact) == []


def test_an_article_that_is_not_there_is_wrong_usage_that_says_so(stack: Stack) -> None:
    unknown = stack.run("correct", "no-such-article", "--none", "--by", "Ann", "--why", "so", ok=False)
    assert (unknown.returncode, "there is no article 'no-such-article'" in unknown.stderr) == (2, True)


def test_an_article_that_is_forgotten_leaves_no_fact_and_takes_its_count_with_it(stack: Stack) -> None:
    fact = labelled_facts(stack)[-1]
    label = min(fact.labels)
    stack.run("correct", fact.article_id, "--none", "--pair", "BLR-CHN", "--by", "Ann", "--why", "so")
    before = counted(stack, fact, label)
    left = {key: f for key, f in facts_of(stack).items() if f.article_id != fact.article_id}
    done = json.loads(stack.run("forget", "--article", fact.article_id, "--json").stdout)
    assert (done["articles"], done["corrections"] >= 1) == (1, True)
    wait_for("the count to follow", lambda: counted(stack, fact, label) == before - 1)
    assert facts_of(stack) == left
    newest = {record.key: record.value for records in stack.records(topology.CLASSIFICATIONS.name).values() for record in records}
    assert newest[fact.article_id.encode()] is None
    assert listed_of(stack, fact) == []
    assert stack.run("forget", "--article", fact.article_id, "--json", ok=False).returncode == 2


def test_corrections_that_come_while_the_worker_is_killed_are_in_the_facts_exactly(stack: Stack) -> None:
    rng = random.Random(7)
    before = facts_of(stack)
    chosen = rng.sample(sorted(before), 60)
    writer = CorrectionWriter(stack.settings, TOPICS)
    last: dict[str, Correction] = {}
    for round_number in range(2):
        by = f"Ann {round_number}"
        for _ in range(3):
            word = {key: any_word(rng, key, by) for key in rng.sample(chosen, 10)}
            writer.write(word.values())
            last |= word
        # Not at rest: some are worked off, some are not, and one may be half done.
        wait_for("the first of them", partial(corrected_by, stack, by))
        stack.end("worker-1", signal.SIGKILL)
        stack.start_worker()

    def as_said(key: str, fact: Signal) -> bool:
        word = last.get(key)
        if word is None or word.withdrawn:
            return fact == before[key]
        return (set(fact.labels), fact.corrected) == (set(word.labels), word.by)

    wait_for("every correction", lambda: all(as_said(key, fact) for key, fact in facts_of(stack).items()), seconds=90)
    assert facts_of(stack).keys() == before.keys()
