"""What a request for a feed gives: an answer, or an error of a kind from a closed set. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from streams.errors import FeedError

MAX_BODY_BYTES = 10 * 1024 * 1024
#: Of one gzip file: what is left after each is copied.
MAX_MEMBERS = 64
GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS

#: What can go wrong, for metrics and for the state of a feed.
FETCH_PROBLEMS = ("timeout", "connection", "forbidden-address", "redirect", "status", "too-large", "encoding", "protocol")


class FetchError(FeedError):
    """A fetch that gave nothing.

    Args:
        kind: one of `FETCH_PROBLEMS`.
        retry_after_seconds: how long the server asked to be left alone; 0 if it did not.
    """

    def __init__(self, what: str, *, kind: str, where: str, status: int = 0, retry_after_seconds: float = 0.0) -> None:
        self.kind = kind
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        super().__init__(what, where=where, kind=kind, status=status)


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask by whether something has changed; "" where it gave nothing."""

    etag: str = ""
    last_modified: str = ""


NO_VALIDATORS = Validators()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A good answer. `body` is None when the server said 304: nothing has changed.

    `url` is where it came from after redirects; `moved_to` the new address, if every redirect on the way was a permanent one.
    `max_age_seconds` is for how long the server calls its answer fresh, at most a day; 0 if it does not say.
    """

    url: str
    body: bytes | None
    content_type: str = ""
    validators: Validators = NO_VALIDATORS
    moved_to: str = ""
    max_age_seconds: float = 0.0


def inflate(data: bytes, max_bytes: int, where: str) -> bytes:
    """The content of gzip or deflate data; never holds more than `max_bytes` and one byte of it.

    Raises:
        FetchError: if it is damaged, cut or too large.
    """
    if not data:
        return b""
    window = (
        _GZIP_OR_ZLIB
        if data[:1] in (b"\x1f", b"\x78", b"\x58", b"\x68", b"\x48", b"\x38", b"\x28", b"\x18", b"\x08")
        else -zlib.MAX_WBITS
    )
    content = b""
    for _ in range(MAX_MEMBERS):
        reader = zlib.decompressobj(window)
        try:
            content += reader.decompress(data, max_bytes + 1 - len(content))
        except zlib.error as error:
            raise FetchError(f"damaged compression: {error}", kind="encoding", where=where, status=200) from error
        if len(content) > max_bytes:
            raise too_large(where, max_bytes)
        if not reader.eof:
            raise FetchError("cut compression", kind="encoding", where=where, status=200)
        data = reader.unused_data
        # What follows is another member of the same gzip file, or nothing that counts.
        if not data.startswith(GZIP_MAGIC):
            return content
    raise FetchError(f"a gzip file of more than {MAX_MEMBERS} members", kind="encoding", where=where, status=200)


def too_large(url: str, max_bytes: int) -> FetchError:
    """The error for an answer above the bound."""
    return FetchError(f"more than {max_bytes} bytes", kind="too-large", where=url, status=200)
