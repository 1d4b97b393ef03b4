"""Offsets in records: what changes in a record that names another one by its offset, when both stand somewhere else. Pure.

A restored partition begins at 0 and has no gaps, so that the n-th record of a file has the offset n. What names a record of another
topic follows: classifications and the tally name articles, sealed facts name facts on `signals`. Only the order of offsets means
anything, and it stays; a record that is kept no more is named by the last one before it, or by -1.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import msgspec

from streams.errors import RecordError
from streams.records import Classification, Progress, SealedFact, decode, encode
from streams.stage import InputRecord

#: Topic whose records name others by their offsets -> topic of these.
NAMES: Mapping[str, str] = {"classifications": "articles", "progress": "articles", "sealed": "signals"}


class Places:
    """The offsets that records of one partition had, in their order: 8 bytes a record."""

    def __init__(self, offsets: Iterable[int]) -> None:
        self._offsets = array("q", offsets)

    def of(self, offset: int) -> int:
        """Where a record stands now, or the last one before it; -1 where there is none."""
        return bisect_right(self._offsets, offset) - 1

    def following(self, offset: int) -> int:
        """Where reading goes on that would have gone on at `offset`."""
        return bisect_left(self._offsets, offset)


#: (topic without an edition's name, partition) -> the places of its records.
PlacesOf = Callable[[str, int], Places]


def placed_anew(topic: str, partition: int, record: InputRecord, places_of: PlacesOf) -> InputRecord:
    """A record of one of `NAMES` with the offset that it names as it is now; as it was, where it can't be read.

    Args:
        topic, partition: where it stands.
    """
    if record.value is None:
        return record
    try:
        return replace(record, value=_PLACED[topic](record.value, partition, places_of))
    except RecordError:
        # It says nothing to whoever reads it, here or there.
        return record


def _classification(value: bytes, partition: int, places_of: PlacesOf) -> bytes:
    found = decode(Classification, value)
    return encode(msgspec.structs.replace(found, offset=places_of(NAMES["classifications"], partition).of(found.offset)))


def _progress(value: bytes, _partition: int, places_of: PlacesOf) -> bytes:
    found = decode(Progress, value)
    return encode(msgspec.structs.replace(found, offset=places_of(NAMES["progress"], found.partition).following(found.offset)))


def _sealed(value: bytes, partition: int, places_of: PlacesOf) -> bytes:
    found = decode(SealedFact, value)
    return encode(msgspec.structs.replace(found, offset=places_of(NAMES["sealed"], partition).of(found.offset)))


_PLACED = {"classifications": _classification, "progress": _progress, "sealed": _sealed}
