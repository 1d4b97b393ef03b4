"""One process at a time: a lock file that the kernel releases when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streams.clock import monotonic_seconds

POLL_SECONDS = 0.1


@contextmanager
def locked(path: Path, *, wait_seconds: float) -> Iterator[None]:
    """Holds the lock of `path`, a file whose directory exists, for the body of the `with`.

    Also holds off other threads of this process; it isn't reentrant.

    Raises:
        TimeoutError: another holder kept it for longer than `wait_seconds`.
        OSError: the file can't be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(handle, path, monotonic_seconds() + wait_seconds)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, deadline: float) -> None:
    pause = threading.Event()
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if monotonic_seconds() >= deadline:
                raise TimeoutError(f"another process holds {path}") from None
            pause.wait(POLL_SECONDS)
        else:
            return
