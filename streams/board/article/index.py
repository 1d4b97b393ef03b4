"""Where each article stands: article id -> partition and offsets, in a SQLite file. Safe to use from several threads.

A copy of what `classifications` says, which may be deleted: it is then read from Kafka again. About 50 bytes an article, on disk.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from streams.stage import InputRecord
from streams.state import PartitionStore

SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
    id TEXT PRIMARY KEY, partition INTEGER NOT NULL, article INTEGER NOT NULL, classification INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (digest BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_PUT = (
    # As the classify stage remembers it: a process that had stood still may write what others had done long ago.
    "INSERT INTO places (id, partition, article, classification) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET partition = excluded.partition, "
    "article = excluded.article, classification = excluded.classification WHERE excluded.article >= places.article"
)


class _Told(msgspec.Struct):
    """What the index needs of a `Classification`."""

    article_id: str
    offset: int


_decoder = msgspec.json.Decoder(_Told)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article stands: the partition, and its offsets on `articles` and on `classifications`, whose partitions agree."""

    partition: int
    article: int
    classification: int


class ArticleIndex:
    """The index over one file.

    Args:
        path: the file; its folder is made.
        origin: identity of the topic `classifications`; an index of another one is thrown away.

    Raises:
        StateError: here and in every method, if the file can't be used.
    """

    def __init__(self, path: Path, origin: str) -> None:
        self._lock = threading.Lock()
        self._store = PartitionStore(path, SCHEMA, origin)

    def next_offset(self, partition: int) -> int:
        """The offset of `classifications` up to which the index holds; 0 at the beginning."""
        with self._lock:
            return int(self._store.get(f"next-{partition}", "0"))

    def take(self, partition: int, records: Sequence[InputRecord], next_offset: int) -> None:
        """Takes records of a partition in, durably, together with the offset that follows them.

        A record without a value takes the article out; one that can't be read is passed over, since a newer version wrote it.
        """
        with self._lock:
            for record in records:
                self._apply(partition, record)
            self._store.put(f"next-{partition}", str(next_offset))
            self._store.commit()

    def _apply(self, partition: int, record: InputRecord) -> None:
        article_id = (record.key or b"").decode("utf-8", "replace")
        if record.value is None:
            # Of what was erased nothing is kept but that it was: by a digest, which says nothing to whoever does not know the id.
            self._store.execute("INSERT OR IGNORE INTO ended (digest) VALUES (?)", (_digest(article_id),))
            self._store.execute("DELETE FROM places WHERE id = ?", (article_id,))
            return
        try:
            told = _decoder.decode(record.value)
        except msgspec.DecodeError:
            return
        self._store.execute("DELETE FROM ended WHERE digest = ?", (_digest(told.article_id),))
        self._store.execute(_PUT, (told.article_id, partition, told.offset, record.offset))

    def find(self, article_id: str) -> Place | None:
        """Where an article stands; None where it is not known."""
        with self._lock:
            rows = self._store.query("SELECT partition, article, classification FROM places WHERE id = ?", (article_id,))
        return Place(*(int(str(number)) for number in rows[0])) if rows else None

    def has_ended(self, article_id: str) -> bool:
        """Whether a record without a value has ended it."""
        with self._lock:
            return bool(self._store.query("SELECT 1 FROM ended WHERE digest = ?", (_digest(article_id),)))

    def __len__(self) -> int:
        """How many articles it knows."""
        with self._lock:
            return int(str(self._store.query("SELECT COUNT(*) FROM places")[0][0]))

    def start_anew(self) -> None:
        """Throws everything away: the topic is not the one that was read."""
        with self._lock:
            self._store.clear()

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._store.close()


def _digest(article_id: str) -> bytes:
    return hashlib.blake2b(article_id.encode(), digest_size=16).digest()
