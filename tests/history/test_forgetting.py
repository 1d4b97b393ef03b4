"""What is erased, and text that has had its time, on a real Kafka: gone from every place where it stood, and the counts are right."""

from __future__ import annotations

import contextlib
import html
import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from streams import topology
from streams.clock import format_utc, iso_week, utc_now
from streams.kafka import broker
from streams.kafka.clients import bulk_consumer
from streams.kafka.copying import RecordWriter
from streams.kafka.jars import DEPLOY
from streams.kafka.reading import first_offset
from streams.kafka.sink import partition_of
from streams.kafka.topics import DAY_MS
from streams.records import encode
from streams.stage import InputRecord
from tests.helpers.archives import as_articles, news, write_archive
from tests.helpers.stack import Stack, answers, fetch, running_stack, wait_for

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

OUTLET, WORD = "Minsk Courier", "unmentionable"
NOW = utc_now()
THEN = NOW - timedelta(days=21)
WEEK = iso_week(THEN)
#: Articles of one outlet in a week that is over, one of them without an address; and one of yesterday, by which it is.
UNWANTED = [
    {"id": f"unwanted-{number}", "title": f"Belarus and Russia sign an {WORD} pact {number}", "outlet": OUTLET, "published": format_utc(THEN),
     "text": f"Minsk and Moscow agreed on joint {WORD} exercises, number {number}.", "url": f"https://courier.invalid/{number}?a=1&b=2" if number else ""}
    for number in range(3)
]  # fmt: skip
YESTERDAY = {
    "id": "yesterday", "title": "Belarus and Russia agree on gas", "text": "Minsk and Moscow agreed on the price of gas.", "outlet": "Other",
    "published": format_utc(NOW - timedelta(days=1)),
}  # fmt: skip
#: Articles that came ten days ago.
OLD = [
    {"id": f"old-{number}", "title": f"Armenia and Russia train together, day {number}", "outlet": "Old Times", "published": "2021-05-05T10:00:00Z",
     "text": f"Armenia and Russia agreed to hold joint exercises number {number} of a bygone kind."}
    for number in range(8)
]  # fmt: skip
NEWS = 150
PAGES = ("/", "/pairs/BLR-RUS", "/breaks", "/api/v1/trends?pair=BLR-RUS", "/metrics")
COMMANDS = ("export facts", f"bulletin --json --week {WEEK} --pair BLR-RUS")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A node with a worker and a board that have worked everything off; its broker looks for what has had its time every second."""
    folder = tmp_path_factory.mktemp("forgetting")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broker, "DEPLOY", eager_broker(folder / "deploy"))
        with running_stack(folder, partitions=2) as running:
            write_as_of_ten_days_ago(running)
            items = [*list(news(NEWS)), *UNWANTED, YESTERDAY]
            running.run("ingest", "archive", str(write_archive(folder / "news.jsonl", items)))
            running.start_worker()
            running.start_board()
            running.wait_until_processed(len(items) + len(OLD))
            yield running


def eager_broker(folder: Path) -> Path:
    """The broker's files, with a retention that does not wait."""
    shutil.copytree(DEPLOY, folder)
    with (folder / "server.properties").open("a", encoding="utf-8") as file:
        file.write("\nlog.retention.check.interval.ms=1000\nlog.initial.task.delay.ms=1000\n")
    return folder


def write_as_of_ten_days_ago(stack: Stack) -> None:
    """Articles under the time at which they came."""
    writer, came_ms = RecordWriter(stack.settings, "test-old"), int(NOW.timestamp() * 1000) - 10 * DAY_MS
    for article in as_articles(OLD):
        key = article.id.encode()
        writer.write("articles", partition_of(key, stack.settings.partitions), InputRecord(0, key, encode(article), came_ms))
    writer.settle()


def standing(stack: Stack, topic: str) -> dict[bytes, bytes]:
    """Key -> value of what stands on a topic."""
    found: dict[bytes, bytes] = {}
    for record in (record for records in stack.records(topic).values() for record in records):
        found.pop(record.key or b"", None)
        if record.value is not None:
            found[record.key or b""] = record.value
    return found


def places_that_say(stack: Stack, *words: str) -> set[str]:
    """Everywhere that one of the words can be read now: topics, local state, exports, pages and the API of the board, the bulletin."""
    texts = {spec.name: b"\n".join(standing(stack, spec.name).values()).decode() for spec in topology.TOPICS}
    texts |= {page: html.unescape(fetch(board(stack) + page)) for page in PAGES}
    texts |= {command: stack.run(*command.split()).stdout for command in COMMANDS}
    for path in stack.settings.data_dir.glob("state/**/*.sqlite"):
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            texts[f"state {path.stem}"] = "\n".join(_cells(database))
    return {place for place, text in texts.items() if any(word in text for word in words)}


def _cells(database: sqlite3.Connection) -> Iterator[str]:
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        for row in database.execute(f"SELECT * FROM {table}"):
            yield from (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in row)


def board(stack: Stack) -> str:
    """The board's address."""
    return f"http://127.0.0.1:{stack.settings.board_port}"


def test_an_erased_outlet_is_gone_from_every_place_and_a_past_bulletin_that_links_to_it_is_named(stack: Stack) -> None:
    before, forgotten = places_that_say(stack, WORD), stack.progress()["forgotten"]
    assert {"articles", "signals", "trends", *COMMANDS, "/pairs/BLR-RUS"} <= before
    assert any(place.startswith("state trends") for place in before)
    page = stack.settings.bulletins_folder / f"{WEEK}.html"
    page.parent.mkdir(parents=True)
    stack.run("bulletin", "--week", WEEK, "--format", "html", "--out", str(page))
    (page.parent / "2020-W01.html").write_text("<p>another week</p>", encoding="utf-8")
    done = json.loads(stack.run("forget", "--outlet", OUTLET, "--json").stdout)
    assert done == {"articles": len(UNWANTED), "corrections": 0, "bulletins": [str(page)]}
    wait_for(
        "the facts to be taken back", lambda: stack.progress()["forgotten"] == forgotten + len(UNWANTED) and stack.is_settled()
    )
    wait_for("the board to follow", lambda: WORD not in fetch(board(stack) + "/pairs/BLR-RUS"))
    assert places_that_say(stack, WORD, OUTLET) == set()
    assert not answers(f"{board(stack)}/article?id=unwanted-1")


def test_text_goes_after_its_time_the_counts_stay_and_an_article_without_text_can_be_erased(stack: Stack) -> None:
    counts, facts = stack.trends(), standing(stack, "signals") | standing(stack, "sealed")
    forgotten = stack.progress()["forgotten"]
    assert b"old-1" in standing(stack, "articles")
    own = stack.settings
    stack.settings = own.model_copy(update={"text_days": 5})
    told = stack.run("topics", "--configure")
    assert "was: articles: cleanup.policy is compact, expected compact,delete" in told.stderr
    with contextlib.closing(bulk_consumer(own, "test-begin")) as consumer:
        wait_for("old text to go", lambda: all(first_offset(consumer, "articles", number) > 0 for number in range(2)))
    left = standing(stack, "articles")
    assert not any(key.startswith(b"old-") for key in left)
    assert len(left) >= NEWS - 5, "younger text stays"
    assert stack.trends() == counts
    assert standing(stack, "signals") | standing(stack, "sealed") == facts
    assert json.loads(stack.run("forget", "--article", "old-1", "--json").stdout)["articles"] == 1
    wait_for("the facts to be taken back", lambda: stack.progress()["forgotten"] == forgotten + 1 and stack.is_settled())
    assert {key for key in facts if b"old-1" in key} == facts.keys() - (
        standing(stack, "signals") | standing(stack, "sealed")
    ).keys()
    assert stack.trends() != counts
