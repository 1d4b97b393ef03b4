"""From figures to blocks of text in one language: which sentences a week calls for, in which order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from streams.bulletin.figures import Bulletin, Item, PairFigures, Rival
from streams.bulletin.reading import Bars, bars_of, change_lines, reading_lines, status_lines
from streams.bulletin.revisions import EXPOSURE
from streams.bulletin.wording import Language, Words, words_of
from streams.records import split_pair


@dataclass(frozen=True, slots=True)
class Quoted:
    """An article as it is printed; `meta` and `terms` may hold what a stranger wrote."""

    title: str
    url: str
    meta: str
    quote: str
    terms: str


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a section: a paragraph, a list, articles, a table or commands (with what each is for); `bars` where there is room for a chart."""

    text: str = ""
    points: tuple[str, ...] = ()
    articles: tuple[Quoted, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    bars: Bars | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading (of level 2 or 3) and what stands beneath it."""

    level: int
    heading: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A bulletin, ready to be rendered; `quotes` are the marks that open and close a quote."""

    language: str
    quotes: tuple[str, str]
    title: str
    line: str
    sections: tuple[Section, ...]


def compose(found: Bulletin, words: Words) -> Document:
    """The document of a bulletin."""
    if not found.week:
        return Document(words.language, words.quotes, words.say("headline.empty"), words.say("week.empty"), ())
    if found.asked:
        (pair,) = found.pairs
        sections = [*_sections(pair, words, 2), *_revised(found, words)]
        return Document(words.language, words.quotes, headline(pair, words), _pair_line(found, pair, words), tuple(sections))
    sections = [_overview(found, words)]
    for pair in found.pairs:
        own = words.say("week.running", as_of=pair.as_of) if pair.state == "running" and pair.as_of else ""
        sections += [Section(2, headline(pair, words), (Block(own),) if own else ()), *_sections(pair, words, 3)]
    sections += _revised(found, words)
    title = words.say("headline.all", week=found.week)
    return Document(
        words.language, words.quotes, title, _week_line(found.week, _state_of_all(found, words), words), tuple(sections)
    )


def headline(pair: PairFigures, words: Words) -> str:
    """The week of a pair in one line: its newest break, else its signals, else that it is quiet."""
    names = {"source": words.name(pair.source), "partner": words.name(pair.partner)}
    for signal in pair.signals:
        if signal.said:
            key = "more" if signal.said[-1].direction == "up" else "less"
            return words.say(f"headline.{key}", signal=words.word("labels", signal.label), **names)
    if pair.state in ("unknown", "before", "ahead"):
        return words.say("headline.nothing", **names)
    told = sorted((signal for signal in pair.signals if signal.stories), key=lambda signal: -signal.stories)
    if told:
        return words.say("headline.signals", acts=words.listed([words.word("acts", signal.label) for signal in told]), **names)
    return words.say("headline.none" if pair.stories else "headline.quiet", **names)


def _week_line(week: str, state: str, words: Words) -> str:
    return f"{words.say('week.line', week=week, span=words.days(week))} {state}".strip()


def _pair_line(found: Bulletin, pair: PairFigures, words: Words) -> str:
    key = "running_unjudged" if pair.state == "running" and not pair.as_of else pair.state
    return _week_line(found.week, words.say(f"week.{key}", as_of=pair.as_of, newest=found.newest), words)


def _state_of_all(found: Bulletin, words: Words) -> str:
    key = {"running": "running_all", "before": "before_all"}.get(found.state, found.state)
    return words.say(f"week.{key if found.newest else 'empty'}", newest=found.newest)


def _overview(found: Bulletin, words: Words) -> Section:
    """All pairs of the week in a table, the quiet ones in a line."""
    labels = [signal.label for signal in found.pairs[0].signals] if found.pairs else []
    head = (*words.table["overview"]["columns"], *(words.word("labels", label) for label in labels))
    rows = [
        (
            words.pair(pair.source, pair.partner),
            words.whole(pair.stories),
            *(words.whole(signal.stories) for signal in pair.signals),
        )
        for pair in found.pairs
    ]
    blocks = [Block(table=(head, *rows))] if rows else [Block(words.say("overview.nothing"))]
    if found.left_out:
        blocks.append(Block(words.say("overview.left_out", pairs=words.count("pairs", found.left_out))))
    if found.quiet and found.state not in ("ahead", "before"):
        names = ", ".join(words.pair(*split_pair(key)) for key in found.quiet)
        blocks.append(Block(words.say("overview.quiet", pairs=names)))
    return Section(2, words.word("sections", "overview"), tuple(blocks))


def _sections(pair: PairFigures, words: Words, level: int) -> Iterable[Section]:
    """The parts of a pair's report; those that have nothing to say are left out."""
    if pair.state in ("unknown", "before", "ahead"):
        return
    parts: list[tuple[str, Sequence[Block]]] = [
        ("happened", _happened(pair, words)),
        ("reading", [Block(points=tuple(reading_lines(pair, words)), bars=bars_of(pair, words))]),
        ("status", [Block(points=tuple(status_lines(pair, words)))]),
        ("change", [Block(points=tuple(change_lines(pair, words)))]),
        ("counter", _counter(pair, words)),
        ("rivals", [Block(points=tuple(_rival(pair, rival, words) for rival in pair.rivals))]),
        ("derive", _derive(pair, words)),
    ]
    for name, blocks in parts:
        kept = tuple(block for block in blocks if block != Block())
        if kept:
            yield Section(level, words.word("sections", name), kept)


def _happened(pair: PairFigures, words: Words) -> list[Block]:
    names = {"source": words.name(pair.source), "partner": words.name(pair.partner)}
    usual = {} if pair.usual is None else {"usual": words.decimal(pair.usual, 1 if pair.usual >= 1 else 2)}
    counts = {"stories": words.count("story", pair.stories), "articles": words.count("article", pair.articles)}
    key = "counts_first" if pair.usual is None else "counts" if pair.stories else "no_news"
    lines = [words.say(f"happened.{key}", **names, **usual, **counts)]
    if pair.signal_stories:
        points = tuple(
            _signal_line(signal.label, signal.stories, signal.domains, words) for signal in pair.signals if signal.stories
        )
        articles = tuple(quoted(item, words) for item in pair.items)
        more = [Block(words.say("happened.more")), Block(articles=articles)] if articles else []
        return [Block(lines[0]), Block(points=points), *more]
    if pair.stories:
        lines.append(words.say("happened.no_signal"))
    lines.append(words.say("happened.silent", known=words.whole(pair.known_weeks), silent=words.whole(pair.silent_weeks)))
    return [Block(" ".join(lines))]


def _signal_line(label: str, stories: int, domains: Sequence[tuple[str, int]], words: Words) -> str:
    line = words.say("happened.signal", signal=words.word("labels", label), stories=words.count("story", stories))
    if not domains:
        return line
    listed = ", ".join(f"{words.word('domains', name)} {words.whole(number)}" for name, number in domains)
    return words.say("happened.domains", line=line, domains=listed)


def quoted(item: Item, words: Words) -> Quoted:
    """An article, with what was found in it."""
    labels = ", ".join(f"{words.word('labels', label)} {words.decimal(p, 2)}" for label, p in item.labels)
    outlet = f"{item.outlet}, " if item.outlet else ""
    meta = words.say("item.meta", outlet=outlet, date=item.date, labels=labels)
    terms = words.say("item.terms", terms=", ".join(item.terms)) if item.terms else ""
    return Quoted(item.title, item.url, meta, "" if item.quote == item.title else item.quote, terms)


def _counter(pair: PairFigures, words: Words) -> list[Block]:
    if pair.leading is None:
        return []
    if pair.counter is None:
        return [Block(words.say("counter.none", week=pair.week))]
    labels = words.listed([words.word("labels", label) for label, _ in pair.counter.labels])
    return [
        Block(words.say("counter.found", week=pair.counter.week, signal=labels)),
        Block(articles=(quoted(pair.counter, words),)),
    ]


def _rival(pair: PairFigures, rival: Rival, words: Words) -> str:
    signals = ", ".join(f"{words.word('labels', label)} {words.whole(number)}" for label, number in rival.signals)
    return words.say(
        "rivals.line", source=words.name(pair.source), rival=words.name(rival.code), signals=signals,
        stories=words.count("story", rival.stories),
    )  # fmt: skip


def _derive(pair: PairFigures, words: Words) -> list[Block]:
    """The commands that give every number again."""
    which = f"--pair {pair.key} --week {pair.week}"
    commands = [
        (f"bellwether trends --json {which}", words.say("derive.counts")),
        (f"bellwether trends --json {which} --back {pair.base_weeks}", words.say("derive.spans")),
        (f"bellwether bulletin --json {which}", words.say("derive.figures")),
    ]
    return [Block(words.say("derive.intro")), Block(commands=tuple(commands))]


def _revised(found: Bulletin, words: Words) -> list[Section]:
    """What has changed since the earlier bulletin; nothing where none was named."""
    if not found.since:
        return []
    points = tuple(
        words.say(
            "revisions.line", pair=words.pair(*split_pair(one.pair)), week=one.week, then=words.whole(one.then), now=words.whole(one.now),
            what=words.table["overview"]["columns"][1] if one.what == EXPOSURE else words.word("labels", one.what),
        )
        for one in found.revisions
    )  # fmt: skip
    block = Block(points=points) if points else Block(words.say("revisions.none", week=found.since))
    return [Section(2, words.word("sections", "revisions"), (block,))]


def document_of(found: Bulletin, language: Language) -> Document:
    """The document in a language."""
    return compose(found, words_of(language))
