"""Feed parsers at arm's length: in processes of their own, with a time-out and a bound on memory.

A document that hangs, kills or bloats its parser costs that one answer; the process is replaced and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from streams.errors import FeedError
from streams.ingest.fetch import MAX_BODY_BYTES, Fetcher, inflate
from streams.ingest.parsers import ParsedEntry, ParsedFeed, parse_feed
from streams.ingest.text import clean_text

PARSE_TIMEOUT_SECONDS = 20.0
_START_TIMEOUT_SECONDS = 30.0
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
_READY = b"ready"
_GZIP_MAGIC = b"\x1f\x8b\x08"
_decoder = msgspec.json.Decoder(ParsedFeed)


class ParsedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What one file or address held: a line of `bellwether feeds parse --json`."""

    file: str
    entries: list[ParsedEntry] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)
    error: str | None = None

    def to_json(self) -> str:
        """One line of JSON with the fields `file`, `entries`, `warnings` and `error`."""
        return msgspec.json.encode(self).decode()

    def describe(self) -> str:
        """The same for people: a line for each entry, warnings and the error beneath."""
        lines = [f"{self.file}: {len(self.entries)} entries"]
        for entry in self.entries:
            moment = (entry.published or entry.updated or "no date")[:16]
            lines.append(f"  {moment:<16}  {clean_text(entry.title or entry.id, one_line=True)[:100]}")
        lines.extend(f"  warning: {warning}" for warning in self.warnings)
        if self.error is not None:
            lines.append(f"  error: {self.error}")
        return "\n".join(lines)


class FeedParser:
    """One parser process, started when first needed and again after it died. Blocks; one caller at a time (others wait)."""

    def __init__(self, timeout_seconds: float = PARSE_TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> FeedParser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parse(self, data: bytes, url: str, content_type: str = "") -> ParsedFeed:
        """See `parse_feed`; a parser that hangs or dies gives an error, too."""
        with self._lock:
            try:
                pipe = self._started()
                pipe.send_bytes(msgspec.msgpack.encode((data, url, content_type)))
                if not pipe.poll(self._timeout_seconds):
                    self._kill()
                    return ParsedFeed(error=f"the parser found no end within {self._timeout_seconds:g} s")
                return _decoder.decode(pipe.recv_bytes())
            except (EOFError, OSError, msgspec.MsgspecError):
                self._kill()
                return ParsedFeed(error="the parser died on this document")

    def close(self) -> None:
        """Ends the process; a document in work gets its error at once."""
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            self._kill()

    def _started(self) -> Connection:
        if self._pipe is not None and self._process is not None and self._process.is_alive():
            return self._pipe
        self._kill()
        # "spawn": the parent has threads (Kafka's), and a fork of it could hold their locks for ever.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True, name="feed-parser")
        self._process.start()
        theirs.close()
        self._pipe = ours
        if not ours.poll(_START_TIMEOUT_SECONDS):
            raise OSError("the parser process did not start")
        ours.recv_bytes()
        return ours

    def _kill(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None


def _serve(pipe: Connection) -> None:
    # The life of a parser process: bytes in, a ParsedFeed out, until the pipe is closed.
    _bound_memory()
    _ignore_interrupts()
    pipe.send_bytes(_READY)
    with contextlib.suppress(EOFError, OSError):
        while True:
            data, url, content_type = msgspec.msgpack.decode(pipe.recv_bytes(), type=tuple[bytes, str, str])
            pipe.send_bytes(msgspec.json.encode(_parse_safely(data, url, content_type)))


def _parse_safely(data: bytes, url: str, content_type: str) -> ParsedFeed:
    try:
        return parse_feed(data, url, content_type)
    except MemoryError:
        return ParsedFeed(error="the parser ran out of memory on this document")
    except RecursionError:
        return ParsedFeed(error="the document is nested too deeply")
    except Exception as error:  # noqa: BLE001 - what the library raises for a hostile document is of no fixed kind
        return ParsedFeed(error=f"the parser failed: {type(error).__name__}")


def _bound_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


def _ignore_interrupts() -> None:
    # Ctrl-C reaches every process of the terminal; the parent decides when its parsers end.
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


class ParserPool:
    """Some `FeedParser`s for a loop: `await pool.parse(...)` takes the first that is free."""

    def __init__(self, size: int = 2, timeout_seconds: float = PARSE_TIMEOUT_SECONDS) -> None:
        self._parsers = [FeedParser(timeout_seconds) for _ in range(size)]
        self._free: asyncio.Queue[FeedParser] = asyncio.Queue()
        for parser in self._parsers:
            self._free.put_nowait(parser)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="feed-parser")

    async def parse(self, data: bytes, url: str, content_type: str = "") -> ParsedFeed:
        """See `FeedParser.parse`."""
        parser = await self._free.get()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, parser.parse, data, url, content_type)
        finally:
            self._free.put_nowait(parser)

    def close(self) -> None:
        """Ends the processes; documents in work get their errors at once."""
        for parser in self._parsers:
            parser.close()
        self._threads.shutdown()


def parse_file_or_url(source: str, parser: FeedParser, *, allow_private: bool = True) -> ParsedDocument:
    """One file or http(s) address, parsed, as `bellwether feeds parse --json` prints it; blocks.

    An address is what a person typed, so private networks are allowed unless told otherwise. Errors are values.
    """
    try:
        data, url, content_type = _load(source, allow_private=allow_private)
    except (FeedError, OSError) as error:
        what = error.what if isinstance(error, FeedError) else (error.strerror or str(error))
        return ParsedDocument(file=source, error=f"it can't be read: {what}")
    feed = parser.parse(data, url, content_type)
    return ParsedDocument(file=source, entries=feed.entries, warnings=feed.warnings, error=feed.error)


def parse_sources(sources: Iterable[str], *, allow_private: bool = True) -> Iterator[ParsedDocument]:
    """Each source in turn, by one parser process. See `parse_file_or_url`."""
    with FeedParser() as parser:
        for source in sources:
            yield parse_file_or_url(source, parser, allow_private=allow_private)


def _load(source: str, *, allow_private: bool) -> tuple[bytes, str, str]:
    if source.lower().startswith(("http://", "https://")):
        return asyncio.run(_fetch(source, allow_private))
    with Path(source).open("rb") as file:
        data = file.read(MAX_BODY_BYTES + 1)
    if len(data) > MAX_BODY_BYTES:
        raise FeedError(f"more than {MAX_BODY_BYTES} bytes", where=source)
    return (inflate(data, MAX_BODY_BYTES, source) if data.startswith(_GZIP_MAGIC) else data), "", ""


async def _fetch(url: str, allow_private: bool) -> tuple[bytes, str, str]:
    async with Fetcher() as fetcher:
        fetched = await fetcher.get(url, allow_private=allow_private)
    return fetched.body or b"", fetched.url, fetched.content_type
