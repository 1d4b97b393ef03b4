"""Feed parsers at arm's length: in processes of their own, with a time-out and a bound on memory.

A document that hangs, kills or bloats its parser costs that one answer; the process is replaced and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import msgspec

from streams.ingest.parsed import ParsedFeed

PARSE_TIMEOUT_SECONDS = 4.5
_START_TIMEOUT_SECONDS = 30.0
#: What one document may cost beyond the parser process as it is when it waits.
EXTRA_MEMORY_BYTES = 60 * 1024 * 1024
#: A larger document, or one that is no feed, may leave a large heap behind, which would count against the next one.
_CLEAN_BYTES = 512 * 1024
_READY = b"ready"
_starting = threading.Lock()
_decoder = msgspec.json.Decoder(ParsedFeed)


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

    def parse(self, data: bytes, url: str, content_type: str = "", *, timeout_seconds: float | None = None) -> ParsedFeed:
        """See `parse_feed`; a parser that hangs or dies gives an error, too."""
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        with self._lock:
            try:
                pipe = self._started()
                pipe.send_bytes(msgspec.msgpack.encode((url, content_type, seconds)))
                pipe.send_bytes(data)
                if not pipe.poll(seconds):
                    self._kill()
                    return ParsedFeed(error=f"the parser found no end within {seconds:.3g} s")
                found = _decoder.decode(pipe.recv_bytes())
                if len(data) > _CLEAN_BYTES or found.error is not None:
                    self._kill()
                return found
            except (EOFError, OSError, msgspec.MsgspecError):
                self._kill()
                return ParsedFeed(error="the parser died on this document")

    def warm_up(self) -> None:
        """Starts the process, so that the first document need not wait for it; a failure shows with that document."""
        with self._lock, contextlib.suppress(EOFError, OSError):
            self._started()

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
        ours, theirs = multiprocessing.Pipe()
        self._process = _start(theirs)
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


def _start(pipe: Connection) -> multiprocessing.process.BaseProcess:
    # Never a fork of this process: it has threads (Kafka's), whose locks a fork could hold for ever. A fork server has none, and
    # replaces a parser in some 20 ms, because it has loaded the libraries already.
    if "forkserver" not in multiprocessing.get_all_start_methods():
        process: multiprocessing.process.BaseProcess = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(pipe,), daemon=True, name="feed-parser"
        )
    else:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["streams.ingest.parsing", "streams.ingest.parsers"])
        process = context.Process(target=_serve, args=(pipe,), daemon=True, name="feed-parser")
    with _without_main():
        process.start()
    return process


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    # A new process would import the main module of this one: a second for nothing, since what runs there stands in this file.
    with _starting:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _serve(pipe: Connection) -> None:
    # The life of a parser process: bytes in, a ParsedFeed out, until the pipe is closed.
    # What was loaded before the fork is left out of garbage collection, which would make the shared pages the process's own.
    gc.freeze()
    _bound_memory()
    _ignore_interrupts()
    pipe.send_bytes(_READY)
    with contextlib.suppress(EOFError, OSError):
        while True:
            url, content_type, seconds = msgspec.msgpack.decode(pipe.recv_bytes(), type=tuple[str, str, float])
            _bound_time(seconds)
            pipe.send_bytes(msgspec.json.encode(_receive_and_parse(pipe, url, content_type)))
            _bound_time(0.0)


def _receive_and_parse(pipe: Connection, url: str, content_type: str) -> ParsedFeed:
    # The document is let go before the answer is sent.
    return _parse_safely(pipe.recv_bytes(), url, content_type)


def _parse_safely(data: bytes, url: str, content_type: str) -> ParsedFeed:
    # Loaded where it is used: the parent never parses. A fork server has it loaded already.
    from streams.ingest.parsers import parse_feed

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

        most = _data_bytes() + EXTRA_MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _data_bytes() -> int:
    # Private memory that this process may write to; what it shares with others does not count against the bound either.
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - one line of the kernel's
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))


def _bound_time(seconds: float) -> None:
    # Of the processor, as a backstop: a parser that spins must not outlive a parent that was killed.
    import signal

    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds * 1.5)


def _ignore_interrupts() -> None:
    # Ctrl-C reaches every process of the terminal; the parent decides when its parsers end.
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


class ParserPool:
    """Some `FeedParser`s for a loop: `await pool.parse(...)` takes the first that is free.

    One that is at a document for longer than `slow_seconds` no longer counts: another is started in its place, up to `MOST_SLOW`, so
    that a document that takes all of its time keeps no other feed waiting.
    """

    MOST_SLOW = 4

    def __init__(self, size: int = 2, timeout_seconds: float = PARSE_TIMEOUT_SECONDS, *, slow_seconds: float = 0.5) -> None:
        self._timeout_seconds = timeout_seconds
        self._slow_seconds = slow_seconds
        self._slow = 0
        self._parsers: set[FeedParser] = set()
        self._free: asyncio.Queue[FeedParser] = asyncio.Queue()
        self._threads = ThreadPoolExecutor(size + self.MOST_SLOW, thread_name_prefix="feed-parser")
        for _ in range(size):
            self._add()

    async def parse(self, data: bytes, url: str, content_type: str = "") -> ParsedFeed:
        """See `FeedParser.parse`."""
        parser = await self._free.get()
        replaced = False
        parsing = asyncio.get_running_loop().run_in_executor(self._threads, parser.parse, data, url, content_type)
        try:
            done, _ = await asyncio.wait({parsing}, timeout=self._slow_seconds)
            if not done and self._slow < self.MOST_SLOW:
                replaced = True
                self._slow += 1
                self._threads.submit(self._add().warm_up)
            return await parsing
        finally:
            if replaced:
                self._slow -= 1
                self._parsers.discard(parser)
                parser.close()
            else:
                self._free.put_nowait(parser)

    def warm_up(self) -> None:
        """Starts the processes, without waiting for them."""
        for parser in self._parsers:
            self._threads.submit(parser.warm_up)

    def _add(self) -> FeedParser:
        parser = FeedParser(self._timeout_seconds)
        self._parsers.add(parser)
        self._free.put_nowait(parser)
        return parser

    def close(self) -> None:
        """Ends the processes; documents in work get their errors at once."""
        for parser in self._parsers:
            parser.close()
        self._threads.shutdown()
