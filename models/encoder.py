"""The encoder: a small transformer that reads a text in which the actors are masked, and scores every label and domain.

In: English texts. Out: one score (log-odds, before calibration) a text and target. It ships as data only: `encoder.onnx` (weights in 8 bits),
`pieces.txt` (its vocabulary) and `encoder.json` (what it is, and the hashes of the other two). It was trained by `models.train_encoder`;
to run it takes onnxruntime alone.

Texts are run one by one: 8-bit arithmetic takes its scale from all that is run together, so that a text's score in a batch would depend
on its neighbours. Several are under way at once, each on a thread of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError
from models.labels import TARGETS
from models.pieces import Pieces

ENCODER_FILE, PIECES_FILE, DESCRIPTION_FILE = "encoder.onnx", "pieces.txt", "encoder.json"
SHIPPED = Path(__file__).with_name("trained") / "encoder"
FORMAT = 2
#: Pieces of a text that are read, with the two marks around them.
MAX_PIECES = 128
#: Bytes of a file of the encoder, at most: larger ones are not ours.
MAX_BYTES = 40_000_000
#: Texts under way at once, at most: workers are processes, and several may share a machine.
MAX_THREADS = 4
#: onnxruntime's kernel for a sum and its normalisation in one takes three times as long as the two kernels that it replaces (1.32).
_SLOW_FUSIONS = ["SkipLayerNormFusion"]
_TODO = "restore the files of the encoder, or make it again: `make teach`"


class Encoder:
    """An encoder that was loaded and found to match its description.

    Args:
        session: of onnxruntime.
        pieces: its vocabulary.
    """

    def __init__(self, session: Any, pieces: Pieces) -> None:
        self._session = session
        self._pieces = pieces

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """`(n_texts, n_targets)`: log-odds of every label and domain. A score depends on its own text alone."""
        threads = min(MAX_THREADS, os.cpu_count() or 1, len(texts))
        if threads > 1:
            with ThreadPoolExecutor(threads, "encoder") as pool:
                rows = list(pool.map(self._score, texts))
        else:
            rows = [self._score(text) for text in texts]
        return np.array(rows).reshape(len(texts), len(TARGETS))

    def _score(self, text: str) -> NDArray[np.float64]:
        pieces = np.array([self._pieces.of(text, MAX_PIECES)], dtype=np.int64)
        return np.asarray(self._session.run(None, {"pieces": pieces})[0][0], dtype=np.float64)


@cache
def load_encoder(folder: Path = SHIPPED) -> Encoder:
    """The encoder in `folder`; read once a process.

    Raises:
        ModelError: if a file is missing, too large or not the one that the description names, if the encoder scores other targets, or if
            onnxruntime is not installed. Nothing is built before the hashes were found right.
    """
    description = describe(folder)
    content = {name: _checked(folder / name, description["files"].get(name)) for name in (ENCODER_FILE, PIECES_FILE)}
    return Encoder(_session(content[ENCODER_FILE], folder), Pieces(content[PIECES_FILE].decode().split("\n")))


def is_taught(folder: Path = SHIPPED) -> bool:
    """Whether there is an encoder that was taught the labels and domains as they are now; a new label waits for `make teach`.

    Raises:
        ModelError: if its description is damaged.
    """
    return (folder / DESCRIPTION_FILE).exists() and _described(folder)["targets"] == list(TARGETS)


def describe(folder: Path = SHIPPED) -> dict[str, Any]:
    """What the encoder in `folder` is, as `encoder.json` says.

    Raises:
        ModelError: if that is missing, damaged, or speaks of another format or other targets.
    """
    described = _described(folder)
    if (described["format"], described["targets"]) != (FORMAT, list(TARGETS)):
        raise ModelError(
            f"The encoder is of format {described['format']} for {described['targets']}.", where=str(folder / DESCRIPTION_FILE),
            expected=f"format {FORMAT} for {', '.join(TARGETS)}", todo=_TODO,
        )  # fmt: skip
    return described


def _described(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION_FILE
    try:
        found = json.loads(_bytes(path))
        return {"format": found["format"], "targets": found["targets"], **found, "files": dict(found["files"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The encoder's description is damaged: {error}.", where=str(path), todo=_TODO) from error


def description_digest(folder: Path = SHIPPED) -> str:
    """sha256 of the description, which names the hashes of the other files: equal for equal encoders."""
    return hashlib.sha256(_bytes(folder / DESCRIPTION_FILE)).hexdigest()


def _checked(path: Path, expected: object) -> bytes:
    content = _bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(
            f"{path.name} is not the file that the encoder's description names.",
            where=f"{path}: sha256 {found}", expected=str(expected), todo=_TODO,
        )  # fmt: skip
    return content


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path.name} is too large.", where=str(path), expected=f"at most {MAX_BYTES} bytes", todo=_TODO)
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"The encoder can't be read: {error.strerror}.", where=str(path), todo=_TODO) from error


def _session(model: bytes, folder: Path) -> Any:
    """A session that runs one text on one thread; it may be run from several threads at once."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "onnxruntime is not installed.", where="models.encoder", expected="the packages of requirements/runtime.lock",
            todo="install bellwether with its dependencies",
        ) from error  # fmt: skip
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW_FUSIONS)
    except Exception as error:  # onnxruntime's own types, none of which is public
        raise ModelError(
            f"The encoder can't be read: {error}.", where=str(folder), expected="an ONNX file", todo=_TODO
        ) from error
