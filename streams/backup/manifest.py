"""What is in a backup: `manifest.json`, by which it is known to be whole before anything of it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from streams.backup.lines import sha256_of
from streams.errors import StateError
from streams.records import CURRENT_VERSION

NAME = "manifest.json"
#: Of the folder and of the files in it; a reader refuses a newer one.
FORMAT = 1


class TopicFile(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one partition of a topic."""

    topic: str
    partition: int
    file: str
    records: int
    bytes: int
    sha256: str


class OtherFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that stands beside the topics. `role` says what it is (`streams.backup.lists`), `file` where it lies in the backup."""

    role: str
    file: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup.

    Attributes:
        format: of the folder; `records`: the newest version of a record in it.
        taken_at: when it was begun, in UTC.
        bellwether: the version that took it.
        partitions: of each topic.
    """

    format: int = FORMAT
    records: int = CURRENT_VERSION
    taken_at: str
    bellwether: str
    partitions: int
    topics: list[TopicFile]
    others: list[OtherFile]

    def counts(self) -> dict[str, int]:
        """Topic -> its records."""
        found: dict[str, int] = {}
        for one in self.topics:
            found[one.topic] = found.get(one.topic, 0) + one.records
        return found


class _Version(msgspec.Struct):
    format: int
    records: int


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes it; the last step, since a folder without it is no backup.

    Raises:
        OSError: if it can't be written.
    """
    (folder / NAME).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """What a folder says that it holds.

    Raises:
        StateError: if it is no backup, or one of a newer version.
    """
    try:
        content = (folder / NAME).read_bytes()
        version = msgspec.json.decode(content, type=_Version)
        if version.format > FORMAT or version.records > CURRENT_VERSION:
            raise StateError(
                f"the backup is of a newer version (format {version.format}, records {version.records})", where=str(folder),
                expected=f"at most format {FORMAT}, records {CURRENT_VERSION}", todo="upgrade Bellwether, then restore",
            )  # fmt: skip
        return msgspec.json.decode(content, type=Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(
            f"that is no backup: {getattr(error, 'strerror', None) or error}", where=str(folder / NAME),
            expected="a folder that `bellwether backup` wrote", todo="name that folder; a backup that was cut off has no manifest",
        ) from error  # fmt: skip


def _is_in_place(one: TopicFile | OtherFile, folder: Path) -> bool:
    """Whether a file lies where a backup has it: a manifest is no more to be trusted than the medium that it comes from."""
    parts = Path(one.file).parts
    is_of_its_role = isinstance(one, TopicFile) or parts[1:2] == (one.role,)
    # A path that climbs and comes back is inside here, and would be somewhere else when it is put back.
    return is_of_its_role and ".." not in parts and (folder / one.file).resolve().is_relative_to(folder.resolve())


def check_files(folder: Path, manifest: Manifest, show: Callable[[int, int], None] = lambda _done, _total: None) -> None:
    """Makes sure that every file is there as it was written; reads all of them.

    Args:
        show: told of (bytes read, bytes in all).

    Raises:
        StateError: naming every file that is not.
    """
    files: list[TopicFile | OtherFile] = [*manifest.topics, *manifest.others]
    total, done, wrong = sum(one.bytes for one in files), 0, []
    for one in files:
        path = folder / one.file
        try:
            if not _is_in_place(one, folder) or path.stat().st_size != one.bytes or sha256_of(path) != one.sha256:
                wrong.append(f"{one.file}: not as it was written")
        except OSError as error:
            wrong.append(f"{one.file}: {error.strerror}")
        done += one.bytes
        show(done, total)
    if wrong:
        raise StateError(
            "The backup is damaged:\n    " + "\n    ".join(wrong), where=str(folder), expected="the sizes and checksums of its manifest",
            todo="take another copy of it; nothing was restored",
        )  # fmt: skip
