"""A trained model on disk: `model.tsv` (the linear model's numbers) and `manifest.json` (what it is, and how its scores become decisions).

Both are plain text, written so that the same training gives the same bytes, and neither names anything that could be executed
(`models.linear`). A model that does not match its manifest, or a manifest that does not match this version of Bellwether, is refused with
a `ModelError`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.cues import CUES_FILE
from models.encoder import DESCRIPTION_FILE, Encoder, description_digest, load_encoder
from models.errors import ModelError
from models.features import LETTERS, LONGEST
from models.labels import DOMAINS, LABEL_VERSION, LABELS, TARGETS
from models.linear import LinearModel, read_linear, write_linear

MODEL_FILE = "model.tsv"
MANIFEST_FILE = "manifest.json"
TRAINED = Path(__file__).with_name("trained")
FORMAT = 2
#: Packages whose version a model depends on, and how many parts of the version must agree.
_PACKAGES = {"scikit-learn": 2, "numpy": 1, "scipy": 1}
#: How texts are cut into terms: with other terms the weights mean nothing.
_TERMS = {"letters": LETTERS, "longest": LONGEST}
_RETRAIN = "train the model again: `bellwether train`"


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the scores of one target become a probability: `1 / (1 + exp(-(intercept + window * w + passage * p + encoder * e)))`.

    Attributes:
        intercept: log-odds at scores of zero.
        window: weight of the highest score of a window.
        passage: weight of the highest score of a passage.
        threshold: the probability from which on the target is decided.
        encoder: weight of the encoder's highest score of a window; 0 where it did not read the item.
        unsure_from: probability from which on, up to `unsure_to`, the model is not sure: the abstain band around the threshold.
        unsure_to: its other end.
    """

    intercept: float
    window: float
    passage: float
    threshold: float
    encoder: float = 0.0
    unsure_from: float = 1.0
    unsure_to: float = 1.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a trained model is.

    Attributes:
        corpus_sha256: `models.dataset.corpus_digest` of what it was trained on.
        items: number of items that it was trained on (the frozen ones are not among them).
        seed: of the training.
        calibration: target (label or domain) -> how its scores become a probability and a decision.
        encoded: label -> the same for items that the encoder read; empty for a model without an encoder.
        domain_shares: domain -> share of the items whose main domain it is.
        cross_validation: label -> F1 of the decisions on items that the scoring model had not seen, and their mean as `macro`.
        label_version: `models.labels.LABEL_VERSION` at training.
        labels, domains: the targets, in the order of the model's columns.
        terms: letters of a word that count, and the n of the longest n-grams.
        versions: package -> version at training.
        files: file name -> sha256.
        format: of this manifest.
    """

    corpus_sha256: str
    items: int
    seed: int
    calibration: dict[str, Calibration]
    domain_shares: dict[str, float]
    cross_validation: dict[str, float] = field(default_factory=dict)
    encoded: dict[str, Calibration] = field(default_factory=dict)
    label_version: int = LABEL_VERSION
    labels: tuple[str, ...] = tuple(LABELS)
    domains: tuple[str, ...] = tuple(DOMAINS)
    terms: dict[str, int] = field(default_factory=_TERMS.copy)
    versions: dict[str, str] = field(default_factory=lambda: {name: version(name) for name in _PACKAGES})
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model that was loaded and found to match.

    Attributes:
        linear: scores texts in which the actors are masked.
        manifest: what it is.
        version: label version and the first 12 digits of the manifest's sha256; equal for equal models.
        encoder: what reads the items that the linear model is not sure of; None for a model without one.
    """

    linear: LinearModel
    manifest: Manifest
    version: str
    encoder: Encoder | None = None


def save(linear: LinearModel, manifest: Manifest, folder: Path) -> Artifact:
    """Writes both files into `folder` (made if missing), each whole or not at all, and gives back what `load` would.

    The hashes in `manifest.files` are filled in here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = write_linear(linear)
    files = {MODEL_FILE: _sha256(model), CUES_FILE.name: _sha256(CUES_FILE.read_bytes())}
    if manifest.encoded:
        files[DESCRIPTION_FILE] = description_digest()
    text = json.dumps(asdict(manifest) | {"files": files}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    for name, content in ((MODEL_FILE, model), (MANIFEST_FILE, text.encode())):
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)
    return load(folder)


def load(folder: Path | None = None) -> Artifact:
    """The model in `folder`; None means the one that comes with Bellwether.

    Raises:
        ModelError: if a file is missing, damaged or not the one that the manifest names, if the model was made for other labels, cues or
            package versions. Nothing of the model is built before these checks pass.
    """
    folder = folder or TRAINED
    manifest_bytes = _read(folder / MANIFEST_FILE)
    manifest = _parse_manifest(manifest_bytes, folder / MANIFEST_FILE)
    _check_manifest(manifest, folder / MANIFEST_FILE)
    model = _read(folder / MODEL_FILE)
    _check_hash(manifest, MODEL_FILE, model, folder / MODEL_FILE, "restore the file, or " + _RETRAIN)
    _check_hash(manifest, CUES_FILE.name, _read(CUES_FILE), CUES_FILE, _RETRAIN + " (the cues have changed since)")
    encoder = _encoder(manifest)
    linear = read_linear(model, str(folder / MODEL_FILE))
    return Artifact(linear, manifest, f"{manifest.label_version}-{_sha256(manifest_bytes)[:12]}", encoder)


def _encoder(manifest: Manifest) -> Encoder | None:
    """The encoder that the model was calibrated with; None if it has none."""
    if not manifest.encoded:
        return None
    expected, found = manifest.files.get(DESCRIPTION_FILE, "none"), description_digest()
    if expected != found:
        raise ModelError(
            "The encoder is not the one that the model was calibrated with.", where=f"{DESCRIPTION_FILE}: sha256 {found}",
            expected=expected, todo=_RETRAIN,
        )  # fmt: skip
    return load_encoder()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The model can't be read: {error.strerror}.",
            where=str(path),
            expected=f"{MODEL_FILE} and {MANIFEST_FILE}",
            todo=_RETRAIN,
        ) from error


def _parse_manifest(content: bytes, path: Path) -> Manifest:
    try:
        fields: dict[str, Any] = json.loads(content)
        written = fields["format"]
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(error, path) from error
    if written != FORMAT:  # said before anything else is looked for: other formats have other fields
        _refuse(path, f"a manifest of format {written}", f"format {FORMAT}")
    try:
        for name in ("calibration", "encoded"):
            found = fields[name] if name == "calibration" else fields.get(name, {})
            fields[name] = {target: Calibration(**values) for target, values in found.items()}
        fields["labels"], fields["domains"] = tuple(fields["labels"]), tuple(fields["domains"])
        return Manifest(**fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(error, path) from error


def _damaged(error: Exception, path: Path) -> ModelError:
    return ModelError(
        f"The model's manifest is damaged: {error}.", where=str(path), expected=f"a manifest of format {FORMAT}", todo=_RETRAIN
    )


def _check_manifest(manifest: Manifest, path: Path) -> None:
    if (manifest.label_version, manifest.labels, manifest.domains) != (LABEL_VERSION, tuple(LABELS), tuple(DOMAINS)):
        _refuse(path, f"labels of version {manifest.label_version}", f"version {LABEL_VERSION}: {', '.join((*LABELS, *DOMAINS))}")
    if manifest.terms != _TERMS:
        _refuse(path, f"terms of {manifest.terms}", f"terms of {_TERMS}")
    missing = {*TARGETS} - set(manifest.calibration)
    if missing:
        _refuse(path, f"no calibration of {', '.join(sorted(missing))}", "one of every label and domain")
    if manifest.encoded and set(manifest.encoded) != set(LABELS):
        _refuse(
            path, f"an encoder calibrated for {', '.join(sorted(manifest.encoded))}", "one calibration of every label, or none"
        )
    for package, parts in _PACKAGES.items():
        trained, here = manifest.versions.get(package, "an unknown version"), version(package)
        if trained.split(".")[:parts] != here.split(".")[:parts]:
            _refuse(path, f"{package} {trained}", f"{package} {here}, which is installed")


def _refuse(path: Path, found: str, expected: str) -> None:
    raise ModelError(f"The model was made with {found}.", where=str(path), expected=expected, todo=_RETRAIN)


def _check_hash(manifest: Manifest, name: str, content: bytes, path: Path, todo: str) -> None:
    expected, found = manifest.files.get(name, "none"), _sha256(content)
    if expected != found:
        raise ModelError(
            f"{name} is not the file that the model's manifest names.",
            where=f"{path}: sha256 {found}",
            expected=expected,
            todo=todo,
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
