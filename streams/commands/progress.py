"""What a person sees of work that takes longer than two seconds: on stderr, and only where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Show = Callable[[int, int], None]


class Counted(Protocol):
    """Passes items on as they are, and counts them."""

    def __call__(self, items: Iterable[Item], /) -> Iterator[Item]:
        """The same items, one by one."""


@contextmanager
def bar(name: str, total: int | None) -> Iterator[Show]:
    """A bar; takes (done, total), where a total of 0 leaves it as it was."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    columns = (TextColumn(name), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(name, total=total)
        yield lambda done, of: shown.update(task, completed=done, total=of or total)


@contextmanager
def counting(name: str, *, beside_output: bool = False) -> Iterator[Counted]:
    """For work of unknown length: counts what is taken from an iterable, with the time that it has taken.

    Args:
        beside_output: whether results are printed meanwhile: then it is shown only where these go elsewhere.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    if not sys.stderr.isatty() or (beside_output and sys.stdout.isatty()):
        yield iter
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f}"), TextColumn(name), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(name, total=None)

        def counted(items: Iterable[Item]) -> Iterator[Item]:
            for item in items:
                shown.advance(task)
                yield item

        yield counted


@contextmanager
def busy(name: str) -> Iterator[None]:
    """For work that can't say how far it is: that it goes on, and for how long."""
    with counting(name):
        yield
