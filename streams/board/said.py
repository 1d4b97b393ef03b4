"""What people say of articles, as it stands on `corrections`: the newest word on each. No Kafka here.

There is room for all of it: corrections are made by hand.
"""

from __future__ import annotations

import threading

from streams.corrections.checking import read_correction
from streams.records import Correction
from streams.stage import InputRecord


class SaidTable:
    """Written by the replay's thread, read by the web's. The rule is that of `streams.corrections.kept`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, dict[str, Correction]] = {}

    def clear(self) -> None:
        """Forgets everything: the topic was made anew."""
        with self._lock:
            self._said.clear()

    def apply(self, key: bytes | None, value: bytes | None) -> None:
        """Puts a record of `corrections` in the place of the one before it; one without a pair takes the place of all of its article.

        Raises:
            RecordError: if it is no such record; nothing is changed.
        """
        pair, article_id, correction = read_correction(InputRecord(0, key, value))
        with self._lock:
            of_article = self._said.pop(article_id, {}) if pair else {}
            of_article.pop(pair, None)
            if not pair:
                self._said.pop(article_id, None)
            if correction is not None and not correction.withdrawn:
                of_article[pair] = correction
            if of_article:
                self._said[article_id] = of_article

    def of(self, article_id: str) -> list[Correction]:
        """What stands of an article, that of every pair first, then by pair."""
        with self._lock:
            return [found for _, found in sorted(self._said.get(article_id, {}).items())]

    def __len__(self) -> int:
        """How many articles people have corrected."""
        with self._lock:
            return len(self._said)
