"""The files of a backup: records of one partition, in their order, as gzipped JSON lines `[offset, time in ms, key, value]`.

Keys and values are text, as every record of Bellwether is; bytes that are none stand as `{"base64": ...}`, and an absent value (an
erasure) as null. So `zcat articles-0.jsonl.gz | jq` reads a backup, with or without Bellwether.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from streams.errors import StateError
from streams.stage import InputRecord

#: Fast rather than small: twice as fast as gzip's own default, for a tenth more bytes.
_LEVEL = 4
_READ_BYTES = 1 << 20


class Binary(msgspec.Struct, frozen=True):
    """Bytes that are no text."""

    base64: bytes


_Text = str | Binary | None
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[int, int, _Text, _Text])


@dataclass(frozen=True, slots=True)
class Written:
    """What a file came to: records, bytes on the disk, SHA-256 of these as hexadecimal."""

    records: int
    bytes: int
    sha256: str


class _Hashed:
    """A file that knows the hash of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()
        self.bytes = 0

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        self.bytes += len(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()


def write_records(path: Path, records: Iterable[InputRecord]) -> Written:
    """Writes a file anew; memory does not grow with it.

    Raises:
        OSError: if it can't be written.
    """
    count = 0
    with path.open("wb") as file:
        hashed = _Hashed(file)
        with gzip.GzipFile(filename="", fileobj=hashed, mode="wb", compresslevel=_LEVEL, mtime=0) as packed:
            for record in records:
                packed.write(
                    _encoder.encode((record.offset, record.timestamp_ms, _text(record.key), _text(record.value))) + b"\n"
                )
                count += 1
    return Written(count, hashed.bytes, hashed.sha256.hexdigest())


def read_records(path: Path) -> Iterator[InputRecord]:
    """The records of a file, in their order.

    Raises:
        StateError: if it can't be read or is no such file.
    """
    whole = 0
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                offset, time_ms, key, value = _decoder.decode(line)
                yield InputRecord(offset, _bytes(key), _bytes(value), time_ms)
                whole += 1
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(
            f"a file of the backup can't be read: {error}", where=f"{path}, line {whole + 1}", expected="a file that `bellwether backup` wrote",
            todo="take another copy of the backup",
        ) from error  # fmt: skip


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal.

    Raises:
        OSError: if it can't be read.
    """
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            found.update(chunk)
    return found.hexdigest()


def _text(content: bytes | None) -> _Text:
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return Binary(content)


def _bytes(text: _Text) -> bytes | None:
    if text is None:
        return None
    return text.base64 if isinstance(text, Binary) else text.encode()
