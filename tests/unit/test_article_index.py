"""Where articles stand: the newest classification of an id, durable together with the offset, gone when it is erased."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.board.article.index import ArticleIndex, Place
from streams.records import Classification, encode
from streams.stage import InputRecord


def told(article_id: str, *, at: int, offset: int) -> InputRecord:
    """The classification, at an offset of its topic, of the article at `offset` of `articles`."""
    record = Classification(
        article_id=article_id, digest="d", offset=offset, pairs=["BLR-RUS"], language="en", labels={}, decided=[], domains={}, model="1-test",
    )  # fmt: skip
    return InputRecord(at, article_id.encode(), encode(record))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "board" / "articles.sqlite"


def test_an_edit_moves_an_article_and_an_older_classification_that_comes_late_does_not(path: Path) -> None:
    index = ArticleIndex(path, "topic")
    index.take(2, [told("a", at=0, offset=10), told("b", at=1, offset=11), told("a", at=2, offset=15)], 3)
    index.take(2, [told("a", at=3, offset=10)], 4)
    assert index.find("a") == Place(partition=2, article=15, classification=2)
    assert index.find("b") == Place(2, 11, 1)
    assert index.find("c") is None
    assert len(index) == 2


def test_an_erased_article_is_forgotten_and_what_no_version_here_can_read_is_passed_over(path: Path) -> None:
    index = ArticleIndex(path, "topic")
    index.take(
        0,
        [told("a", at=0, offset=1), InputRecord(1, b"x", b"{"), InputRecord(2, b"a", None), InputRecord(3, b"y", b'{"v": 9}')],
        4,
    )
    assert (len(index), index.find("a"), index.next_offset(0)) == (0, None, 4)


def test_it_goes_on_where_it_stopped_and_is_thrown_away_when_the_topic_is_another(path: Path) -> None:
    index = ArticleIndex(path, "topic")
    index.take(1, [told("a", at=7, offset=9)], 8)
    index.close()
    again = ArticleIndex(path, "topic")
    assert (again.next_offset(1), again.next_offset(0), again.find("a")) == (8, 0, Place(1, 9, 7))
    again.close()
    anew = ArticleIndex(path, "made anew")
    assert (anew.next_offset(1), len(anew)) == (0, 0)


def test_an_id_may_be_anything(path: Path) -> None:
    index = ArticleIndex(path, "topic")
    for id_ in ("https://news.invalid/?a=1&b='x'", "стаття №1", "'; DROP TABLE places; --"):
        index.take(0, [told(id_, at=0, offset=5)], 1)
        assert index.find(id_) == Place(0, 5, 0)
