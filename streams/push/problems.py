"""What push answers when it does not take a request: RFC 9457 problem details, with the items and fields that are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from streams.errors import BellwetherError

PROBLEM_JSON = "application/problem+json"
#: So many faults are listed in one answer; the rest is counted.
MAX_LISTED = 100

Kind = Literal[
    "unreadable-request", "unauthorized", "not-found", "method-not-allowed", "too-slow", "too-large", "unsupported-type",
    "not-articles", "too-fast", "failed", "busy", "broker-silent",
]  # fmt: skip
#: kind -> (status, title). Every answer but 202 is one of these.
PROBLEMS: Mapping[Kind, tuple[int, str]] = {
    "unreadable-request": (400, "The request can't be read"),
    "unauthorized": (401, "No valid token"),
    "not-found": (404, "There is nothing at this address"),
    "method-not-allowed": (405, "The address does not take this method"),
    "too-slow": (408, "The body did not arrive in time"),
    "too-large": (413, "The request is too large"),
    "unsupported-type": (415, "The body is of a type that is not taken"),
    "not-articles": (422, "Some items are no articles"),
    "too-fast": (429, "The token sends too fast"),
    "failed": (500, "Push failed to answer"),
    "busy": (503, "Push has as much in work as it may"),
    "broker-silent": (503, "The broker has not acknowledged"),
}


@dataclass(frozen=True, slots=True)
class ItemError:
    """One fault of one item.

    Attributes:
        item: number of the item in the request, from 0 (of a JSON Lines body: among the lines that are not blank).
        field: name of the field; "" for the item as a whole.
        reason: one of `streams.records.DEAD_LETTER_REASONS`.
    """

    item: int
    field: str
    what: str
    expected: str = ""
    reason: str = "not-an-article"

    @property
    def pointer(self) -> str:
        """RFC 6901 pointer into the request, as if it were an array."""
        return f"/{self.item}/{self.field}" if self.field else f"/{self.item}"

    def to_json(self) -> dict[str, object]:
        """As it stands in the answer."""
        return {
            "item": self.item, "field": self.field, "pointer": self.pointer, "reason": self.reason, "what": self.what,
            "expected": self.expected,
        }  # fmt: skip


class PushError(BellwetherError):
    """A request that is not taken.

    Args:
        kind: one of `PROBLEMS`.
        errors: the items that are wrong.
        headers: further headers of the answer.
        reason: dead-letter reason, where the body as a whole is bad input; "" where there is none.
    """

    def __init__(
        self, what: str, *, kind: Kind, expected: str = "", todo: str = "", errors: Sequence[ItemError] = (),
        headers: Mapping[str, str] | None = None, reason: str = "",
    ) -> None:  # fmt: skip
        self.kind: Kind = kind
        self.status, self.title = PROBLEMS[kind]
        self.errors = errors
        self.headers = dict(headers or {})
        self.reason = reason
        super().__init__(what, expected=expected, todo=todo)

    def to_json(self) -> dict[str, object]:
        """The problem document."""
        document: dict[str, object] = {
            "type": f"urn:bellwether:push:{self.kind}", "title": self.title, "status": self.status, "detail": self.what,
            "expected": self.expected, "todo": self.todo,
        }  # fmt: skip
        if self.errors:
            document["errors"] = [error.to_json() for error in self.errors[:MAX_LISTED]]
            document["errors_in_all"] = len(self.errors)
        return document
