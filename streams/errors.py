"""Every error that Bellwether raises on purpose: one tree, so that one place can decide an error's fate.

Each says what happened, where, what was expected and what to do, and keeps its fields for the log. The three fates:
bad data (`RecordError`) becomes a dead letter; wrong settings (`ConfigError`) end the command with exit code 2;
everything else is infrastructure and ends the process, non-zero, so that the supervisor restarts it.
"""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2


class BellwetherError(Exception):
    """Base of the tree.

    Args:
        what: what happened, in one sentence.
        where: the file, topic, setting or address that it happened at.
        expected: what should have been there.
        todo: what the reader can do about it.
        **fields: context that the log keeps as keys (never secrets, never article text).
    """

    exit_code = EXIT_FAILED

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", todo: str = "", **fields: str | int | float | None
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.todo = todo
        self.fields = fields
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"where: {self.where}")
        if self.expected:
            parts.append(f"expected: {self.expected}")
        if self.todo:
            parts.append(f"what to do: {self.todo}")
        return "\n  ".join(parts)


class ConfigError(BellwetherError):
    """A setting, a watchlist or a feed list is wrong; nothing was started."""

    exit_code = EXIT_USAGE


def unwritable(what: str, path: object, error: OSError, option: str) -> ConfigError:
    """The error for a file that somebody named and that can't be written.

    Args:
        what: what it was to hold, such as "the bulletin".
        option: the option that named it, such as `--out`.
    """
    return ConfigError(
        f"{what} can't be written: {error.strerror or error}", where=str(path), expected="a file in a folder that can be written to",
        todo=f"choose another {option}, or free room",
    )  # fmt: skip


class RecordError(BellwetherError):
    """One input is not what it should be. It goes to `dead-letters` with `reason`; the stream goes on.

    Args:
        reason: one of `streams.records.DEAD_LETTER_REASONS` (a closed set: it becomes a metric's label).
    """

    def __init__(self, what: str, *, reason: str, where: str = "", expected: str = "", todo: str = "") -> None:
        self.reason = reason
        super().__init__(what, where=where, expected=expected, todo=todo, reason=reason)


class FeedError(BellwetherError):
    """A feed could not be fetched or parsed; it is tried again later."""


class ModelError(BellwetherError):
    """The model is missing, damaged, or not the one that this version was built for."""


class StateError(BellwetherError):
    """The local state can't be read or written (a full disk, a damaged file)."""


class KafkaError(BellwetherError):
    """The broker can't be reached, or topics are not as the topology says."""
