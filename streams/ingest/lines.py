"""Lines of a byte stream in bounded memory: plain or gzip, LF or CRLF; what is too long or damaged is said, not raised."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

CHUNK_BYTES = 256 * 1024
#: So much is kept of a line that is too long, for its dead letter.
KEPT_BYTES = 16 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"
_DAMAGE = (EOFError, OSError, zlib.error)


class Line(NamedTuple):
    """One line without its line end.

    `reason` is "" for a whole line, else why it can't be used (`too-large`, `unreadable-line`); then `data` is its start, and
    `detail` says more. `position` counts the bytes of the file that were read so far (compressed ones, for gzip).
    """

    number: int
    data: bytes
    position: int = 0
    reason: str = ""
    detail: str = ""


@contextmanager
def open_bytes(path: str) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """(stream of content, file as it is on the disk) of a path; `-` is standard input; `.gz` is decompressed.

    Raises:
        OSError: if it can't be opened.
    """
    if path == "-":
        yield sys.stdin.buffer, sys.stdin.buffer
        return
    with Path(path).open("rb") as file:
        if path.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=file) as content:
                yield content, file  # type: ignore[misc]
        else:
            yield file, file


def read_lines(content: BinaryIO, file: BinaryIO, max_bytes: int, *, skip_blank: bool = False) -> Iterator[Line]:
    """Every line of `content`, the empty ones included, numbered from 1; blocks.

    A line longer than `max_bytes` is passed over without being held. Where the content can't be read on (a cut gzip file, a
    broken disk), the last `Line` says so, and what stood before it is kept.

    Args:
        skip_blank: whether lines of nothing but white space may be passed over: a small gzip file can hold a billion of them. One
            that is too long is told all the same.
    """
    position = _position_of(file)
    held, number, size = b"", 0, 0
    while True:
        try:
            chunk = content.read1(CHUNK_BYTES)  # type: ignore[attr-defined]
        except _DAMAGE as error:
            yield Line(number + 1, held[:KEPT_BYTES], position(), "unreadable-line", f"{type(error).__name__}: {error}")
            return
        here = position()
        if skip_blank and chunk and size == len(held) and size + len(chunk) <= max_bytes and not (chunk.strip() or held.strip()):
            number += chunk.count(b"\n")
            held = (held + chunk).rpartition(b"\n")[2]
            size = len(held)
            continue
        pieces = (held + chunk).split(b"\n") if chunk else [held, b""]
        dropped = size - len(held)
        held = pieces.pop()
        for piece in pieces:
            number += 1
            length, dropped = len(piece) + dropped, 0
            if chunk or length:
                yield _line(number, piece, length, max_bytes, here)
        if not chunk:
            return
        size = len(held) + dropped
        if size > max_bytes:
            held = held[:KEPT_BYTES]


def _line(number: int, piece: bytes, length: int, max_bytes: int, position: int) -> Line:
    if length > max_bytes:
        return Line(number, piece[:KEPT_BYTES], position, "too-large", f"a line of {length} bytes, more than {max_bytes}")
    if number == 1:
        piece = piece.removeprefix(_UTF8_MARK)
    return Line(number, piece.removesuffix(b"\r"), position)


def _position_of(file: BinaryIO) -> Callable[[], int]:
    if not file.seekable():
        return lambda: 0
    return file.tell
