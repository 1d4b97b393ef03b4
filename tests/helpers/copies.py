"""A test set of copies: articles, what editors and sites do to them, and stories that are merely alike.

The articles are those of the model's corpus (short) and several of one language in a row (long). What is done to them is drawn with
a fixed seed.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import models

#: So many of a hundred words are replaced by others in an edited copy.
EDITED_PER_CENT = 8
#: A long article is so many short ones in a row.
LONG_PARTS = (3, 12)
MIN_CUT_WORDS = 8


class Item(NamedTuple):
    """One article; `group` names the event, where several articles were written about one or about one that is much like it."""

    title: str
    text: str
    language: str
    group: str = ""


def corpus_items() -> list[Item]:
    """Every item of the model's corpus, in the order of its files."""
    items = []
    for path in sorted(Path(models.__file__).with_name("corpus").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            items.append(Item(row["title"], row["text"], row["language"], row.get("contrast", "")))
    return items


def short_items(rng: random.Random, amount: int) -> list[Item]:
    """So many different items of the corpus."""
    return rng.sample(corpus_items(), amount)


def long_items(rng: random.Random, amount: int) -> list[Item]:
    """Articles of some 100 to 400 words, no two of which have a part in common."""
    by_language: dict[str, list[Item]] = defaultdict(list)
    for item in corpus_items():
        by_language[item.language].append(item)
    found: list[Item] = []
    for items in by_language.values():
        rng.shuffle(items)
        while len(items) >= LONG_PARTS[1]:
            parts = [items.pop() for _ in range(rng.randint(*LONG_PARTS))]
            found.append(Item(parts[0].title, "\n".join(part.text for part in parts), parts[0].language))
    rng.shuffle(found)
    return found[:amount]


def cut(item: Item, rng: random.Random, _: list[Item]) -> Item:
    """The beginning of it, 30 to 80 %, as a feed shows it."""
    words = item.text.split()
    kept = max(MIN_CUT_WORDS, round(len(words) * rng.uniform(0.3, 0.8)))
    return item._replace(text=" ".join(words[:kept]) + "...")


def with_another_headline(item: Item, rng: random.Random, others: list[Item]) -> Item:
    """Another item's headline."""
    return item._replace(title=rng.choice(others).title)


def with_a_paragraph(item: Item, rng: random.Random, others: list[Item]) -> Item:
    """A paragraph about something else above or below, at most half as long again."""
    added = " ".join(rng.choice(others).text.split()[: max(8, len(item.text.split()) // 2)])
    return item._replace(text="\n".join((added, item.text) if rng.random() < 0.5 else (item.text, added)))


def with_boilerplate(item: Item, rng: random.Random, _: list[Item]) -> Item:
    """What sites put around a story."""
    before = rng.choice(("", "MINSK (Agency) - ", "МИНСК, 2 августа. ", "By our correspondent. ", "UPDATED: "))
    after = rng.choice(
        ("Read more on our site.", "Subscribe to our newsletter. All rights reserved, 2017.", "Подписывайтесь на наш канал.")
    )
    return item._replace(text=f"{before}{item.text} {after}")


def edited(item: Item, rng: random.Random, others: list[Item]) -> Item:
    """Every word, of headline and text, is another one with a probability of 8 %."""

    def edit(text: str) -> str:
        pool = rng.choice(others).text.split()
        return " ".join(rng.choice(pool) if rng.random() * 100 < EDITED_PER_CENT else word for word in text.split())

    return item._replace(title=edit(item.title), text=edit(item.text))


Change = Callable[[Item, random.Random, list[Item]], Item]
CHANGES: dict[str, Change] = {
    "cut": cut,
    "another headline": with_another_headline,
    "a paragraph added": with_a_paragraph,
    "boilerplate": with_boilerplate,
    "8 % of words edited": edited,
}

#: Routine items: the same sentence every day with other figures.
_ROUTINE = (
    "The central bank set the rate at {a} roubles to the dollar and {b} to the euro for Tuesday, after {c} and {d} the day before.",
    "Border guards turned back {a} people at the crossing with Russia on Monday, {b} of them at night, the committee said, after {c} on Sunday.",
    "Russian gas exports through Belarus came to {a} million cubic metres, of which {b} million went to Poland, the operator reported.",
    "Over the past day {a} aircraft flew near the island and {b} ships stood off its coast, the ministry said; {c} crossed the middle line.",
    "За сутки через границу с Россией проследовало {a} грузовых машин и {b} автобусов, очередь составляет {c} часа, сообщил комитет.",
    "Курс российского рубля на торгах установился на уровне {a}, доллара {b}, евро {c}, сообщает Национальный банк Беларуси.",
    "Oil loadings at the port rose to {a} thousand tonnes; the refinery in Mazyr took in {b} thousand tonnes of Russian crude on the day.",
    "At least {a} people were killed in attacks along the line of contact with Azerbaijan, Yerevan said on Monday.",
)


def routine_pairs(rng: random.Random, amount: int) -> list[tuple[Item, Item]]:
    """Pairs of the same routine item with figures that have nothing in common."""
    pairs = []
    for number in range(amount):
        sentence = _ROUTINE[number % len(_ROUTINE)]
        figures = rng.sample(range(11, 9_000), 8)
        one, other = (sentence.format(**dict(zip("abcd", half, strict=True))) for half in (figures[:4], figures[4:]))
        language = "en" if sentence.isascii() else "ru"
        pairs.append((Item("Daily figures", one, language), Item("Daily figures", other, language)))
    return pairs


def reworked_pairs() -> list[tuple[Item, Item]]:
    """Pairs of items about one event told anew, or one that is much like it; some keep sentences of each other, to teach the model where
    the difference lies.
    """
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in corpus_items():
        if item.group:
            groups[item.group].append(item)
    return [(items[0], other) for items in groups.values() for other in items[1:]]


def headed_pairs(rng: random.Random, amount: int) -> list[tuple[Item, Item]]:
    """Pairs of different stories under one heading."""
    pairs = [(rng.choice(items), rng.choice(items)) for items in [corpus_items()] for _ in range(amount)]
    return [(one, other._replace(title=one.title)) for one, other in pairs if one != other]
