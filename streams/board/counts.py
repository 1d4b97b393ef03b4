"""The counts of a pair's week, packed into few bytes and unpacked into arrays. Pure.

What comes in: a `Trend`. What goes out: bytes, and from bytes arrays of the shape `SHAPE`.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from models.labels import DOMAINS, LABELS
from streams.errors import RecordError
from streams.records import ALL_DOMAINS, Count, Trend

#: Axes of a week's counts: what is counted (exposure first, then each label), domain (`all` first), stories or articles.
ROWS: tuple[str, ...] = ("exposure", *LABELS)
BOARD_DOMAINS: tuple[str, ...] = (ALL_DOMAINS, *DOMAINS)
STORIES, ARTICLES = 0, 1
SHAPE = (len(ROWS), len(BOARD_DOMAINS), 2)
CELLS = SHAPE[0] * SHAPE[1] * SHAPE[2]

Counts = NDArray[np.int64]
_SMALL = struct.Struct(f"<{CELLS}B")
_LARGE = struct.Struct(f"<{CELLS}I")
_NO_COUNTS = bytes(CELLS)


def pack_counts(trend: Trend) -> bytes:
    """Counts of one week as `CELLS` numbers of 1 byte each where all fit, of 4 where one does not.

    Labels and domains that this version does not know are left out.

    Raises:
        RecordError: if a count is below 0 or needs more than 32 bits.
    """
    none = Count()
    numbers: list[int] = []
    for by_domain in (trend.exposure, *(trend.counts.get(label, {}) for label in LABELS)):
        for domain in BOARD_DOMAINS:
            count = by_domain.get(domain, none)
            numbers += (count.stories, count.articles)
    try:
        return (_SMALL if max(numbers) < 256 else _LARGE).pack(*numbers)
    except struct.error as error:
        raise RecordError(f"a count is out of range: {error}", reason="not-an-article", expected="0 to 4,294,967,295") from error


def unpack_counts(packed: list[bytes]) -> Counts:
    """`(len(packed), *SHAPE)`; an empty entry is a week without news."""
    if all(len(row) <= CELLS for row in packed):
        flat = np.frombuffer(b"".join(row or _NO_COUNTS for row in packed), np.uint8).astype(np.int64)
    else:
        rows = [np.frombuffer(row or _NO_COUNTS, "<u4" if len(row) > CELLS else np.uint8) for row in packed]
        flat = np.concatenate(rows).astype(np.int64)
    return flat.reshape(len(packed), *SHAPE)
