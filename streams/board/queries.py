"""What a page or an answer of the API shows, made from the model: windows, shares, totals, evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.labels import LABELS
from streams.board.counts import ARTICLES, BOARD_DOMAINS, ROWS, STORIES, Counts
from streams.board.model import BoardModel, Totals
from streams.board.names import name_of
from streams.board.svg import SLOT, area_path, bars_path
from streams.board.weeks import SHARE_WEEKS, STRIP_WEEKS, week_number
from streams.records import Evidence, TrendStanding, split_pair

#: How a label reads in a heading.
LABEL_TITLES: dict[str, str] = {label: label.replace("-", " ").capitalize() for label in LABELS}
#: Fewer stories than this in 13 weeks are too few for a share to mean much: it is shown faintly.
FEW_STORIES = 10
#: Pairs with evidence on the overview, and stories of each.
LATEST_PAIRS, LATEST_STORIES = 24, 3


@dataclass(frozen=True, slots=True)
class Share:
    """Stories that carry a signal as a share of a pair's stories over 13 weeks.

    Attributes:
        stories: stories with the signal.
        exposure: stories about the pair.
        before: the same share over the 13 weeks before; None when there were no stories.
    """

    stories: int
    exposure: int
    before: float | None

    @property
    def ratio(self) -> float | None:
        """0 to 1, or None when there were no stories."""
        return self.stories / self.exposure if self.exposure else None

    @property
    def change(self) -> float | None:
        """Difference to the 13 weeks before, -1 to 1; None when either share is unknown."""
        return None if self.ratio is None or self.before is None else self.ratio - self.before

    @property
    def is_thin(self) -> bool:
        """Whether there were too few stories for the share to mean much."""
        return self.exposure < FEW_STORIES


@dataclass(frozen=True, slots=True)
class Strip:
    """One signal of one pair over 52 weeks.

    Attributes:
        standing: how it stands after the last closed week; None where none is closed.
        break_x: where the newest break that was told by the last week shown began, in units from the left; None where none did.
    """

    label: str
    title: str
    bars: str
    share: Share
    total: int
    in_window: int
    standing: TrendStanding | None
    break_x: float | None


@dataclass(frozen=True, slots=True)
class PairRow:
    """One row of the overview."""

    key: str
    source: str
    partner: str
    source_name: str
    partner_name: str
    is_watched: bool
    newest_week: int
    exposure_total: int
    exposure_in_window: int
    exposure_recent: int
    peak: int
    area: str
    strips: tuple[Strip, ...]


@dataclass(frozen=True, slots=True)
class Counters:
    """The figures at the head of a page."""

    articles: Totals
    stories: int
    newest_week: int
    pairs: int
    left_out: int


@dataclass(frozen=True, slots=True)
class FoundStory:
    """One story of the evidence, copies folded.

    Attributes:
        evidence: its surest article.
        by_label: every label that it stands for, in their order -> the surest article that carries it.
        others: further articles of the evidence that tell the same story, the surest first.
    """

    week: int
    evidence: Evidence
    by_label: dict[str, Evidence]
    others: tuple[Evidence, ...] = ()

    @property
    def labels(self) -> dict[str, float]:
        """Label -> its highest probability."""
        return {label: item.probability for label, item in self.by_label.items()}


@dataclass(frozen=True, slots=True)
class LatestEvidence:
    """The newest telling stories of one pair."""

    key: str
    source_name: str
    partner_name: str
    stories: tuple[FoundStory, ...]


def share_of(window: Counts, row: int, domain: int) -> Share:
    """The share over the last 13 weeks of a window of at least 26."""
    recent, before = window[-SHARE_WEEKS:], window[-2 * SHARE_WEEKS : -SHARE_WEEKS]
    exposure_before = int(before[:, 0, domain, STORIES].sum())
    return Share(
        stories=int(recent[:, row, domain, STORIES].sum()),
        exposure=int(recent[:, 0, domain, STORIES].sum()),
        before=int(before[:, row, domain, STORIES].sum()) / exposure_before if exposure_before else None,
    )


def pair_row(model: BoardModel, pair: str, domain: str, until: int) -> PairRow:
    """The row of a pair: strips of the 52 weeks up to week number `until`."""
    at = BOARD_DOMAINS.index(domain)
    window, totals = model.window(pair, until, STRIP_WEEKS), model.totals(pair)
    exposure = window[:, 0, at, STORIES].tolist()
    top = _top(window[:, :, at, STORIES])
    standings = model.standings(pair)
    strips = tuple(_strip(window, totals, label, at, (top, until), standings.get((str(label), domain))) for label in LABELS)
    source, partner = split_pair(pair)
    return PairRow(
        key=pair, source=source, partner=partner, source_name=name_of(source), partner_name=name_of(partner),
        is_watched=pair in model.watchlist.keys, newest_week=model.newest_week(pair), exposure_total=int(totals[0, at, STORIES]),
        exposure_in_window=sum(exposure), exposure_recent=sum(exposure[-SHARE_WEEKS:]), peak=max(exposure), area=area_path(exposure, top),
        strips=strips,
    )  # fmt: skip


def _top(stories: Counts) -> int:
    """The number of stories that fills a strip's height, the same for all signals of a row.

    One week full of news would press all others flat: so no bar of a signal is cut off, but the area behind them may be, in the
    busiest tenth of the weeks.
    """
    exposure = sorted(stories[:, 0].tolist())
    busy: int = exposure[len(exposure) * 9 // 10]
    return max(int(stories[:, 1:].max()), busy, 1)


def _strip(
    window: Counts, totals: Counts, label: str, domain: int, scale: tuple[int, int], standing: TrendStanding | None
) -> Strip:  # fmt: skip
    row, (top, until) = ROWS.index(label), scale
    stories = window[:, row, domain, STORIES].tolist()
    return Strip(
        label=label, title=LABEL_TITLES[label], bars=bars_path(stories, top), share=share_of(window, row, domain),
        total=int(totals[row, domain, STORIES]), in_window=sum(stories), standing=standing,
        break_x=_break_x(standing, until),
    )  # fmt: skip


def _break_x(standing: TrendStanding | None, until: int) -> float | None:
    told = [week_number(one.start) for one in standing.breaks if week_number(one.alarm) <= until] if standing else []
    at = told[-1] - (until - STRIP_WEEKS + 1) if told else -1
    return at * SLOT if 0 <= at < STRIP_WEEKS else None


def newest_week(model: BoardModel) -> int:
    """The newest week of any shown pair, so that an archive that ends years ago is shown at its end; -1 when there is none."""
    return max((model.newest_week(pair) for pair in model.pairs_shown()), default=-1)


def counters(model: BoardModel) -> Counters:
    """The figures at the head; a story about two pairs counts for each."""
    shown = model.pairs_shown()
    stories = sum(int(model.totals(pair)[0, 0, STORIES]) for pair in shown)
    return Counters(model.articles(), stories, newest_week(model), len(shown), model.pairs_left_out())


def overview(model: BoardModel, domain: str, until: int) -> list[PairRow]:
    """The rows of all shown pairs, watched ones first."""
    return [pair_row(model, pair, domain, until) for pair in model.pairs_shown()]


def evidence_of_pair(model: BoardModel, pair: str, until: int, weeks: int) -> list[FoundStory]:
    """The telling stories of the newest `weeks` weeks that have any: newest week first, then by probability."""
    found: list[FoundStory] = []
    for week, by_label in model.evidence(pair, until, weeks):
        stories: dict[str, list[tuple[str, Evidence]]] = {}
        for label in LABELS:
            for item in by_label.get(label, ()):
                # A writer that did not say which story an article tells leaves each for itself.
                stories.setdefault(item.story_id or item.article_id, []).append((str(label), item))
        told = [_story(week, items) for items in stories.values()]
        found += sorted(told, key=lambda story: (-story.evidence.probability, story.evidence.article_id))
    return found


def _story(week: int, items: Sequence[tuple[str, Evidence]]) -> FoundStory:
    by_label: dict[str, Evidence] = {}
    for label, item in items:
        if label not in by_label or item.probability > by_label[label].probability:
            by_label[label] = item
    articles: dict[str, Evidence] = {}
    for item in sorted((item for _, item in items), key=lambda item: (-item.probability, item.article_id)):
        articles.setdefault(item.article_id, item)
    surest, *others = articles.values()
    return FoundStory(week, surest, by_label, tuple(others))


def latest_evidence(model: BoardModel, pair: str, until: int, at_most: int = LATEST_STORIES) -> LatestEvidence:
    """The newest stories of a pair: first the best one of each label, then others; newest first."""
    stories = evidence_of_pair(model, pair, until, at_most)
    chosen: list[FoundStory] = []
    seen: set[str] = set()
    for story in stories:
        if not seen.issuperset(story.labels):
            chosen.append(story)
            seen.update(story.labels)
    chosen += [story for story in stories if story not in chosen]
    source, partner = split_pair(pair)
    kept = sorted(chosen[:at_most], key=lambda story: (-story.week, -story.evidence.probability, story.evidence.article_id))
    return LatestEvidence(pair, name_of(source), name_of(partner), tuple(kept))


def latest_of_all(model: BoardModel, until: int) -> list[LatestEvidence]:
    """Evidence of the pairs whose evidence is newest, bounded; ties in the order in which pairs are shown."""
    return [latest_evidence(model, pair, until) for pair in model.pairs_with_newest_evidence(until, LATEST_PAIRS)]


def binned(values: Sequence[int], size: int) -> list[int]:
    """Sums of `size` values each; a first bin that is not full stands at the beginning, so that the last one always is."""
    start = len(values) % size
    head = [sum(values[:start])] if start else []
    return head + [sum(values[at : at + size]) for at in range(start, len(values), size)]


def cell(counts: Counts, row: str, domain: str) -> dict[str, int]:
    """`{"stories": .., "articles": ..}` of one row and domain of a week's or a pair's counts."""
    found = counts[ROWS.index(row), BOARD_DOMAINS.index(domain)]
    return {"stories": int(found[STORIES]), "articles": int(found[ARTICLES])}
