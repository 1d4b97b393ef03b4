"""The audit over a real Kafka: what was corrected, erased, switched is told before it is done; what can't be told is not done."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from streams import topology
from streams.cli import cli
from streams.corrections import writing
from streams.corrections.writing import CorrectionTopics, CorrectionWriter
from streams.deeds import an_act
from streams.errors import KafkaError
from streams.kafka import audit
from streams.kafka.audit import note_act, read_acts
from streams.push.tokens import TokenFile
from streams.records import Correction
from tests.helpers.stack import Stack, running_stack

pytestmark = pytest.mark.kafka
ADDRESS = "https://news.example/of-a-person"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("audit")) as running:
        yield running


def correction(article_id: str, **changes: object) -> Correction:
    said: dict[str, object] = {
        "pair": "BLR-RUS", "labels": ["hedging"], "digest": "d" * 32, "by": "Ann", "why": "it declines the base", "at": "2017-08-04T10:00:00Z",
    }  # fmt: skip
    return Correction(article_id=article_id, **{**said, **changes})  # type: ignore[arg-type]


def writer(stack: Stack, topic: str = topology.AUDIT.name) -> CorrectionWriter:
    return CorrectionWriter(stack.settings, CorrectionTopics(topology.ARTICLES.name, topology.CORRECTIONS.name, topic))


def told(stack: Stack, *arguments: str) -> list[dict[str, str]]:
    """What `bellwether audit` prints."""
    environment = {
        "BELLWETHER_KAFKA_SERVERS": stack.settings.kafka_servers, "BELLWETHER_DATA_DIR": str(stack.settings.data_dir),
        "BELLWETHER_PARTITIONS": str(stack.settings.partitions),
    }  # fmt: skip
    done = CliRunner().invoke(cli, ["audit", "--json", *arguments], env=environment, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.output.splitlines()]


def test_who_corrected_withdrew_and_forgot_is_told_and_no_address_of_an_article(stack: Stack) -> None:
    before = len(told(stack))
    writer(stack).write([correction(ADDRESS), correction("another", labels=[], pair="")])
    writer(stack).write([correction(ADDRESS, labels=[], withdrawn=True)])
    writer(stack).forget([ADDRESS], by="Bob", why="the outlet asked for it")
    found = [(act["by"], act["did"], act["subject"].partition(", ")[2], act["why"]) for act in told(stack, "--article", ADDRESS)]
    assert found == [
        ("Ann", "corrected", "BLR-RUS: hedging", ""), ("Ann", "withdrew", "BLR-RUS", ""), ("Bob", "forgot", "", "the outlet asked for it"),
    ]  # fmt: skip
    assert len(told(stack)) == before + 4
    assert not any(ADDRESS in record for record in map(json.dumps, told(stack)))


def test_tokens_stand_in_the_same_list_and_without_a_broker_by_themselves(stack: Stack) -> None:
    before = len(told(stack))
    TokenFile(stack.settings.push_tokens_file).add("ann", ["read"])
    assert [act["subject"] for act in told(stack, "--tokens-only")] == ["token ann (read)"]
    assert len(told(stack)) == before + 1
    assert told(stack, "--since", "2999-01-01") == []


def test_what_can_not_be_told_is_not_done(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FLUSH_SECONDS", 2.0)
    monkeypatch.setattr(audit, "FLUSH_SECONDS", 2.0)
    standing = stack.records(topology.CORRECTIONS.name)
    with pytest.raises(KafkaError):
        writer(stack, "no-such-topic").write([correction("article-7")])
    with pytest.raises(KafkaError, match="could not be noted"):
        note_act(stack.settings, an_act("dropped", "edition b"), "no-such-topic")
    assert stack.records(topology.CORRECTIONS.name) == standing
    assert all(act.subject != "edition b" for act in read_acts(stack.settings))
