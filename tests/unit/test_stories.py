"""Which articles are copies of each other, and which stories they form."""

from __future__ import annotations

import itertools
import random
from struct import pack
from typing import Any

import pytest

from streams.classify.sketch import sketch_of
from streams.records import Count, Signal, Sketch, story_fingerprint
from streams.trends.stories import StoryMemo, is_copy, story_ids
from streams.trends.windows import count_week
from tests.helpers.builders import fact

TEXT = (
    "Belarus and Russia have agreed to hold a joint exercise near Brest in September, the defence ministry in Minsk announced. Some "
    "troops of both armies will train to guard the western border, with observers from the alliance invited to watch the final day."
)
REPLY = (
    "The foreign minister received the ambassador of the neighbouring country and handed him a note about the flights over the "
    "border, which Minsk calls a breach of the agreement that both sides signed in spring."
)


def sketch(text: str, title: str = "Exercise agreed") -> Sketch:
    found = sketch_of(title, text)
    assert found is not None
    return found


def told(
    number: int, text: str, published: str = "2017-08-02T09:30:00Z", title: str = "Exercise agreed", **changes: Any
) -> Signal:
    about = {"published": published, "title": title, "story_id": story_fingerprint(title, text), "sketch": sketch_of(title, text)}
    return fact(number, **{**about, **changes})


@pytest.mark.parametrize(
    "copy",
    [
        TEXT.upper(),
        " ".join(TEXT.split()[:12]) + " ...",
        TEXT + " The opposition called the plan a surrender and wants parliament to vote on it before any soldier moves.",
        "MINSK, Aug 2 (Agency) - " + TEXT + " Read more on our site. All rights reserved.",
        TEXT.replace("announced", "said").replace("near Brest", "by Brest").replace("alliance", "bloc"),
    ],
    ids=["upper case", "cut", "a paragraph added", "boilerplate", "words edited"],
)
def test_a_copy_is_known_whatever_was_done_to_it(copy: str) -> None:
    assert is_copy(sketch(TEXT), sketch(copy, "Armies to meet in the west"))


def test_another_story_under_the_same_headline_is_no_copy() -> None:
    assert not is_copy(sketch(TEXT, "World in brief"), sketch(REPLY, "World in brief"))


def test_a_routine_item_with_other_figures_is_no_copy() -> None:
    def item(a: int, b: int, c: int) -> Sketch:
        return sketch(
            f"The bank set the rate at {a} roubles to the dollar and {b} to the euro today, and bought {c} million in the market."
        )

    assert not is_copy(item(59, 64, 120), item(60, 65, 80))
    assert is_copy(item(59, 64, 120), item(59, 64, 121))


def made(lead: range, other: range, numbers: tuple[int, ...]) -> Sketch:
    """A sketch of such hashes, in the order that sketches have them."""
    return Sketch(
        title=b"", lead=pack(f">{len(lead) + len(other)}I", *lead, *other), whole=b"", numbers=pack(f">{len(numbers)}I", *numbers)
    )


def test_a_text_of_which_most_figures_are_others_is_no_copy_however_it_was_edited() -> None:
    one = made(range(12), range(100, 108), (1, 2))
    assert is_copy(one, made(range(12), range(200, 208), (1, 2)))
    assert is_copy(one, made(range(12), range(200, 208), (1, 3)))
    assert not is_copy(one, made(range(12), range(200, 208), (3, 4)))


def test_one_other_figure_makes_another_story_only_where_nothing_else_was_edited() -> None:
    text = "At least {} people crossed the border with Russia near Brest over the weekend, the committee of border guards said."
    assert not is_copy(sketch(text.format(40)), sketch(text.format(55)))
    edited = text.format(55).replace("people", "persons").replace("weekend", "holiday").replace("said", "stated")
    assert is_copy(sketch(text.format(40)), sketch(edited))


def test_a_phrase_that_stands_under_every_item_of_a_feed_makes_no_story() -> None:
    assert not is_copy(
        sketch("Read the full story here.", "Minsk and Moscow sign"), sketch("Read the full story here.", "Yerevan waits")
    )
    phrase = "Read the full story on our site."
    assert not is_copy(sketch(phrase, "Minsk and Moscow sign"), sketch(phrase, "Yerevan still waits"))
    assert is_copy(sketch(phrase, "Minsk and Moscow sign"), sketch(phrase, "Minsk and Moscow sign a pact"))


def test_copies_within_72_hours_are_one_story_named_after_the_earliest_article() -> None:
    facts = [told(1, TEXT, "2017-08-03T00:00:00Z"), told(2, TEXT + " More soon.", "2017-08-01T00:00:00Z"), told(3, REPLY)]
    assert story_ids(facts) == {"article-1": "article-2", "article-2": "article-2", "article-3": "article-3"}


@pytest.mark.parametrize(("hours", "stories"), [(72, 1), (73, 2)])
@pytest.mark.parametrize("second", [TEXT, TEXT + " More soon."], ids=["the same text", "an edited text"])
def test_copies_further_apart_than_the_window_are_two_stories(second: str, hours: int, stories: int) -> None:
    facts = [told(1, TEXT, "2017-07-31T00:00:00Z"), told(2, second, f"2017-08-03T{hours - 72:02}:00:00Z")]
    assert len(set(story_ids(facts).values())) == stories


def test_a_story_goes_on_while_each_copy_is_within_the_window_of_the_one_before() -> None:
    facts = [told(day, TEXT, f"2017-08-0{day}T00:00:00Z") for day in (1, 3, 6)]
    assert set(story_ids(facts).values()) == {"article-1"}
    assert len(set(story_ids([facts[0], facts[2]]).values())) == 2


def test_two_cuts_of_one_article_are_one_story_only_with_the_article_between_them() -> None:
    words = (TEXT + " " + REPLY).split()[:58]
    beginning, end, whole = told(1, " ".join(words[:24])), told(2, " ".join(words[-24:])), told(3, " ".join(words))
    assert len(set(story_ids([beginning, end]).values())) == 2
    assert len(set(story_ids([beginning, whole, end]).values())) == 1


def test_facts_without_a_sketch_are_copies_by_their_text_alone() -> None:
    old = [fact(1, story_id="same"), fact(2, story_id="same"), fact(3, story_id="other")]
    assert len(set(story_ids(old).values())) == 2
    new = told(4, TEXT)
    assert story_ids([new, fact(5, story_id=new.story_id)])["article-5"] == "article-4"


def test_the_same_text_is_one_story_whatever_the_sketches_say() -> None:
    facts = [
        fact(number, story_id="same", sketch=sketch_of("", text), published=f"2017-08-0{day}T00:00:00Z")
        for number, (text, day) in enumerate([(TEXT, 1), (REPLY, 6), ("Something else that was written about the matter.", 6)])
    ]
    assert len(set(story_ids(facts).values())) == 2


def test_a_date_that_cannot_be_read_does_not_keep_the_week_from_being_counted() -> None:
    assert len(story_ids([told(1, TEXT, "tomorrow"), told(2, TEXT)])) == 2


def test_no_order_of_the_articles_changes_the_stories() -> None:
    texts = [TEXT, TEXT + " More soon.", REPLY, " ".join(TEXT.split()[:12]), REPLY.replace("flights", "drones")]
    facts = [told(n, text, f"2017-08-0{1 + n % 4}T0{n}:00:00Z") for n, text in enumerate(texts)]
    expected = story_ids(facts)
    assert all(story_ids(order) == expected for order in itertools.permutations(facts))


def test_copies_count_as_articles_and_as_one_story_and_the_evidence_says_how_many_there_are() -> None:
    trend = count_week("BLR-RUS", "2017-W31", [told(1, TEXT), told(2, TEXT + " More soon.", probability=0.95), told(3, REPLY)])
    assert trend.exposure["all"] == Count(stories=2, articles=3)
    assert trend.counts["cooperation"]["security"] == Count(stories=2, articles=3)
    assert [(e.article_id, e.story_id, e.articles) for e in trend.evidence["cooperation"]] == [
        ("article-2", "article-1", 2), ("article-3", "article-3", 1)
    ]  # fmt: skip


def test_a_story_has_the_labels_and_domains_of_all_its_copies() -> None:
    facts = [told(1, TEXT, labels=("hedging",)), told(2, TEXT + " More soon.", labels=(), domains=["politics"])]
    trend = count_week("BLR-RUS", "2017-W31", facts)
    assert trend.exposure == {"all": Count(1, 2), "security": Count(1, 1), "politics": Count(1, 1)}
    assert trend.counts == {"hedging": {"all": Count(1, 1), "security": Count(1, 1)}}


def test_a_memo_changes_no_count_and_stays_within_its_bound() -> None:
    rng = random.Random(7)
    memo = StoryMemo(max_articles=40)
    weeks = ["2017-W30", "2017-W31", "2017-W32"]
    texts = [TEXT, REPLY, TEXT + " More soon.", *(f"{REPLY} Number {n} of its kind." for n in range(5))]
    known: dict[str, dict[int, Signal]] = {week: {} for week in weeks}
    for _ in range(300):
        week, number = rng.choice(weeks), rng.randrange(30)
        if rng.random() < 0.25:
            known[week].pop(number, None)
        else:
            known[week][number] = told(number, rng.choice(texts), f"2017-08-0{rng.randint(1, 7)}T00:00:00Z", week=week)
        facts = list(known[week].values())
        assert count_week("BLR-RUS", week, facts, memo) == count_week("BLR-RUS", week, facts)
        assert len(memo) <= 40
