"""Entries become articles with stable ids; new, edited and unchanged ones are told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.ingest.entries import FeedChanges, entry_article_id, find_changes
from streams.ingest.feeds import Feed
from streams.ingest.parsed import ParsedEntry, ParsedFeed
from streams.ingest.state import Seen
from streams.settings import load_settings

SETTINGS = load_settings()
NOW = datetime(2017, 8, 2, 12, 0, tzinfo=UTC)
FEED = Feed("https://courier.invalid/rss", "Courier", "en")


def entry(given: str = "courier-1", **changes: str | None) -> ParsedEntry:
    fields = {
        "title": "Title",
        "url": f"https://courier.invalid/{given}",
        "published": "2017-08-02T09:30:00Z",
        "summary": "Words.",
    }
    return ParsedEntry(id=given, **{**fields, **changes})


def changes_of(
    *entries: ParsedEntry, known: dict[str, Seen] | None = None, now: datetime = NOW, feed: Feed = FEED
) -> FeedChanges:
    return find_changes(ParsedFeed(entries=list(entries)), feed, known or {}, now=now, settings=SETTINGS)


def test_a_new_entry_is_sent_with_the_outlet_and_language_of_the_list() -> None:
    changes = changes_of(entry())
    (article,) = changes.articles
    assert (article.outlet, article.language, article.published, article.text) == (
        "Courier",
        "en",
        "2017-08-02T09:30:00Z",
        "Words.",
    )
    assert (changes.new, changes.revisions, changes.unchanged) == (1, 0, 0)


def test_an_unchanged_entry_is_not_sent_again() -> None:
    first = changes_of(entry())
    again = changes_of(entry(), known=first.seen, now=NOW + timedelta(days=1))
    assert (again.articles, again.unchanged) == ([], 1)
    assert again.seen == first.seen


def test_an_edited_entry_is_sent_again_under_the_same_article_id() -> None:
    first = changes_of(entry())
    edited = changes_of(entry(summary="Other words."), known=first.seen)
    assert edited.revisions == 1
    assert edited.articles[0].id == first.articles[0].id
    assert edited.articles[0].text == "Other words."
    assert changes_of(entry(summary="Other words."), known=edited.seen).articles == []


def test_an_edit_of_an_undated_entry_does_not_move_it_to_another_week() -> None:
    first = changes_of(entry(published=None))
    later = NOW + timedelta(days=30)
    edited = changes_of(entry(published=None, summary="Other words."), known=first.seen, now=later)
    assert edited.articles[0].published == first.articles[0].published == "2017-08-02T12:00:00Z"
    assert edited.articles[0].ingested == "2017-09-01T12:00:00Z"


def test_the_longer_of_content_and_summary_is_the_text_and_updated_stands_in_for_published() -> None:
    (article,) = changes_of(entry(content="<p>Many more words.</p>", published=None, updated="2017-08-01T00:00:00Z")).articles
    assert article.text == "Many more words."
    assert (article.published, article.date_origin) == ("2017-08-01T00:00:00Z", "published")


def test_an_entry_without_words_is_one_dead_letter_however_often_it_comes() -> None:
    empty = entry(title=None, summary=None)
    first = changes_of(empty, entry("courier-2"))
    assert [letter.reason for letter in first.dead_letters] == ["not-an-article"]
    assert "https://courier.invalid/rss" in first.dead_letters[0].where
    assert len(first.articles) == 1
    assert changes_of(empty, known=first.seen).dead_letters == []


def test_the_same_entry_twice_in_a_document_counts_once() -> None:
    assert len(changes_of(entry(), entry()).articles) == 1


def test_one_guid_for_several_addresses_does_not_melt_them_into_one_article() -> None:
    changes = changes_of(entry("same", url="https://courier.invalid/a"), entry("same", url="https://courier.invalid/b"))
    assert len({article.id for article in changes.articles}) == 2


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("https://courier.invalid/?p=7", "http://www.courier.invalid/?p=7&utm_source=feed#x", True),
        ("https://courier.invalid/?p=7", "https://courier.invalid/?p=8", False),
        ("tag:courier.invalid,2017:7", "tag:courier.invalid,2017:7", True),
        ("7", "8", False),
    ],
)
def test_article_ids_do_not_depend_on_spelling_or_feed(one: str, other: str, *, equal: bool) -> None:
    first = entry_article_id(entry(one, url="https://courier.invalid/x"), "https://courier.invalid/world.rss")
    second = entry_article_id(entry(other, url="https://courier.invalid/x"), "https://courier.invalid/all.rss")
    assert (first == second) is equal


def test_a_bare_number_is_unique_only_at_its_publisher() -> None:
    here = entry_article_id(entry("7", url="https://courier.invalid/7"), FEED.url)
    there = entry_article_id(entry("7", url="https://ledger.invalid/7"), FEED.url)
    assert here != there


def test_a_guid_that_changes_with_every_request_makes_no_new_article() -> None:
    first = changes_of(entry("guid-1", url="https://courier.invalid/a"))
    again = changes_of(entry("guid-2", url="https://courier.invalid/a?utm_source=rss"), known=first.seen)
    assert (again.new, again.revisions, again.unchanged) == (0, 0, 1)
    third = changes_of(entry("guid-3", url="https://courier.invalid/a?utm_source=rss"), known=again.seen)
    assert (third.new, third.revisions, third.unchanged) == (0, 0, 1)
    edited = changes_of(entry("guid-4", url="https://courier.invalid/a", summary="Other words."), known=third.seen)
    assert (edited.new, edited.revisions) == (0, 1)
    assert edited.articles[0].id == first.articles[0].id


def test_entries_of_one_page_with_guids_of_their_own_stay_apart() -> None:
    def post(number: int, hour: int) -> ParsedEntry:
        return entry(f"live-{number}", url="https://courier.invalid/live", title="Live", published=f"2017-08-02T{hour:02}:00:00Z")

    first = changes_of(post(1, 8), post(2, 9))
    later = changes_of(post(2, 9), post(3, 10), known=first.seen)
    assert (first.new, later.new, later.unchanged) == (2, 1, 1)


def test_a_guid_that_is_given_to_another_entry_does_not_replace_the_first_article() -> None:
    first = changes_of(entry("1", url="https://courier.invalid/a"))
    tomorrow = NOW + timedelta(days=1)
    other = entry(
        "1", url="https://courier.invalid/b", title="Another story", published="2017-08-03T09:00:00Z", summary="Other words."
    )
    second = changes_of(other, known=first.seen, now=tomorrow)
    assert second.new == 1
    assert second.articles[0].id != first.articles[0].id
    assert changes_of(other, known={**first.seen, **second.seen}, now=tomorrow).unchanged == 1
    assert changes_of(other, known=second.seen, now=tomorrow).unchanged == 1


def test_another_headline_address_or_date_alone_is_an_edit() -> None:
    first = changes_of(entry("1"))
    for edit in ({"title": "Other"}, {"url": "https://courier.invalid/b"}, {"published": "2017-08-03T09:00:00Z"}):
        changed = changes_of(entry("1", **{"url": "https://courier.invalid/1", **edit}), known=first.seen)
        assert (changed.new, changed.revisions) == (0, 1), edit
        assert changed.articles[0].id == first.articles[0].id


def test_what_was_remembered_before_there_were_marks_is_still_known() -> None:
    first = changes_of(entry())
    old = {article_id: Seen(seen.digest.partition(".")[0], seen.first_seen) for article_id, seen in first.seen.items()}
    assert changes_of(entry(), known=old).unchanged == 1
    assert changes_of(entry(title="Other"), known=old).revisions == 1


def test_the_author_and_the_source_of_an_entry_go_with_the_article() -> None:
    (article,) = changes_of(entry(author="Jane Doe", source="Northern Gazette")).articles
    assert (article.author, article.origin, article.outlet) == ("Jane Doe", "Northern Gazette", "Courier")


def test_one_guid_and_one_link_for_everything_does_not_melt_the_items_into_one_article() -> None:
    def item(number: int) -> ParsedEntry:
        published = f"2017-08-02T0{number}:00:00Z"
        return entry("https://courier.invalid/", url="https://courier.invalid/", title=f"Title {number}", published=published)

    first = changes_of(item(1), item(2), item(3))
    assert first.new == 3
    later = changes_of(item(2), item(3), item(4), known=first.seen)
    assert (later.new, later.revisions, later.unchanged) == (1, 0, 2)
    alone = changes_of(item(4), known={**first.seen, **later.seen})
    assert (alone.new, alone.unchanged) == (0, 1)


def test_two_headlines_of_one_item_with_one_date_are_one_article() -> None:
    changes = changes_of(entry("1"), entry("1", title="Title, corrected"))
    assert (changes.new, changes.unchanged) == (1, 1)


def test_a_date_that_stands_there_and_cannot_be_read_is_told_from_none() -> None:
    changes = changes_of(entry("1", published=None, unreadable_date="a while ago"), entry("2", published=None))
    assert [article.date_origin for article in changes.articles] == ["unreadable", "missing"]
