"""Stories are a function of the facts: whatever way they came, they are what docs/copies.md says of every two of them."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.classify.sketch import sketch_of
from streams.clock import parse_utc
from streams.records import Signal, story_fingerprint
from streams.trends.stories import StoryIndex, is_copy, story_ids
from tests.helpers.builders import fact
from tests.helpers.copies import CHANGES, Item, long_items, short_items
from tests.helpers.plain_copies import Told, sketches_are_copies, stories_of

_RNG = random.Random(11)
_ITEMS = [*short_items(_RNG, 12), *long_items(_RNG, 4)]
#: Few texts, each in many forms: the items themselves, each change of each, changes of changes.
_ONCE = [change(item, _RNG, _ITEMS) for item in _ITEMS for change in CHANGES.values()]
_TWICE = [change(item, _RNG, _ITEMS) for item in _ONCE for change in CHANGES.values()]
TEXTS: list[Item] = [*_ITEMS, *_ONCE, *_TWICE]


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    item = draw(st.sampled_from(TEXTS))
    day, hour = draw(st.integers(0, 6)), draw(st.sampled_from([0, 12]))
    odd = draw(st.integers(0, 9))
    sketch = None if odd == 0 else sketch_of(item.title, item.text)
    return fact(
        draw(st.integers(1, 30)), published=f"2017-08-0{1 + day}T{hour:02}:00:00Z", sketch=sketch,
        story_id="same" if odd == 1 else story_fingerprint(item.title, item.text),
    )  # fmt: skip


def latest(facts: list[Signal]) -> list[Signal]:
    return list({found.article_id: found for found in facts}.values())


def expected(facts: list[Signal]) -> dict[str, str]:
    return stories_of([Told(parse_utc(f.published).timestamp(), f.article_id, f.story_id, f.sketch) for f in facts])


@settings(deadline=None, max_examples=150)
@given(st.lists(signals(), max_size=30), st.randoms())
def test_stories_are_what_the_definition_says_in_any_order(facts: list[Signal], rng: random.Random) -> None:
    week = latest(facts)
    rng.shuffle(week)
    assert story_ids(week) == expected(week)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(signals(), st.booleans()), max_size=40))
def test_an_index_that_has_seen_every_earlier_state_says_the_same(history: list[tuple[Signal, bool]]) -> None:
    index = StoryIndex()
    facts: dict[str, Signal] = {}
    for found, is_taken_back in history:
        facts.pop(found.article_id, None)
        if not is_taken_back:
            facts[found.article_id] = found
        assert index.ids_of(facts.values()) == expected(list(facts.values()))


def test_the_comparison_is_symmetric_and_equals_the_plain_one_on_copies_and_strangers() -> None:
    rng = random.Random(5)
    sketches = [sketch for item in TEXTS if (sketch := sketch_of(item.title, item.text)) is not None]
    said = []
    for _ in range(20_000):
        one = rng.randrange(len(sketches))
        # A neighbour in the list is mostly another form of the same text.
        a, b = sketches[one], sketches[rng.choice((rng.randrange(len(sketches)), (one + 1) % len(sketches)))]
        said.append(is_copy(a, b))
        assert is_copy(b, a) == said[-1] == sketches_are_copies(a, b)
    assert 0.2 < sum(said) / len(said) < 0.8
