"""What the classify stage remembers of each article: which facts stand because of it, what people correct, and what it has counted.

The truth are the compacted topics `classifications`, `corrections` and `progress`; this is a local copy of one partition of it. Whoever takes
a partition over reads what it has missed, from nothing if its disk is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streams.corrections.kept import SCHEMA as CORRECTIONS_SCHEMA
from streams.corrections.kept import Corrections
from streams.errors import RecordError
from streams.records import Classification, Progress, decode
from streams.stage import InputRecord
from streams.state import PartitionStore, ReadTail, nothing_to_read

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS articles (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, offset INTEGER NOT NULL, pairs TEXT NOT NULL
) WITHOUT ROWID;
{CORRECTIONS_SCHEMA}
"""
_LOOKUP_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Known:
    """An article as it was last classified: the digest of its content, the offset it came from, the pairs it has facts for."""

    digest: str
    offset: int
    pairs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records up to `offset` became what; a record below `offset` has been counted and is not counted again."""

    offset: int = 0
    classified: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    forgotten: int = 0
    skipped: int = 0

    def counting(self, outcomes: Sequence[tuple[int, str]], next_offset: int) -> Tally:
        """The tally with the outcomes (offset, outcome) of a batch that ends before `next_offset`."""
        new = [outcome for offset, outcome in outcomes if offset >= self.offset]
        return Tally(
            offset=max(self.offset, next_offset), classified=self.classified + new.count("classified"),
            duplicates=self.duplicates + new.count("duplicate"), dead_letters=self.dead_letters + new.count("dead-letter"),
            forgotten=self.forgotten + new.count("forgotten"), skipped=self.skipped + new.count("skipped"),
        )  # fmt: skip


class ArticleMemory:
    """The memory of one partition.

    Args:
        store: the local file, made with `SCHEMA`.
        partition: number of the partition.
        read_classifications: reads `classifications` of this partition from an offset to its end.
        read_progress: the same for the partition of `progress` that holds this partition's tally.
        read_corrections: the same for `corrections` of this partition.
    """

    def __init__(
        self, store: PartitionStore, partition: int, read_classifications: ReadTail, read_progress: ReadTail,
        read_corrections: ReadTail = nothing_to_read,
    ) -> None:  # fmt: skip
        self._store = store
        self._partition = partition
        self._cache: dict[str, Known | None] = {}
        self.corrections = Corrections(store, read_corrections)
        self._catch_up(read_classifications)
        self.corrections.catch_up()
        #: Whether the last record of `progress` is the newest tally. It is not where a process that had stood still wrote its own when
        #: another had gone on already.
        self.is_tally_told = True
        self.progress = self._newest_tally(read_progress)

    def _catch_up(self, read: ReadTail) -> None:
        for chunk in read(int(self._store.get("classifications_offset", "0"))):
            for record in chunk:
                self._apply(record)
            self._store.put("classifications_offset", str(chunk[-1].offset + 1))
            self._store.commit()

    def _apply(self, record: InputRecord) -> None:
        if record.value is None:
            self._remove((record.key or b"").decode("utf-8", "replace"))
            return
        try:
            self._write(decode(Classification, record.value))
        except RecordError:
            # Only a newer version can be unreadable here; its article is classified again when it comes again.
            return

    def _newest_tally(self, read: ReadTail) -> Tally:
        newest = last = Tally()
        for chunk in read(0):
            for record in chunk:
                if record.value is not None and record.key == str(self._partition).encode():
                    p = decode(Progress, record.value)
                    last = Tally(p.offset, p.classified, p.duplicates, p.dead_letters, p.forgotten, p.skipped)
                    newest = max(newest, last, key=lambda tally: tally.offset)
        self.is_tally_told = last == newest
        return newest

    def preload(self, ids: Sequence[str]) -> None:
        """Looks up many articles at once; `recall` then answers from memory until `commit`."""
        wanted = [article_id for article_id in dict.fromkeys(ids) if article_id not in self._cache]
        for start in range(0, len(wanted), _LOOKUP_CHUNK):
            chunk = wanted[start : start + _LOOKUP_CHUNK]
            self._cache.update(dict.fromkeys(chunk))
            marks = ",".join("?" * len(chunk))
            for article_id, digest, offset, pairs in self._store.query(
                f"SELECT id, digest, offset, pairs FROM articles WHERE id IN ({marks})",  # noqa: S608 - question marks only
                chunk,
            ):
                self._cache[str(article_id)] = Known(str(digest), int(str(offset)), tuple(str(pairs).split()))

    def recall(self, article_id: str) -> Known | None:
        """The article as it was last classified, or None."""
        if article_id not in self._cache:
            self.preload([article_id])
        return self._cache[article_id]

    def remember(self, classification: Classification) -> None:
        """Takes a classification in; pending until `commit`."""
        self._write(classification)
        self._cache[classification.article_id] = Known(classification.digest, classification.offset, tuple(classification.pairs))

    def forget(self, article_id: str) -> None:
        """The article is no more; pending until `commit`."""
        self._remove(article_id)
        self._cache[article_id] = None

    def _remove(self, article_id: str) -> None:
        self._store.execute("DELETE FROM articles WHERE id = ?", (article_id,))
        self.corrections.forget_reflected(article_id)

    def _write(self, classification: Classification) -> None:
        self._store.execute(
            # An older revision comes after a newer one where a process that had stood still wrote what others had done long ago.
            "INSERT INTO articles (id, digest, offset, pairs) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "digest = excluded.digest, offset = excluded.offset, pairs = excluded.pairs WHERE excluded.offset >= articles.offset",
            (classification.article_id, classification.digest, classification.offset, " ".join(classification.pairs)),
        )
        self.corrections.set_reflected(classification.article_id, classification.offset, classification.correction)

    def set_progress(self, tally: Tally) -> None:
        """Replaces the tally; it is durable on its topic, not here."""
        self.progress = replace(tally)

    def commit(self) -> None:
        """Makes the batch durable; the cache is per batch, so that it stays bounded."""
        self._store.commit()
        self._cache.clear()

    def close(self) -> None:
        """Drops what is pending."""
        self._store.close()
