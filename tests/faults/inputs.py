"""What the fault tests feed in, by seed: news with late articles, edits, copies and poison, as raw records of `articles`."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from streams.clock import format_utc, parse_utc
from streams.records import Article, encode
from tests.helpers.archives import as_articles, news

LATE_SHARE, EDITED_SHARE, COPIED_SHARE, POISON_SHARE = 0.01, 0.05, 0.20, 0.005
EMPTY = "Nothing of what stood here is left."

Pair = tuple[bytes, bytes | None]


@dataclass(frozen=True)
class FaultInput:
    """Records in the order in which they are sent.

    Attributes:
        items: raw lines for `ingest archive`, sent first.
        records: key and value of what is written straight to `articles`, sent after them.
    """

    items: list[dict[str, Any]]
    records: list[Pair]

    @property
    def size(self) -> int:
        """How many records end up on `articles`."""
        return len(self.items) + len(self.records)

    def chunks(self, count: int) -> list[list[Pair]]:
        """The records in so many parts."""
        step = max(1, -(-len(self.records) // count))
        return [self.records[start : start + step] for start in range(0, len(self.records), step)]


def make_input(seed: int, size: int, *, archived: float = 0.3) -> FaultInput:
    """An input of `size` records; `archived` is the share that goes through `ingest archive`."""
    rng = random.Random(seed)
    counts = {share: round(size * share) for share in (LATE_SHARE, EDITED_SHARE, COPIED_SHARE, POISON_SHARE)}
    originals = size - counts[EDITED_SHARE] - counts[COPIED_SHARE] - counts[POISON_SHARE]
    base = [replace_id(a, f"s{seed}-{n}") for n, a in enumerate(as_articles(list(news(originals))))][:originals]
    base += [replace_id(rng.choice(base), f"s{seed}-again-{n}") for n in range(originals - len(base))]
    for index in rng.sample(range(len(base)), counts[LATE_SHARE]):
        base[index] = _changed(base[index], published=_earlier(base[index], rng))
    rng.shuffle(base)
    # A place between 0 and 1 for each record; what derives from another comes after it.
    placed: list[tuple[float, Pair]] = [(rng.random(), _record(article)) for article in base]
    places = [place for place, _ in placed]
    latest = list(base)
    for _ in range(counts[EDITED_SHARE]):
        index = rng.randrange(len(base))
        places[index] += rng.random() * (1 - places[index])
        latest[index] = _edited(latest[index], base[index], base, rng)
        placed.append((places[index], _record(latest[index])))
    for number in range(counts[COPIED_SHARE]):
        index = rng.randrange(len(base))
        placed.append((places[index] + rng.random() * (1 - places[index]), _record(_copy(base[index], seed, number, rng))))
    placed += [(rng.random(), POISON[rng.randrange(len(POISON))](rng, base)) for _ in range(counts[POISON_SHARE])]
    return _divided([pair for _, pair in sorted(placed, key=lambda item: item[0])], round(size * archived))


def _divided(ordered: list[Pair], archived: int) -> FaultInput:
    """The first good ones go into the archive; poison stays where it is, among the records."""
    items: list[dict[str, Any]] = []
    records: list[Pair] = []
    for key, value in ordered:
        item = _item(key, value) if len(items) < archived and not records[300:] else None
        if item is None:
            records.append((key, value))
        else:
            items.append(item)
    return FaultInput(items, records)


def _item(key: bytes, value: bytes | None) -> dict[str, Any] | None:
    """The archive line that gives this record, None for poison."""
    if not value or len(value) > 100_000:
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    is_article = isinstance(found, dict) and str(found.get("id")).encode() == key and key.startswith(b"s") and found.get("v") == 1
    return {k: found[k] for k in ("id", "title", "text", "published", "outlet", "url", "language")} if is_article else None


def replace_id(article: Article, article_id: str) -> Article:
    """The article under another id."""
    return _changed(article, id=article_id)


def _changed(article: Article, **changes: str) -> Article:
    fields = {name: getattr(article, name) for name in article.__struct_fields__}
    return Article(**{**fields, **changes})


def _record(article: Article) -> Pair:
    return article.id.encode(), encode(article)


def _earlier(article: Article, rng: random.Random) -> str:
    """An event week far back."""
    first = datetime(2001, 1, 1, tzinfo=UTC)
    last = max(first + timedelta(days=30), parse_utc(article.published) - timedelta(days=200))
    return format_utc(first + (last - first) * rng.random())


def _edited(current: Article, original: Article, others: list[Article], rng: random.Random) -> Article:
    """A later revision: longer, about other states, about none, of another week, or as it was at first."""
    other = rng.choice(others)
    way = rng.randrange(5)
    if way == 0:
        return _changed(current, text=current.text + f" Updated: correction {rng.randrange(1000)}.")
    if way == 1:
        return _changed(current, title=other.title, text=other.text)
    if way == 2:
        return _changed(current, title=EMPTY, text=f"{EMPTY} {rng.randrange(1000)}")
    if way == 3:
        return _changed(current, published=_earlier(current, rng))
    return original


def _copy(article: Article, seed: int, number: int, rng: random.Random) -> Article:
    """The same text elsewhere, up to three days later: as it was, under another headline, cut, or with a line below it."""
    published = format_utc(parse_utc(article.published) + timedelta(hours=rng.randrange(72)))
    words = article.text.split()
    changes = rng.choice((
        {}, {"title": f"In other news {number}"}, {"text": " ".join(words[: max(8, 2 * len(words) // 3)])},
        {"text": f"{article.text} Read more on our site. All rights reserved."},
    ))  # fmt: skip
    return _changed(article, id=f"s{seed}-copy-{number}", outlet=f"Copyist {number % 7}", published=published, **changes)


def _poison_id(rng: random.Random) -> bytes:
    return f"poison-{rng.getrandbits(40)}".encode()


def _broken_json(rng: random.Random, base: list[Article]) -> Pair:
    article = rng.choice(base)
    return article.id.encode(), encode(article)[: rng.randrange(1, 60)]


def _wrong_type(rng: random.Random, base: list[Article]) -> Pair:
    return rng.choice(base).id.encode(), b'{"id": 7, "title": [], "text": null, "published": 3}'


def _newer_version(rng: random.Random, base: list[Article]) -> Pair:
    article = rng.choice(base)
    return article.id.encode(), encode(article).replace(b'"v":1}', b'"v":2}')


def _no_value(rng: random.Random, base: list[Article]) -> Pair:
    return rng.choice(base).id.encode(), rng.choice([None, b""])


def _huge(rng: random.Random, _: list[Article]) -> Pair:
    return _poison_id(rng), b'{"id": "' + b"x" * 1_200_000


def _deeply_nested(rng: random.Random, _: list[Article]) -> Pair:
    key = _poison_id(rng)
    return (
        key,
        b'{"id":"'
        + key
        + b'","title":"t","text":"t","published":"2020-01-01T00:00:00Z","z":'
        + b"[" * 9_000
        + b"]" * 9_000
        + b"}",
    )


def _foreign_key(rng: random.Random, base: list[Article]) -> Pair:
    """The right article under the key of another: two partitions would argue about it."""
    return rng.choice(base).id.encode() + b"-other", encode(rng.choice(base))


def _bad_date(rng: random.Random, base: list[Article]) -> Pair:
    article = rng.choice(base)
    return article.id.encode(), encode(_changed(article, published=rng.choice(["yesterday", "", "0001-01-01T00:00:00+23:00"])))


def _no_id(_: random.Random, base: list[Article]) -> Pair:
    return b"", encode(_changed(base[0], id=""))


POISON: tuple[Callable[[random.Random, list[Article]], Pair], ...] = (
    _broken_json, _wrong_type, _newer_version, _no_value, _huge, _deeply_nested, _foreign_key, _bad_date, _no_id,
)  # fmt: skip
