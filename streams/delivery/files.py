"""Bulletins as files. A file is there whole or not at all, and the same bulletin again leaves the same bytes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.delivery.config import FileTarget
from streams.delivery.courier import Send
from streams.delivery.issue import Issue, NotTakenError


@contextmanager
def open_files(target: FileTarget) -> Iterator[Send]:
    """Writes the forms that the target wishes for below its folder, which is made."""

    def send(issue: Issue, _recipient: str, _key: str) -> None:
        for form in target.forms:
            write_whole(target.folder / target.file_name(issue.week, form), issue.text(form))

    yield send


def write_whole(path: Path, body: bytes) -> None:
    """Writes a file beside its place, syncs it, and moves it there.

    Raises:
        NotTakenError: if it can't be written.
    """
    beside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        Path(beside).replace(path)
    except OSError as error:
        if beside:
            Path(beside).unlink(missing_ok=True)
        raise NotTakenError(
            f"the file can't be written: {error.strerror}",
            where=str(path),
            todo="free the disk, or mend the rights of the folder",
        ) from error
