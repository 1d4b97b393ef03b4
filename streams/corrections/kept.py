"""The corrections of one partition, as they stand: a local copy of the compacted topic `corrections`, and what of it the facts reflect.

What comes in: records of `corrections`, and classifications, each of which says which corrections its facts reflect. What goes out: the
corrections of an article, and the articles whose facts are *due*: they reflect others than those that stand. It writes to no topic.

What holds is a function of the newest record of each key, in the order of their offsets, so that compaction changes nothing: a record
with a pair replaces what was said of that pair; one without replaces all that was said of the article.
"""

from __future__ import annotations

from collections.abc import Iterable

from streams.corrections.checking import read_correction
from streams.corrections.overlay import mark_of
from streams.errors import RecordError
from streams.records import Correction, decode
from streams.stage import InputRecord
from streams.state import PartitionStore, ReadTail

SCHEMA = """
CREATE TABLE IF NOT EXISTS corrections (
    article TEXT NOT NULL, pair TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (article, pair)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wanted (article TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reflected (article TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID;
"""
#: The mark of facts that are being written: it is that of no corrections, so that they stay due until the last of them stands.
IN_WORK = "in work"
#: Records that could not be read are held until they are asked for, at most so many of them.
_MOST_BAD = 1_000

_DUE = """
SELECT wanted.article FROM wanted JOIN articles ON articles.id = wanted.article
    LEFT JOIN reflected ON reflected.article = wanted.article WHERE COALESCE(reflected.mark, '') <> wanted.mark
UNION SELECT reflected.article FROM reflected
    LEFT JOIN wanted ON wanted.article = reflected.article WHERE COALESCE(wanted.mark, '') <> reflected.mark
ORDER BY 1 LIMIT ?
"""


class Corrections:
    """The corrections of one partition.

    Args:
        store: the local file, with `SCHEMA` and the table `articles` of the classify stage.
        read: reads `corrections` of this partition from an offset to its end.
    """

    def __init__(self, store: PartitionStore, read: ReadTail) -> None:
        self._store = store
        self._read = read
        self._out_of_reach: set[str] = set()
        self._bad: list[tuple[InputRecord, RecordError]] = []
        self._is_any = bool(store.query("SELECT 1 FROM wanted UNION ALL SELECT 1 FROM reflected LIMIT 1"))

    def catch_up(self) -> None:
        """Takes in what has come onto the topic, and makes it durable; blocks. Not while changes are pending."""
        for chunk in self._read(int(self._store.get("corrections_offset", "0"))):
            for article in dict.fromkeys(article for record in chunk if (article := self._apply(record))):
                self._mark(article)
            self._store.put("corrections_offset", str(chunk[-1].offset + 1))
            self._store.commit()

    def _apply(self, record: InputRecord) -> str:
        """Takes a record in and returns its article; "" for one that is none."""
        try:
            pair, article, correction = read_correction(record)
        except RecordError as error:
            self._bad = [*self._bad, (record, error)][-_MOST_BAD:]
            return ""
        self._is_any = True
        self._store.execute("DELETE FROM corrections WHERE article = ? AND (pair = ? OR ? = '')", (article, pair, pair))
        if correction is not None and not correction.withdrawn:
            sql = "INSERT INTO corrections (article, pair, value) VALUES (?, ?, ?)"
            self._store.execute(sql, (article, pair, record.value))
        return article

    def _mark(self, article: str) -> None:
        self._out_of_reach.discard(article)
        mark = mark_of(self.of(article).values())
        if mark:
            self._store.execute("INSERT OR REPLACE INTO wanted (article, mark) VALUES (?, ?)", (article, mark))
        else:
            self._store.execute("DELETE FROM wanted WHERE article = ?", (article,))

    def of(self, article: str) -> dict[str, Correction]:
        """Pair -> its correction, "" for every other pair; empty where nothing is corrected."""
        if not self._is_any:
            return {}
        rows = self._store.query("SELECT pair, value FROM corrections WHERE article = ? ORDER BY pair", (article,))
        return {str(pair): decode(Correction, bytes(value)) for pair, value in rows}  # type: ignore[call-overload]

    def set_reflected(self, article: str, offset: int, mark: str) -> None:
        """Notes which corrections the facts of an article reflect, if what is remembered of it came from `offset`; pending."""
        if not mark and not self._is_any:
            return
        self._is_any = True
        is_newest = bool(self._store.query("SELECT 1 FROM articles WHERE id = ? AND offset = ?", (article, offset)))
        if is_newest and mark:
            self._store.execute("INSERT OR REPLACE INTO reflected (article, mark) VALUES (?, ?)", (article, mark))
        elif is_newest:
            self._store.execute("DELETE FROM reflected WHERE article = ?", (article,))

    def forget_reflected(self, article: str) -> None:
        """The article has no facts any more; pending."""
        if self._is_any:
            self._store.execute("DELETE FROM reflected WHERE article = ?", (article,))

    def due(self, at_most: int) -> list[str]:
        """The next articles whose facts do not reflect what stands here."""
        if not self._is_any:
            return []
        rows = self._store.query(_DUE, (at_most + len(self._out_of_reach),))
        return [article for (found,) in rows if (article := str(found)) not in self._out_of_reach][:at_most]

    def set_out_of_reach(self, articles: Iterable[str]) -> None:
        """These can't be read again, so that they are not asked for before something is said of them anew, or the next start."""
        self._out_of_reach.update(articles)

    @property
    def has_bad(self) -> bool:
        """Whether there is something for `take_bad`."""
        return bool(self._bad)

    def take_bad(self) -> list[tuple[InputRecord, RecordError]]:
        """(record, why) of those that were no corrections, each once."""
        bad, self._bad = self._bad, []
        return bad
