"""Sealed facts: they count as before, copies are still known, and only those with text are evidence."""

from __future__ import annotations

from streams.classify.sketch import sketch_of
from streams.records import UNDATED, SealedFact, decode, encode
from streams.trends.sealing import as_fact, is_reduced, seal
from streams.trends.windows import count_week
from tests.helpers.builders import fact

TEXT = "Belarus and Russia begin a joint exercise near the border, the ministry of defence said on Wednesday in a statement."
WEEK = ("BLR-RUS", "2017-W31")


def test_a_week_of_sealed_facts_counts_as_it_did() -> None:
    facts = [
        fact(1),
        fact(2, labels=()),
        fact(3, labels=("hedging", "cooperation"), story_id="story-1"),
        fact(4, domains=["economy"]),
    ]
    before = count_week(*WEEK, facts)
    after = count_week(*WEEK, [as_fact(encode(seal(one, 7, cited=False))) for one in facts])
    assert (after.exposure, after.counts, after.latest) == (before.exposure, before.counts, before.latest)
    assert not any(after.evidence.values())


def test_the_newest_publication_of_a_week_is_that_of_an_article_with_a_date_of_its_own_sealed_or_not() -> None:
    dated, undated = fact(1, published="2017-07-31T10:00:00Z"), fact(2, published="2017-08-05T10:00:00Z", dated=False)
    for facts in ([dated, undated], [as_fact(encode(seal(one, 7, cited=False))) for one in (dated, undated)]):
        assert count_week(*WEEK, facts).latest == "2017-07-31T10:00:00Z"
        assert count_week(*WEEK, facts[1:]).latest == UNDATED
        assert count_week(*WEEK, facts).exposure["all"].articles == 2


def test_only_a_fact_that_keeps_its_text_is_evidence() -> None:
    sealed = [as_fact(encode(seal(fact(number, probability=0.9 - number / 100), 7, cited=number == 2))) for number in (1, 2)]
    (told,) = count_week(*WEEK, sealed).evidence["cooperation"]
    assert (told.article_id, told.title, told.sentence, told.terms) == ("article-2", "title 2", "sentence 2", ["exercise"])


def test_a_late_copy_under_another_headline_is_still_a_copy_of_a_sealed_fact() -> None:
    old = as_fact(encode(seal(fact(1, sketch=sketch_of("Exercise begins", TEXT)), 7, cited=False)))
    late = fact(2, sketch=sketch_of("Minsk and Moscow train together", TEXT + " It ends on Friday."))
    count = count_week(*WEEK, [old, late]).counts["cooperation"]["all"]
    assert (count.stories, count.articles) == (1, 2)


def test_the_two_forms_are_told_apart_and_the_offset_is_kept() -> None:
    long, reduced = encode(fact(1)), encode(seal(fact(1), 41, cited=False))
    assert not is_reduced(long)
    assert is_reduced(reduced)
    assert decode(SealedFact, reduced).offset == 41
    assert as_fact(long) == fact(1)
