"""Copies of one story, told apart from stories that are merely alike. Pure: the facts of a pair's week in, the story of each out.

Two articles are *copies* when they were published within 72 hours of each other and either have the same text or sketches that say
so (`is_copy`). A *story* is a set of articles that copies connect; its id is that of its earliest article. Which articles form a
story depends on nothing but the facts of the week: not on the order in which they came, and not on what came before it or after. So a
story that runs over the end of a week counts once in each of the two. See docs/copies.md.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from struct import unpack

from streams.clock import parse_utc
from streams.records import SKETCH_HASHES, SKETCH_TITLE_HASHES, Signal, Sketch, home_key, split_pair

WINDOW_SECONDS = 72 * 3600
#: So much of the smaller text stands in the other one; of few sampled shingles, chance gives more, so that more is asked.
CONTAINMENT, CONTAINMENT_OF_FEW = 0.55, 0.7
FEW_SHINGLES, MIN_SHINGLES = 10, 3
#: A body with fewer runs of two words (10 words) may be a phrase that stands under all items of a feed: the titles must agree too.
TITLED_SHINGLES = 9
#: A figure stands in at most so many shingles. Where only those of the other figures differ, it is a routine item, not an edited copy.
SHINGLES_OF_A_NUMBER = 3
_NO_LIMIT = 1 << 32

_Moment = tuple[float, str]  # seconds since 1970, article id
_About = tuple[str, Sketch | None, str]  # story_id of the fact, its sketch, its publication


class _Part:
    """One part of a sketch, ready to be compared."""

    __slots__ = ("hashes", "limit", "ordered")

    def __init__(self, data: bytes, most: int) -> None:
        self.ordered: tuple[int, ...] = unpack(f">{len(data) // 4}I", data[: len(data) // 4 * 4])
        self.hashes = frozenset(self.ordered)
        # A full part holds every hash of the text up to its last one, and may lack those beyond.
        self.limit = self.ordered[-1] if len(self.ordered) >= most else _NO_LIMIT

    def compare(self, other: _Part) -> tuple[int, int]:
        """(hashes in both, hashes of the one with fewer), of the range that both parts cover."""
        limit = min(self.limit, other.limit)
        sampled = min(bisect_right(self.ordered, limit), bisect_right(other.ordered, limit))
        return len(self.hashes & other.hashes), sampled


class _Print:
    """A sketch, ready to be compared."""

    __slots__ = ("lead", "numbers", "title", "whole")

    def __init__(self, sketch: Sketch) -> None:
        self.title = _Part(sketch.title, SKETCH_TITLE_HASHES)
        self.lead = _Part(sketch.lead, SKETCH_HASHES)
        self.whole = _Part(sketch.whole, SKETCH_HASHES)
        self.numbers = _Part(sketch.numbers, SKETCH_HASHES)

    def is_copy_of(self, other: _Print) -> bool:
        is_long = bool(self.whole.ordered and other.whole.ordered)
        shared, sampled = self.whole.compare(other.whole) if is_long else self.lead.compare(other.lead)
        needed = CONTAINMENT_OF_FEW if sampled < FEW_SHINGLES else CONTAINMENT
        if sampled < MIN_SHINGLES or shared < needed * sampled:
            return False
        if min(len(self.lead.ordered), len(other.lead.ordered)) < TITLED_SHINGLES and not self._has_title_of(other):
            return False
        return not self._has_other_numbers_than(other, sampled - shared)

    def _has_title_of(self, other: _Print) -> bool:
        shared, sampled = self.title.compare(other.title)
        return 2 * shared >= sampled

    def _has_other_numbers_than(self, other: _Print, differing: int) -> bool:
        shared, sampled = self.numbers.compare(other.numbers)
        if 2 * shared > sampled or not sampled:
            return False
        if 2 * shared < sampled and sampled > 1:
            return True
        return differing <= SHINGLES_OF_A_NUMBER * (sampled - shared)


def is_copy(one: Sketch, other: Sketch) -> bool:
    """Whether two texts are copies of each other, cut or edited or not; symmetric."""
    return _Print(one).is_copy_of(_Print(other))


def story_ids(facts: Iterable[Signal]) -> dict[str, str]:
    """Article id -> story id, of the facts of one pair's week, at most one of each article."""
    return StoryIndex().ids_of(facts)


class _Text:
    """One text of the week, and the articles that have it, by time."""

    __slots__ = ("copy_print", "moments")

    def __init__(self, sketch: Sketch | None) -> None:
        self.copy_print = None if sketch is None else _Print(sketch)
        self.moments: list[_Moment] = []

    def beside(self, moment: _Moment) -> Iterator[_Moment]:
        """The articles next before and next after, where they stand in the window. Those on one side of it are copies of each other,
        so that whoever is tied to the nearest is tied to all.
        """
        place = bisect_left(self.moments, moment)
        for other in self.moments[max(0, place - 1) : place + 1]:
            if abs(other[0] - moment[0]) <= WINDOW_SECONDS:
                yield other

    def is_copy_of(self, other: _Text) -> bool:
        return self.copy_print is not None and other.copy_print is not None and self.copy_print.is_copy_of(other.copy_print)


class StoryIndex:
    """The articles of one pair's week, tied into stories, so that a week with one more article is not compared anew.

    It remembers, and decides nothing: what `ids_of` returns depends on its argument alone.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._articles: dict[str, _About] = {}
        self._moments: dict[str, _Moment] = {}
        self._earlier: dict[_Moment, _Moment] = {}
        self._texts: list[_Text] = []
        self._numbers: dict[tuple[str, Sketch | None], int] = {}
        self._by_story: dict[str, list[int]] = {}
        self._by_lead: dict[int, list[int]] = {}
        self._by_whole: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """Articles that it knows."""
        return len(self._articles)

    def ids_of(self, facts: Iterable[Signal]) -> dict[str, str]:
        """Article id -> story id. See `story_ids`."""
        wanted = {fact.article_id: (fact.story_id, fact.sketch, fact.published) for fact in facts}
        if any(wanted.get(article) != about for article, about in self._articles.items()):
            self._forget()
        for article, about in wanted.items():
            if article not in self._articles:
                self._add(article, about)
        return {article: self._first(self._moments[article])[1] for article in wanted}

    def _add(self, article: str, about: _About) -> None:
        story, sketch, published = about
        self._articles[article] = about
        moment = self._moments[article] = (_seconds(published), article)
        number = self._numbers.get((story, sketch))
        if number is None:
            number = self._add_text(story, sketch)
        text = self._texts[number]
        for same in self._by_story[story]:
            for other in self._texts[same].beside(moment):
                self._tie(moment, other)
        insort(text.moments, moment)
        for candidate in self._alike(text):
            untied = [other for other in candidate.beside(moment) if self._first(other) != self._first(moment)]
            if untied and text.is_copy_of(candidate):
                for other in untied:
                    self._tie(moment, other)

    def _add_text(self, story: str, sketch: Sketch | None) -> int:
        text, number = _Text(sketch), len(self._texts)
        self._texts.append(text)
        self._numbers[story, sketch] = number
        self._by_story.setdefault(story, []).append(number)
        if text.copy_print is not None:
            for index, part in ((self._by_lead, text.copy_print.lead), (self._by_whole, text.copy_print.whole)):
                for value in part.ordered:
                    index.setdefault(value, []).append(number)
        return number

    def _alike(self, text: _Text) -> Iterator[_Text]:
        """The texts that share enough hashes to be worth a comparison."""
        found: Counter[int] = Counter()
        if text.copy_print is not None:
            for index, part in ((self._by_lead, text.copy_print.lead), (self._by_whole, text.copy_print.whole)):
                for value in part.ordered:
                    if len(numbers := index[value]) > 1:
                        found.update(numbers)
        return (
            self._texts[number] for number, shared in found.items() if shared >= MIN_SHINGLES and self._texts[number] is not text
        )

    def _first(self, moment: _Moment) -> _Moment:
        """The earliest article of the story as it is tied so far."""
        while (earlier := self._earlier.get(moment)) is not None:
            beyond = self._earlier.get(earlier)
            if beyond is not None:
                self._earlier[moment] = beyond
            moment = earlier
        return moment

    def _tie(self, one: _Moment, other: _Moment) -> None:
        one, other = sorted((self._first(one), self._first(other)))
        if one != other:
            self._earlier[other] = one


def _seconds(published: str) -> float:
    try:
        return parse_utc(published).timestamp()
    except (ValueError, OverflowError):
        # Nobody writes such a fact; one that stands there all the same must not keep its week from being counted.
        return 0.0


class StoryMemo:
    """An index for each of the weeks that were asked for last; bounded. Both directions of a pair share one.

    Args:
        max_articles: how many articles all of them hold together, about 5 kB each. The week in work is held, whatever its size.
    """

    def __init__(self, max_articles: int = 16_384) -> None:
        self._max = max_articles
        self._held = 0
        self._indices: OrderedDict[tuple[bytes, str], StoryIndex] = OrderedDict()

    def __len__(self) -> int:
        """Articles that it holds."""
        return self._held

    def ids_of(self, pair: str, week: str, facts: Sequence[Signal]) -> dict[str, str]:
        """Article id -> story id, of the facts of one pair's week."""
        key = home_key(*split_pair(pair)), week
        index = self._indices.pop(key, None) or StoryIndex()
        self._held -= len(index)
        found = index.ids_of(facts)
        self._indices[key] = index
        self._held += len(index)
        while self._held > self._max and len(self._indices) > 1:
            _, dropped = self._indices.popitem(last=False)
            self._held -= len(dropped)
        return found
