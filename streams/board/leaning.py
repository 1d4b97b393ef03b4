"""Which way a pair leans of late, and which stories speak against that. Pure.

The same rule as in the bulletin: a lean is what most signals of the last 13 weeks say, and whoever shows it must also show the best
evidence of the other direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.labels import LABELS, LEANS_TOWARDS, Label
from streams.board.counts import ROWS, STORIES
from streams.board.model import BoardModel
from streams.board.queries import FEW_STORIES, FoundStory
from streams.board.weeks import SHARE_WEEKS

#: Stories of the other direction that are shown together.
MOST_COUNTER = 3


@dataclass(frozen=True, slots=True)
class Lean:
    """Signals of the 13 weeks up to week number `until`, in all domains; a story counts once for each signal that it carries.

    Attributes:
        towards: signals of those labels that lean towards the partner.
        away: signals of those that keep room.
    """

    until: int
    towards: int
    away: int

    @property
    def is_towards(self) -> bool | None:
        """Whether most lean towards the partner; None without a signal."""
        return self.towards >= self.away if self.signals else None

    @property
    def signals(self) -> int:
        """Signals of either direction."""
        return self.towards + self.away

    @property
    def is_thin(self) -> bool:
        """Whether there are too few signals for the lean to mean much."""
        return self.signals < FEW_STORIES

    @property
    def leading(self) -> int:
        """Signals of the direction that most have."""
        return max(self.towards, self.away)

    def against(self, story: FoundStory) -> dict[str, float]:
        """The labels of a story that speak against the lean, with their probabilities."""
        return {
            label: probability
            for label, probability in story.labels.items()
            if self.is_towards is not None and LEANS_TOWARDS[Label(label)] != self.is_towards
        }


def lean_of(model: BoardModel, pair: str, until: int) -> Lean:
    """How a pair leans in the 13 weeks up to `until`."""
    stories = model.window(pair, until, SHARE_WEEKS)[:, :, 0, STORIES].sum(axis=0)
    told = {label: int(stories[ROWS.index(label)]) for label in LABELS}
    towards = sum(count for label, count in told.items() if LEANS_TOWARDS[label])
    return Lean(until, towards, sum(told.values()) - towards)


def counter_evidence(stories: Iterable[FoundStory], lean: Lean) -> list[FoundStory]:
    """The surest stories of those 13 weeks that point the other way, the surest first."""
    found = [
        (max(against.values()), story)
        for story in stories
        if lean.until - SHARE_WEEKS < story.week <= lean.until and (against := lean.against(story))
    ]
    ranked = sorted(found, key=lambda entry: (-entry[0], -entry[1].week, entry[1].evidence.article_id))
    return [story for _, story in ranked[:MOST_COUNTER]]
