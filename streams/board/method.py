"""What the board says of its own method: the model's manifest, the figures that were measured, the rules of the statuses. No network.

Nothing here is written by hand that is written down elsewhere: thresholds come from the manifest, rules from the constants that the
code goes by, and figures from `measured.json`, a copy of tables of docs/ (`tests/helpers/measured_figures.py` makes it).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import msgspec

from models.errors import ModelError
from streams.trends import status as rules
from streams.trends.breaks import SHARE_RULE

TRAINED = Path(__file__).parents[2] / "models" / "trained"
MANIFEST_FILE = "manifest.json"
MEASURED_FILE = Path(__file__).with_name("measured.json")
#: The languages that are decided in, as they are called in English; `models.reading.SUPPORTED` has their codes.
LANGUAGE_NAMES = {"en": "English", "ru": "Russian", "be": "Belarusian"}
#: Bytes of a manifest that are read: a file that is none is not taken into memory whole.
_MOST_BYTES = 1_000_000


class Decision(msgspec.Struct, frozen=True):
    """From which probability on a label is decided, and between which the model is not sure; 0 to 1."""

    threshold: float
    unsure_from: float = 1.0
    unsure_to: float = 1.0


class _Manifest(msgspec.Struct, frozen=True):
    items: int
    label_version: int
    calibration: dict[str, Decision]
    cross_validation: dict[str, float] = {}
    encoded: dict[str, Decision] = {}


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """The classifier, as its manifest has it.

    Attributes:
        version: as it stands in every record that the model made.
        items: labelled items that it was trained on.
        decisions: by label, where the encoder read the item if the model has one.
        cross_validation: by label, F1 on items of the corpus that the scoring model had not seen, with their mean as `macro`.
        has_encoder: whether it has one.
        is_shipped: whether it is the model that comes with Bellwether, of which the measured figures are.
    """

    version: str
    items: int
    decisions: dict[str, Decision]
    cross_validation: dict[str, float]
    has_encoder: bool
    is_shipped: bool


class Table(msgspec.Struct, frozen=True):
    """A table of the docs; its cells are text."""

    document: str
    columns: list[str]
    rows: list[list[str]]


def model_figures(folder: Path | None) -> ModelFigures:
    """The figures of the model in `folder`; None means the one that comes with Bellwether.

    Raises:
        ModelError: if there is no readable manifest.
    """
    path = (folder or TRAINED) / MANIFEST_FILE
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
        manifest = msgspec.json.decode(content, type=_Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(
            "the model's manifest can't be read", where=str(path), expected="the manifest of a trained model", todo="`bellwether train`"
        ) from error  # fmt: skip
    return ModelFigures(
        version=f"{manifest.label_version}-{hashlib.sha256(content).hexdigest()[:12]}", items=manifest.items,
        decisions=manifest.encoded or manifest.calibration, cross_validation=manifest.cross_validation, has_encoder=bool(manifest.encoded),
        is_shipped=(folder or TRAINED).resolve() == TRAINED.resolve(),
    )  # fmt: skip


def measured_tables() -> dict[str, Table]:
    """The tables of measured figures, by name."""
    return msgspec.json.decode(MEASURED_FILE.read_bytes(), type=dict[str, Table])


def status_rules() -> dict[str, str]:
    """Each status with its rule in words, in the order in which the rules are tried."""
    half, level, sure = rules.HALF_YEAR, rules.LEVEL_WEEKS, f"{NormalDist().cdf(rules.SURE):.1%}"
    return {
        "too-sparse": f"fewer than {rules.SPARSE_COUNTS_A_WEEK:g} story a week with the signal over the last {half} weeks with news, "
        f"or no news about the pair for {rules.SILENT_WEEKS} weeks: nothing is said",
        "emerging": f"fewer than {rules.EMERGING_WEEKS} weeks with news so far",
        "broken": f"a break was told at most {rules.BROKEN_WEEKS} weeks ago, and the last weeks keep at least {rules.KEPT_SHIFT:.0%} of its shift",
        "strengthening": f"the share of the recent half of the last {2 * half} weeks (since the last break, if that is nearer) is at least "
        f"{rules.LEAST_CHANGE:.0%} of that of the earlier half, and above it with a probability of {sure}",
        "weakening": f"the same downwards: at most {1 / rules.LEAST_CHANGE:.0%} of it, and below it with {sure}",
        "stable": f"none of these; the share shown is of the last {level} weeks with news",
    }


def alarm_probability() -> float:
    """The probability of a jump from which on a break is told."""
    return SHARE_RULE.alarm
