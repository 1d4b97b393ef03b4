"""What people say of articles, on the board: the newest word on each, by the rule by which the facts follow it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.board.said import SaidTable
from streams.corrections.listing import fold
from streams.errors import RecordError
from streams.records import Correction, correction_key, encode
from streams.stage import InputRecord

PAIRS = ("", "BLR-RUS", "RUS-BLR")


def correction(pair: str = "BLR-RUS", article_id: str = "article-1", *, why: str = "so", withdrawn: bool = False) -> Correction:
    """Ann's word on an article."""
    labels = ["hedging"] if pair and not withdrawn else []
    return Correction(
        article_id=article_id, pair=pair, labels=labels, digest="d" * 32, by="Ann", why=why, at="2017-08-04T10:00:00Z", withdrawn=withdrawn
    )  # fmt: skip


def record(one: Correction) -> tuple[bytes, bytes]:
    return correction_key(one.pair, one.article_id), encode(one)


KEYS = st.tuples(st.sampled_from(PAIRS), st.sampled_from(["article-1", "article-2"]))


@given(st.lists(st.tuples(KEYS, st.sampled_from(["said", "withdrawn", "erased"])), max_size=20))
def test_what_stands_is_what_the_command_lists(said: list[tuple[tuple[str, str], str]]) -> None:
    table, records = SaidTable(), []
    for offset, ((pair, article_id), what) in enumerate(said):
        key, value = record(correction(pair, article_id, why=f"for reason {offset}", withdrawn=what == "withdrawn"))
        records.append(InputRecord(offset, key, None if what == "erased" else value))
        table.apply(key, records[-1].value)
    expected = fold(records)
    assert {name: table.of(name) for name in ("article-1", "article-2")} == {
        name: [one for _, one in sorted(expected.get(name, {}).items())] for name in ("article-1", "article-2")
    }
    assert len(table) == len(expected)


def test_what_can_not_be_read_changes_nothing() -> None:
    table = SaidTable()
    table.apply(*record(correction()))
    with pytest.raises(RecordError):
        table.apply(b"BLR-RUS|article-1", b"{}")
    assert [one.by for one in table.of("article-1")] == ["Ann"]
    table.clear()
    assert len(table) == 0
