"""Files and addresses that a person names: loaded, parsed and shown, each within 5 s, whatever it is. Errors are values."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from streams.clock import monotonic_seconds, process_seconds
from streams.errors import FeedError
from streams.ingest.answers import GZIP_MAGIC, MAX_BODY_BYTES, Fetched, inflate
from streams.ingest.parsed import ParsedEntry
from streams.ingest.parsing import FeedParser
from streams.ingest.text import clean_text, mend_surrogates

if TYPE_CHECKING:
    # The HTTP client is loaded when an address is asked: a file needs none.
    from streams.ingest.fetch import Timeouts

#: What the machine-readable form shows of an entry; it is a contract.
ENTRY_FIELDS = ("id", "title", "url", "published", "updated", "summary", "content")
#: For one source, to load it and to parse it together. The start of the process counts for the first one: a person, or a machine
#: that is busy with other things, has its answer 5 s after the command was typed.
SOURCE_SECONDS = 4.3
#: What is left in any case to load a source, and to parse it.
LEAST_LOAD_SECONDS, LEAST_PARSE_SECONDS = 0.5, 0.6
_Result = TypeVar("_Result")


class ParsedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What one file or address held: a line of `bellwether feeds parse --json`."""

    file: str
    entries: list[ParsedEntry] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)
    error: str | None = None

    def to_json(self) -> str:
        """One line of JSON with the fields `file`, `entries`, `warnings` and `error`."""
        entries = [{name: getattr(entry, name) for name in ENTRY_FIELDS} for entry in self.entries]
        shown = {"file": mend_surrogates(self.file), "entries": entries, "warnings": self.warnings, "error": self.error}
        return msgspec.json.encode(shown).decode()

    def describe(self) -> str:
        """The same for people: a line for each entry, warnings and the error beneath."""
        lines = [f"{clean_text(self.file, one_line=True)}: {len(self.entries)} entries"]
        for entry in self.entries:
            moment = (entry.published or entry.updated or "no date")[:16]
            lines.append(f"  {moment:<16}  {clean_text(entry.title or entry.id, one_line=True)[:100]}")
        lines.extend(f"  warning: {clean_text(warning, one_line=True)}" for warning in self.warnings)
        if self.error is not None:
            lines.append(f"  error: {clean_text(self.error, one_line=True)}")
        return "\n".join(lines)


def parse_file_or_url(
    source: str, parser: FeedParser, *, allow_private: bool = True, seconds: float = SOURCE_SECONDS
) -> ParsedDocument:
    """One file or http(s) address, parsed, as `bellwether feeds parse --json` prints it; blocks.

    An address is what a person typed, so private networks are allowed unless told otherwise. Errors are values.

    Args:
        seconds: to load and parse it, if that is not less than the least that each of the two has.
    """
    until = monotonic_seconds() + seconds
    try:
        loaded = _load(source, allow_private=allow_private, seconds=max(LEAST_LOAD_SECONDS, seconds - LEAST_PARSE_SECONDS))
    except (FeedError, OSError, ValueError) as error:
        what = error.what if isinstance(error, FeedError) else (getattr(error, "strerror", None) or str(error))
        return ParsedDocument(file=source, error=f"it can't be read: {what}")
    parser.warm_up()
    left = max(LEAST_PARSE_SECONDS, until - monotonic_seconds())
    feed = parser.parse(loaded.body or b"", loaded.url, loaded.content_type, timeout_seconds=left)
    return ParsedDocument(file=source, entries=feed.entries, warnings=feed.warnings, error=feed.error)


def parse_sources(sources: Iterable[str], *, allow_private: bool = True) -> Iterator[ParsedDocument]:
    """Each source in turn, by one parser process, which starts while the first source is loaded. See `parse_file_or_url`."""
    with FeedParser() as parser:
        threading.Thread(target=parser.warm_up, daemon=True, name="feed-parser").start()
        seconds = SOURCE_SECONDS - process_seconds()
        for source in sources:
            yield parse_file_or_url(source, parser, allow_private=allow_private, seconds=seconds)
            seconds = SOURCE_SECONDS


def _load(source: str, *, allow_private: bool, seconds: float) -> Fetched:
    if source.lower().startswith(("http://", "https://")):
        from streams.ingest.fetch import Timeouts

        return fetch_now(source, allow_private=allow_private, timeouts=Timeouts(connect=2.0, read=3.0, total=seconds))
    path = Path(source)
    if not stat.S_ISREG(path.stat().st_mode):
        # A pipe that nobody writes to would be waited for without end.
        raise FeedError("a directory or a device, not a file", where=source)
    with path.open("rb") as file:
        data = file.read(MAX_BODY_BYTES + 1)
    if len(data) > MAX_BODY_BYTES:
        raise FeedError(f"more than {MAX_BODY_BYTES} bytes", where=source)
    return Fetched("", inflate(data, MAX_BODY_BYTES, source) if data.startswith(GZIP_MAGIC) else data)


def fetch_now(url: str, *, allow_private: bool, timeouts: Timeouts) -> Fetched:
    """What stands at an address, for somebody who waits for it; blocks.

    Raises:
        FetchError: see `Fetcher.get`.
    """

    from streams.ingest.fetch import Fetcher

    async def fetch() -> Fetched:
        asyncio.get_running_loop().set_default_executor(_DaemonThreads())
        async with Fetcher(timeouts) as fetcher:
            return await fetcher.get(url, allow_private=allow_private)

    return asyncio.run(fetch())


class _DaemonThreads(ThreadPoolExecutor):
    """A thread for each call, which the end of the process does not wait for: looking up a dead name may take half a minute."""

    def submit(self, call: Callable[..., _Result], /, *arguments: Any, **named: Any) -> Future[_Result]:
        """See `Executor.submit`."""
        future: Future[_Result] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call(*arguments, **named))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
                future.set_exception(error)

        threading.Thread(target=run, daemon=True, name="feed-dns").start()
        return future
