"""What an evaluation came to: its figures, as a table for people and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval by bootstrap over the items."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Items whose stated probability lies in one bin: how many, what was stated on average, what share carries the label."""

    items: int
    stated: float
    observed: float


@dataclass(frozen=True, slots=True)
class Example:
    """One error of one label. `kind`: "put on" where it does not stand, or "missed"; `evidence`: the passage that drove it, if any."""

    item: str
    label: str
    kind: str
    probability: float
    title: str
    text: str
    truth: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class SureScores:
    """What is left when the items that the model is unsure of are taken out: their share, and the macro-F1 of the others."""

    unsure: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class LabelScores:
    """How well one label is found. `support`: items that carry it; `decided`: items that it was put on."""

    support: int
    decided: int
    precision: float
    recall: float
    f1: Interval
    ece: float
    reliability: tuple[ReliabilityBin, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupScores:
    """The figures of the items of one language, style or domain, for the labels that at least one of them carries."""

    items: int
    f1: dict[str, float]
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured.

    Attributes:
        name: of what was measured on.
        model: version of the predictor.
        items: number of items.
        labels: label -> its scores.
        macro_f1: mean of the labels' F1.
        ece: mean over the labels of the expected calibration error of the article-level probabilities, 0..1.
        unlabelled_decided: share of the items without a label that at least one was put on.
        domain_accuracy: share, among the items that say their domain, whose main domain is one of these; None without such items.
        pair_recall: share, among the items that carry a label and say their pair, for which the pair is among the item's pairs.
        direction_accuracy: share, among the rightly decided labels of items that say their pair, whose signal has it the same way round.
        groups: "language", "style" and "domain" -> value -> scores.
        sure: the figures without the items in the abstain band.
        examples: the errors that the model was surest of, at most `models.evaluate.EXAMPLES` of a label and kind.
    """

    name: str
    model: str
    items: int
    labels: dict[str, LabelScores]
    macro_f1: Interval
    ece: float
    unlabelled_decided: float | None
    domain_accuracy: float | None
    pair_recall: float | None
    direction_accuracy: float | None
    groups: dict[str, dict[str, GroupScores]]
    sure: SureScores
    examples: tuple[Example, ...] = ()

    def to_json(self) -> str:
        """The report as one line of JSON; of the examples all but the texts."""
        fields = asdict(self)
        for example in fields["examples"]:
            del example["text"]
        return json.dumps(fields, sort_keys=True, ensure_ascii=False)

    def to_table(self) -> str:
        """The report for a person to read."""
        rows = [f"{self.name}: {self.items} items, model {self.model}", ""]
        rows.append(f"{'label':<22}{'items':>7}{'put on':>8}{'precision':>11}{'recall':>8}{'F1':>7}   95 % interval{'ECE':>8}")
        for name, s in self.labels.items():
            rows.append(
                f"{name:<22}{s.support:>7}{s.decided:>8}{s.precision:>11.3f}{s.recall:>8.3f}{s.f1.value:>7.3f}"
                f"   {s.f1.low:.3f} .. {s.f1.high:.3f}{s.ece:>8.3f}"
            )
        macro = self.macro_f1
        rows.append(f"{'macro':<56}{macro.value:>7.3f}   {macro.low:.3f} .. {macro.high:.3f}{self.ece:>8.3f}")
        rows.append("")
        for title, share in (
            ("unlabelled items with a label put on", self.unlabelled_decided),
            ("main domain right", self.domain_accuracy),
            ("pair among the item's pairs", self.pair_recall),
            ("direction right", self.direction_accuracy),
            ("items that it is unsure of", self.sure.unsure),
            ("macro-F1 of the others", self.sure.macro_f1),
        ):
            rows.append(f"{title:<40}{'-' if share is None else f'{share:.3f}':>8}")
        for kind, groups in self.groups.items():
            rows.extend(["", f"{'by ' + kind:<22}{'items':>7}{'macro-F1':>10}  " + "  ".join(self.labels)])
            for value, group in groups.items():
                figures = "  ".join(_figure(group.f1.get(label), len(label)) for label in self.labels)
                rows.append(f"{value:<22}{group.items:>7}{group.macro_f1:>10.3f}  {figures}")
        return "\n".join(rows) + "\n"


def _figure(value: float | None, width: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:>{width}.3f}"
