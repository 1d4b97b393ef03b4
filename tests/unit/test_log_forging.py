"""What strangers wrote can't forge a line of the log, steer the terminal, or become the label of a metric."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import CollectorRegistry

from models.explanation import Explanation
from streams.classify.render import show
from streams.classify.texts import NamedText, read_texts
from streams.commands.common import say
from streams.errors import RecordError
from streams.ingest.publish import dead_letter
from streams.log import configure_logging, get_logger
from streams.metrics import IngestMetrics
from streams.printable import printable, printable_line
from tests.helpers.builders import article, classified, pair_signal
from tests.helpers.ingesting import FakeProducer, fake_publisher

FORGED = "a\n2017-08-02 10:00:00 [error    ] all is lost\r\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u2028\ud800"
HARMFUL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\u2066\ud800]")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


@pytest.mark.parametrize("as_json", [True, False])
def test_an_event_is_one_line_whatever_its_values_hold(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", as_json=as_json)
    get_logger("test").warning("article_refused", title=FORGED, ids=[FORGED], error=ValueError(FORGED))
    logging.getLogger("elsewhere").warning("of a library: %s", FORGED)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert not any(HARMFUL.search(line) for line in lines)
    assert not as_json or all(json.loads(line) for line in lines)


def test_a_trace_in_the_log_of_a_terminal_keeps_its_lines_apart_from_those_of_others(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", as_json=False)
    try:
        raise ValueError(FORGED.replace("\ud800", ""))
    except ValueError:
        get_logger("test").error("failed", exc_info=sys.exc_info())
    lines = capsys.readouterr().err.splitlines()
    assert not any(HARMFUL.search(line) for line in lines)
    assert all(line.startswith(("  | ", "Traceback")) or "failed" in line or not line for line in lines)


def test_what_is_said_to_a_person_steers_no_terminal_and_json_stays_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    say(FORGED)
    document = {"title": FORGED.replace("\ud800", "")}
    say(json.dumps(document, ensure_ascii=False))
    printed = capsys.readouterr().out
    assert not HARMFUL.search(printed)
    assert json.loads(printed.splitlines()[-1]) == document


def test_a_classification_on_the_terminal_holds_no_code_of_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    item = next(iter(read_texts(json.dumps({"id": "1", "title": FORGED, "text": FORGED}).encode(), "x.jsonl")))
    assert isinstance(item, NamedText)
    show(Console(force_terminal=False), item, Explanation(item.text, classified(pair_signal())))
    assert not HARMFUL.search(capsys.readouterr().out)


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"a":' * 100_000, b'{"title": NaN}', b'{"title": "a", "title": "b"}'])
def test_a_hostile_line_to_classify_is_an_error_of_that_line(line: bytes) -> None:
    found = list(read_texts(line + b'\n{"title": "t", "text": "x"}\n', "news.jsonl"))
    assert [type(item) for item in found] == [RecordError, NamedText]


def test_harmless_text_is_left_as_it_is() -> None:
    for text in ("plain", "два слова", "a\u200cb\u200dc", "tab\tand\nline"):
        assert printable(text) == text
    assert printable_line("a\nb\tc") == "a\\u000ab\\u0009c"


def test_no_id_title_or_place_becomes_the_label_of_a_metric() -> None:
    producer = FakeProducer()
    publisher = fake_publisher(producer)
    before = _series(publisher.metrics)
    publisher.send(article(1, id="odd-id", title=FORGED.replace("\ud800", "")))
    publisher.send_dead_letter(dead_letter("not-json", FORGED, FORGED, FORGED))
    publisher.flush()
    assert _series(publisher.metrics) == before


def _series(metrics: IngestMetrics) -> set[tuple[str, ...]]:
    registry = CollectorRegistry(auto_describe=False)
    for collector in (metrics.articles, metrics.dead_letters, metrics.delivery_errors):
        registry.register(collector)
    return {(sample.name, *map(str, sample.labels.items())) for family in registry.collect() for sample in family.samples}
