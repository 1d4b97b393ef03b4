"""Why an item was classified as it was: for each label its probability, its threshold, the passage and the words that speak most for it.

Plain frozen data, made by `models.predict.Predictor.explain`. In Jupyter an `Explanation` shows itself (`_repr_html_`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from models.passages import Passage
from models.results import Classified, Text


@dataclass(frozen=True, slots=True)
class LabelReason:
    """One label of one item, decided or not.

    Attributes:
        probability, threshold: of the whole item, 0 to 1; decided from the threshold on.
        unsure: the probability lies so near the threshold that a reader should look.
        passage: the sentence that speaks most for the label; "" where no sentence names an actor.
        alone: the probability that the passage would have if it were the whole item.
        terms: the words of the passage that weighed most, heaviest first.
        tied: whether a passage ties the label to a pair of states; a decided label that is not tied gives no signal.
    """

    label: str
    probability: float
    threshold: float
    decided: bool
    unsure: bool
    passage: str
    alone: float
    terms: tuple[str, ...]
    tied: bool

    @property
    def verdict(self) -> str:
        """In words: decided or not, and by how much."""
        gap = abs(self.probability - self.threshold)
        if not self.decided:
            verdict = f"not decided: {self.probability:.2f} is {gap:.2f} short of {self.threshold:.2f}"
        else:
            verdict = f"decided: {self.probability:.2f} reaches {self.threshold:.2f}"
            if not self.tied:
                verdict += ", but no sentence ties it to a pair"
        return f"{verdict}; too near to rely on" if self.unsure else verdict


@dataclass(frozen=True, slots=True)
class Mark:
    """A passage that carries a decided label: offsets in `title + "\\n" + body`."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """An item, what was found in it, and why.

    Attributes:
        text: the item.
        classified: the answer; of an item that was not scored `abstained` says why, and there are no reasons.
        reasons: one for each label, in the order of `models.labels.LABELS`.
        marks: passages by place, no two overlapping.
    """

    text: Text
    classified: Classified
    reasons: tuple[LabelReason, ...] = ()
    marks: tuple[Mark, ...] = ()

    def pieces(self) -> Iterator[tuple[str, str]]:
        """(piece, label or "") of the body, in order; joined, the pieces are the body."""
        yield from self._pieces(len(self.text.title) + 1, len(self.text.title) + 1 + len(self.text.text))

    def title_pieces(self) -> Iterator[tuple[str, str]]:
        """The same of the title."""
        yield from self._pieces(0, len(self.text.title))

    def _pieces(self, start: int, end: int) -> Iterator[tuple[str, str]]:
        whole = f"{self.text.title}\n{self.text.text}"
        for mark in self.marks:
            if mark.start < start or mark.end > end:
                continue
            if mark.start > start:
                yield whole[start : mark.start], ""
            yield whole[mark.start : mark.end], mark.label
            start = mark.end
        if start < end:
            yield whole[start:end], ""

    def _repr_html_(self) -> str:
        """How Jupyter shows it: the item with its passages coloured, escaped, with its own style."""
        from models.explanation_page import to_fragment

        return to_fragment(self)


def marks_of(passages: Sequence[Passage], margins: Sequence[Mapping[str, float]], found: Classified) -> tuple[Mark, ...]:
    """The passages that signals were read from, and those that would be decided by themselves: by the clearest of the decided labels.

    Args:
        margins: for each passage, label -> its probability when read alone, less the threshold.
    """
    signalled = {(signal.evidence, signal.label) for signal in found.signals}
    marks = []
    for passage, margin in zip(passages, margins, strict=True):
        held = [
            ((passage.text, label) in signalled, over, label)
            for label, over in margin.items()
            if label in found.decided and (over >= 0 or (passage.text, label) in signalled)
        ]
        if held:
            marks.append(Mark(passage.start, passage.end, max(held)[2]))
    return tuple(sorted(marks, key=lambda mark: mark.start))
