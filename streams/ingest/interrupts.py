"""Ctrl-C and SIGTERM between two records instead of in the middle of one, so that the count of what was done is exact."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interrupts:
    """While it is entered, a signal sets `requested`; in a wait that is marked by `waiting` it raises KeyboardInterrupt at once.

    A second signal always raises. Outside of the main thread, where Python allows no handlers, nothing is caught.
    """

    def __init__(self) -> None:
        self.requested = False
        self.waiting = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait_for(self, call: Callable[[], Any]) -> Any:
        """The result of a call that may block for long and whose loss would do no harm.

        Raises:
            KeyboardInterrupt: if a signal came, before or during the call.
        """
        if self.requested:
            raise KeyboardInterrupt
        self.waiting = True
        try:
            return call()
        finally:
            self.waiting = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if self.waiting or again:
            raise KeyboardInterrupt
