"""A bulletin as it is sent: its texts, made once for all who get it, and the key by which a repeated delivery is recognised."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from streams.bulletin.compose import Document, document_of
from streams.bulletin.figures import Bulletin
from streams.bulletin.forms import written
from streams.bulletin.wording import Language
from streams.delivery.config import MailTarget, Target, WebhookTarget
from streams.errors import BellwetherError


class NotTakenError(BellwetherError):
    """The target did not take a bulletin.

    Args:
        is_final: whether it said that it never will; else it is tried again.
    """

    def __init__(self, what: str, *, where: str, todo: str = "", is_final: bool = False) -> None:
        self.is_final = is_final
        super().__init__(what, where=where, todo=todo)


@dataclass(frozen=True)
class Issue:
    """The bulletin of a week in a language.

    Attributes:
        found: its figures.
        closed_at: the event time at which its week closed; it is dated by that, since the same counts give the same bytes.
    """

    found: Bulletin
    language: Language
    closed_at: datetime
    _texts: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def week(self) -> str:
        """`2017-W31`."""
        return self.found.week

    @property
    def document(self) -> Document:
        """Its text in blocks."""
        return document_of(self.found, self.language)

    def text(self, form: str) -> bytes:
        """The bulletin in a form; see `streams.bulletin.forms.written`."""
        if form not in self._texts:
            self._texts[form] = written(form, self.found, self.language)
        return self._texts[form]


def delivery_key(target: Target, recipient: str, week: str, printing: int = 1) -> str:
    """32 hexadecimal digits: the same for the same bulletin to the same recipient, on every machine and after every crash.

    It does not depend on the counts, so that a repetition is recognised even if late news came in between.

    Args:
        printing: 1, and one more for each time that somebody asked for the week to be sent again.
    """
    place = target.sender if isinstance(target, MailTarget) else target.url if isinstance(target, WebhookTarget) else ""
    parts = [target.kind, target.name, place, recipient, target.pair, target.language, week, printing]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16, person=b"bw-delivery").hexdigest()
