"""`bellwether ingest archive`: files to Kafka, every line accounted for, at a given rate, with a progress bar.

Lines read = articles published + dead letters, to the unit; the counts are those that the broker acknowledged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streams.clock import Clock, monotonic_seconds, utc_now
from streams.errors import ConfigError, RecordError
from streams.ingest.archive_reading import STDIN, ArchiveLine, check_archives, read_archive
from streams.ingest.article import to_article
from streams.ingest.interrupts import Interrupts
from streams.ingest.publish import ArticlePublisher, dead_letter
from streams.settings import Settings

#: A line of JSON may be several times as long as the article in it (escapes, markup).
_LINE_BYTES_PER_ARTICLE_BYTE = 4
_SHOW_EVERY = 200


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the lines. `read` = `published` + the dead letters, when the broker took everything.

    Attributes:
        read: lines that were not blank.
        interrupted: whether a signal ended it early; what was read by then is on Kafka all the same.
    """

    read: int
    published: int
    dead_letters: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False


class _Pace:
    """Lets records through at `rate` a second; time lost at the source is made up for at most a second's worth."""

    def __init__(self, rate: float, interrupts: Interrupts) -> None:
        self._step = 1.0 / rate
        self._due = monotonic_seconds()
        self._interrupts = interrupts

    def wait(self) -> None:
        now = monotonic_seconds()
        self._due = max(self._due + self._step, now - 1.0)
        if self._due > now:
            self._interrupts.wait_for(partial(time.sleep, self._due - now))


def ingest_archive(
    paths: Sequence[str | Path], publisher: ArticlePublisher, settings: Settings, *, rate: float | None = None,
    progress: bool | None = None, clock: Clock = utc_now,
) -> IngestReport:  # fmt: skip
    """Sends every line of the archives; returns when the broker has acknowledged everything; blocks.

    Args:
        paths: archive files, `-` for standard input.
        rate: most articles a second; None for as many as go.
        progress: whether to show a bar on stderr; None: only on a terminal.

    Raises:
        ConfigError: for a file that can't be read or a rate that is not positive, before anything is sent.
        KafkaError: if the broker does not take the records.
    """
    if rate is not None and not 0 < rate < float("inf"):
        raise ConfigError(f"a rate of {rate:g} articles a second", where="--rate", expected="more than 0")
    check_archives(paths)
    before, started, read, interrupted = publisher.counts(), monotonic_seconds(), 0, False
    with Interrupts() as interrupts, _bar(paths, progress) as show:
        pace = _Pace(rate, interrupts) if rate is not None else None
        try:
            for line in _lines(paths, settings, interrupts, show):
                _send(line, publisher, settings, clock)
                read += 1
                if pace is not None:
                    pace.wait()
        except KeyboardInterrupt:
            interrupted = True
        publisher.flush()
    done = publisher.counts().since(before)
    return IngestReport(read, done.articles, dict(sorted(done.dead_letters.items())), monotonic_seconds() - started, interrupted)


def _lines(
    paths: Sequence[str | Path], settings: Settings, interrupts: Interrupts, show: Callable[[int, int], None]
) -> Iterator[ArchiveLine]:
    count, done = 0, 0
    for path in paths:
        lines = read_archive(path, max_line_bytes=settings.max_article_bytes * _LINE_BYTES_PER_ARTICLE_BYTE)
        while (line := interrupts.wait_for(partial(next, lines, None))) is not None:
            count += 1
            yield line
            if count % _SHOW_EVERY == 0:
                show(count, done + line.position)
        done += _size(path)
        show(count, done)


def _send(line: ArchiveLine, publisher: ArticlePublisher, settings: Settings, clock: Clock) -> None:
    try:
        if line.raw is None:
            raise line.error or RecordError("an empty line", reason="unreadable-line")
        article = to_article(line.raw, now=clock(), settings=settings)
    except RecordError as error:
        detail = error.what + (f"; expected: {error.expected}" if error.expected else "")
        publisher.send_dead_letter(dead_letter(error.reason, line.where, detail, line.content))
    else:
        publisher.send(article)


def _size(path: str | Path) -> int:
    return 0 if str(path) == STDIN or not Path(path).is_file() else Path(path).stat().st_size


@contextmanager
def _bar(paths: Sequence[str | Path], wanted: bool | None) -> Iterator[Callable[[int, int], None]]:
    # Yields what takes (lines, bytes) done. The time left comes from bytes, since nobody knows the number of lines beforehand.
    console = Console(stderr=True)
    if not (console.is_terminal if wanted is None else wanted):
        yield lambda _lines, _bytes: None
        return
    total = sum(_size(path) for path in paths) or None
    started = monotonic_seconds()
    columns = (
        TextColumn("ingest"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[lines]:,} lines"),
        TextColumn("{task.fields[rate]:,.0f}/s"), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=False) as bar:
        task: TaskID = bar.add_task("ingest", total=total, lines=0, rate=0.0)

        def show(lines: int, position: int) -> None:
            rate = lines / max(1e-6, monotonic_seconds() - started)
            bar.update(task, completed=position, lines=lines, rate=rate)

        yield show
