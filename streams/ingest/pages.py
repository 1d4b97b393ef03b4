"""The text of a web page, by trafilatura, at arm's length: in a process of its own, with a time-out and a bound on memory.

A page that hangs, kills or bloats its reader costs that one page. The library is an extra (`bellwether[fulltext]`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import struct
import subprocess
import sys
import threading
from typing import IO

from streams.clock import monotonic_seconds

READ_TIMEOUT_SECONDS = 5.0
START_TIMEOUT_SECONDS = 30.0
#: What one page may cost beyond the process as it is when it waits.
EXTRA_MEMORY_BYTES = 100 * 1024 * 1024
MAX_TEXT_CHARS = 50_000
_LENGTH = struct.Struct(">I")


class PageReadError(Exception):
    """No text came of a page: its reader hung or died."""


def can_read_pages() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("trafilatura") is not None


class PageReader:
    """One reader process, started when first needed and again after it died. Blocks; one caller at a time (others wait)."""

    def __init__(self, timeout_seconds: float = READ_TIMEOUT_SECONDS) -> None:
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PageReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, html: bytes) -> str:
        """The text of the article on a page, paragraphs on lines of their own; "" if there is none.

        Raises:
            PageReadError: if the page takes too long or too much.
        """
        with self._lock:
            try:
                process = self._started()
                assert process.stdin is not None
                process.stdin.write(_LENGTH.pack(len(html)) + html)
                process.stdin.flush()
                return self._answer(self._timeout_seconds).decode("utf-8", "replace")
            except (OSError, EOFError) as error:
                self._kill()
                raise PageReadError(str(error) or "the reader of pages died on this page") from error

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._kill()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._kill()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streams.ingest.pages", f"{self._timeout_seconds}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )  # fmt: skip
        self._answer(START_TIMEOUT_SECONDS)
        return self._process

    def _answer(self, seconds: float) -> bytes:
        deadline = monotonic_seconds() + seconds
        (length,) = _LENGTH.unpack(self._receive(_LENGTH.size, deadline))
        return self._receive(length, deadline)

    def _receive(self, size: int, deadline: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        pieces = b""
        while len(pieces) < size:
            if not select.select([pipe], [], [], max(0.0, deadline - monotonic_seconds()))[0]:
                raise TimeoutError("the reader of pages found no end in time")
            piece = os.read(pipe, size - len(pieces))
            if not piece:
                raise EOFError
            pieces += piece
        return pieces

    def _kill(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._process = None


def _serve(requests: IO[bytes], answers: IO[bytes], seconds: float) -> None:
    # The life of a reader process: a page in, its text out, until the parent is gone.
    import signal

    import trafilatura

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bound_memory()
    _send(answers, b"")
    while header := requests.read(_LENGTH.size):
        html = requests.read(_LENGTH.unpack(header)[0])
        # Of the processor, as a backstop: a reader that spins must not outlive a parent that was killed.
        signal.setitimer(signal.ITIMER_PROF, seconds * 1.5)
        try:
            text = trafilatura.extract(html, fast=True, favor_precision=True, include_comments=False, include_tables=False) or ""
        except MemoryError:
            # What it holds by now would count against every page after this one.
            return
        except RecursionError:
            text = ""
        except Exception:  # noqa: BLE001 - what the library raises for a hostile page is of no fixed kind
            text = ""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        _send(answers, text[:MAX_TEXT_CHARS].encode("utf-8", "replace"))


def _send(answers: IO[bytes], content: bytes) -> None:
    answers.write(_LENGTH.pack(len(content)) + content)
    answers.flush()


def _bound_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource
        from pathlib import Path

        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        used = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
        resource.setrlimit(resource.RLIMIT_DATA, (used + EXTRA_MEMORY_BYTES,) * 2)


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    _serve(sys.stdin.buffer, answers, float(sys.argv[1]))
