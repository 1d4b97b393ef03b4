"""A model that has learnt from corrections, beside the one in force; kept only where no label got worse.

What comes in: the corpus, corrected articles as rows of it, and the model in force. What goes out: a folder named by the new model's version,
or the reason why there is none. It switches nothing over.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.dataset import corpus_files, read_corpus, read_measured, split_frozen
from models.evaluate import Classifier, evaluate
from models.report import Report
from models.train import TrainReport, train
from streams.errors import StateError

ROWS_FILE = "corrections.jsonl"
FROZEN = "frozen items of the corpus"

Train = Callable[[Path, Path, int], TrainReport]


@dataclass(frozen=True, slots=True)
class LabelChange:
    """F1 of one label on one set of items, before and after."""

    measured_on: str
    label: str
    items: int
    before: float
    after: float

    def is_worse(self, bearable: float) -> bool:
        """Whether it lost more F1 than is borne."""
        return self.before - self.after > bearable + 1e-9


@dataclass(frozen=True, slots=True)
class Retrained:
    """What came of it. `folder` is None where the model was not kept."""

    version: str
    folder: Path | None
    rows: int
    changes: list[LabelChange]
    worse: list[LabelChange]

    def to_json(self) -> str:
        """One line of JSON."""
        fields = ("measured_on", "label", "items", "before", "after")
        changes = [{name: getattr(change, name) for name in fields} | {"worse": change in self.worse} for change in self.changes]
        return json.dumps(
            {"version": self.version, "folder": str(self.folder) if self.folder else None, "items": self.rows, "changes": changes}
        )

    def to_table(self) -> str:
        """The comparison for a person to read."""
        rows = [f"{'measured on':<34}{'label':<22}{'items':>7}{'F1 before':>11}{'after':>8}"]
        for change in self.changes:
            mark = "   worse" if change in self.worse else ""
            rows.append(
                f"{change.measured_on:<34}{change.label:<22}{change.items:>7}{change.before:>11.3f}{change.after:>8.3f}{mark}"
            )
        return "\n".join(rows)


def retrain(
    corpus: Path, rows: Sequence[dict[str, Any]], models: Path, present: Classifier, load: Callable[[Path], Classifier], *,
    measured: Sequence[Path] = (), bearable: float = 0.0, seed: int = 0, run: Train = train,
) -> Retrained:  # fmt: skip
    """Trains on the corpus and the rows, compares with the present model, and keeps the new one where nothing got worse.

    Both are measured on the corpus's frozen items, which neither has seen, and on each file of `measured`.

    Args:
        models: folder in which a kept model gets a folder, named by its version.
        load: makes a predictor of a trained folder, with the same settings as the present one.
        bearable: so much F1 a label may lose.

    Raises:
        ModelError: if a row is not valid or nothing can be learnt.
        StateError: if the folder can't be written.
    """
    sets = {FROZEN: split_frozen(read_corpus(corpus))[1]} | {path.name: read_measured(path) for path in measured}
    try:
        models.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=models, prefix=".candidate-") as scratch:
            trained = Path(scratch) / "model"
            report = run(_with_rows(corpus, rows, Path(scratch) / "corpus"), trained, seed)
            candidate = load(trained)
            changes = [
                change
                for name, items in sets.items()
                for change in _changes(name, evaluate(items, present), evaluate(items, candidate))
            ]
            worse = [change for change in changes if change.is_worse(bearable)]
            return Retrained(
                report.version, None if worse else _keep(Path(scratch), models / report.version), len(rows), changes, worse
            )
    except OSError as error:
        raise StateError(
            f"the new model can't be written: {error.strerror or error}", where=str(models), expected="a folder that can be written to",
            todo="make room, or choose another --out",
        ) from error  # fmt: skip


def _with_rows(corpus: Path, rows: Sequence[dict[str, Any]], folder: Path) -> Path:
    folder.mkdir()
    for path in corpus_files(corpus):
        shutil.copyfile(path, folder / path.name)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (folder / ROWS_FILE).write_text("".join(lines), encoding="utf-8")
    return folder


def _changes(name: str, before: Report, after: Report) -> list[LabelChange]:
    return [
        LabelChange(name, label, scores.support, scores.f1.value, after.labels[label].f1.value)
        for label, scores in before.labels.items()
    ]


def _keep(scratch: Path, folder: Path) -> Path:
    """Puts the model in its place, with the rows that it was taught with beside it."""
    shutil.copyfile(scratch / "corpus" / ROWS_FILE, scratch / "model" / ROWS_FILE)
    if folder.exists():
        # Equal versions are equal models.
        shutil.rmtree(folder)
    (scratch / "model").rename(folder)
    return folder
