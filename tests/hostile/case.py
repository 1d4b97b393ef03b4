"""What a hostile case is: an input, the way in that it takes, and the one answer that is right for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Path = Literal["feed", "server", "archive", "push", "connection", "classify"]
MAX_SECONDS = 5.0
MAX_DELAY_SECONDS = 1.0
MAX_EXTRA_BYTES = 100 * 1024 * 1024
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile input.

    Attributes:
        name: what it is, in a few words; unique within its path.
        build: makes the input, as large as it has to be.
        answer: how what comes of it must begin, in the words of the path's runner; ` | ` parts what may come of it either way.
        kind: of a server, what it does after its bytes; of an archive, the ending of its name; of a push, its `Content-Type`, with `+gzip` where it is compressed.
    """

    path: Path
    name: str
    build: Callable[[], bytes]
    answer: str
    kind: str = ""

    @property
    def id(self) -> str:
        """`feed: a thousand things`."""
        return f"{self.path}: {self.name}"

    @property
    def answers(self) -> tuple[str, ...]:
        """The beginnings of the answers that are right."""
        return tuple(self.answer.split(" | "))


class Came(NamedTuple):
    """What came of a case, and the longest that somebody else waited meanwhile (0 where nobody else could)."""

    answer: str
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """The same with how long it took, and the most memory above that of the waiting processes and the input."""

    answer: str
    seconds: float
    extra_bytes: int
    delay_seconds: float = 0.0
