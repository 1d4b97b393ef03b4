"""CLASSIFY: articles in; facts per pair of states out.

What comes in: records of `articles`; and, between them, what people correct (`streams/classify/correcting.py`). What goes out: first
`classifications` (which facts stand because of the article), `progress` (what became of every article) and `dead-letters`; then, once
those are safe, `signals`, where a fact of an earlier revision that no longer holds is taken back by a tombstone. A record without a value
forgets its article: every fact is taken back. So does a revision of a week that this edition leaves out. What it does not do: count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.results import Classified
from streams.classify.arrivals import Forgotten, read_arrival
from streams.classify.correcting import ROUND_ARTICLES, ReadArticles, correct_facts
from streams.classify.facts import to_text
from streams.classify.memory import ArticleMemory, Known, Tally
from streams.classify.revision import CLASSIFICATIONS, Revision, classification_output, outcome_of, taken_back
from streams.clock import Clock, format_utc, iso_week, monotonic_seconds, parse_utc, utc_now
from streams.errors import ModelError, RecordError
from streams.records import Article, DeadLetter, Progress, encode, refused
from streams.stage import Batch, InputRecord, Output, Outputs

if TYPE_CHECKING:
    from models.predict import Predictor

PROGRESS, DEAD_LETTERS = "progress", "dead-letters"
#: How often `corrections` is asked for something new, in seconds.
LOOK_SECONDS = 1.0


@dataclass(slots=True)
class _Work:
    """What one batch has come to so far: the newest revision of each article that could be classified, and those that are forgotten."""

    articles: dict[str, Revision] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    dead: list[DeadLetter] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    revisions: int = 0


_Read = tuple[InputRecord, Article | Forgotten | RecordError]
_Results = dict[tuple[str, str], Classified | RecordError]


class ClassifyStage:
    """The stage over its memory of articles. See `streams.stage.Postponing` for the contract.

    Args:
        predictor: the loaded model.
        open_memory: makes the memory of a partition, brought up to date with `classifications` and `corrections`.
        read_articles: reads articles again whose facts are corrected.
        max_dead_in_a_row: so many dead letters without one good article end the process: a bad deploy must not empty a topic.
        since: the first ISO week whose articles are classified; earlier ones are counted as skipped. Empty: all are.
        seconds: a clock for the pauses.
    """

    name = "classify"

    def __init__(
        self, predictor: Predictor, open_memory: Callable[[int], ArticleMemory], read_articles: ReadArticles = lambda _partition, _known: {},
        *, max_dead_in_a_row: int = 1_000, since: str = "", clock: Clock = utc_now, seconds: Callable[[], float] = monotonic_seconds,
    ) -> None:  # fmt: skip
        self._predictor = predictor
        self._open_memory = open_memory
        self._read_articles = read_articles
        self._seconds = seconds
        self._looked_at: dict[int, float] = {}
        self._max_dead = max_dead_in_a_row
        self._since = since
        self._dead_in_a_row = 0
        self._clock = clock
        self._memories: dict[int, ArticleMemory] = {}

    def open(self, partition: int) -> int | None:
        """Opens the memory; reading goes on where the group committed."""
        self.close(partition)
        self._memories[partition] = self._open_memory(partition)
        return None

    def close(self, partition: int) -> None:
        """Closes the memory."""
        if partition in self._memories:
            self._memories.pop(partition).close()

    def refresh(self, partition: int) -> Outputs:
        """The tally, where an older one stands last on its topic (`ArticleMemory.is_tally_told`), and a round of corrected facts."""
        memory = self._memories[partition]
        outputs = correct_facts(partition, memory, self._predictor, self._read_articles)
        first = [self._letter(f"corrections/{partition}", record, error) for record, error in memory.corrections.take_bad()]
        if not memory.is_tally_told:
            first.append(_told(partition, memory.progress))
            memory.is_tally_told = True
        return Outputs([*([first] if first else []), *outputs.phases])

    def is_due(self, partition: int) -> bool:
        """Whether facts have been corrected; looks for corrections every now and then."""
        memory, now = self._memories[partition], self._seconds()
        if now - self._looked_at.get(partition, float("-inf")) >= LOOK_SECONDS:
            self._looked_at[partition] = now
            memory.corrections.catch_up()
        return memory.corrections.has_bad or self.waiting(partition) > 0

    def waiting(self, partition: int) -> int:
        """Articles whose facts wait to be corrected, at most a round of them: more are not counted."""
        return len(self._memories[partition].corrections.due(ROUND_ARTICLES))

    def commit(self, partition: int) -> None:
        """Makes the memory durable."""
        self._memories[partition].commit()

    def process(self, batch: Batch) -> Outputs:
        """Classifies what is new, and says what became of the rest. However the records are cut into batches, the same results.

        Facts are taken back first, while `classifications` still tells of them, and new ones come last: whatever of it is cut
        off by a crash, the replay knows what may stand. The tally goes ahead of the classifications where an article comes
        more than once: a replay would see the last revision already, and could not tell a duplicate from an edit.
        """
        memory = self._memories[batch.partition]
        memory.preload([record.key.decode("utf-8", "replace") for record in batch.records if record.key])
        read = [(record, read_arrival(record)) for record in batch.records]
        work = self._sort_out(batch, memory, read, self._classify_new(read, memory))
        gone: list[Output] = []
        first: list[Output] = []
        last: list[Output] = []
        for article_id, revision in work.articles.items():
            outcome = outcome_of(revision, _pairs(memory, article_id), memory.corrections.of(article_id), self._predictor)
            gone += outcome.gone
            first.append(classification_output(outcome.classification))
            last += outcome.facts
            memory.remember(outcome.classification)
        for article_id in sorted(work.forgotten - work.articles.keys()):
            gone += taken_back(article_id, _pairs(memory, article_id))
            first.append(Output(CLASSIFICATIONS, article_id.encode(), None))
            memory.forget(article_id)
        first += [Output(DEAD_LETTERS, letter.where.encode(), encode(letter)) for letter in work.dead]
        is_plain = work.revisions == len(work.articles) and not work.forgotten
        (first if is_plain else gone).append(self._progress(batch, memory, work))
        self._watch_dead_letters(work)
        return Outputs([*([gone] if gone else []), first, last])

    def _classify_new(self, read: Sequence[_Read], memory: ArticleMemory) -> _Results:
        """Results of all revisions in the batch, save for plain repetitions, by id and digest."""
        wanted: dict[tuple[str, str], Article] = {}
        ids: set[str] = set()
        for record, article in read:
            if isinstance(article, RecordError):
                continue
            if isinstance(article, Forgotten):
                ids.add(article.article_id)
                continue
            if self._is_left_out(article):
                ids.add(article.id)
                continue
            digest = article.digest()
            if article.id in ids or not _repeats(memory.recall(article.id), record.offset, digest):
                wanted.setdefault((article.id, digest), article)
                ids.add(article.id)
        return dict(zip(wanted, self._classify(list(wanted.values())), strict=True))

    def _sort_out(self, batch: Batch, memory: ArticleMemory, read: Sequence[_Read], results: _Results) -> _Work:
        """Goes through the records one by one, as if each were a batch of its own."""
        work = _Work()
        for record, article in read:
            if isinstance(article, RecordError):
                self._bury(work, batch, record, article)
                continue
            if isinstance(article, Forgotten):
                work.outcomes.append((record.offset, "forgotten"))
                _forget(work, memory, article.article_id, record.offset)
                continue
            if self._is_left_out(article):
                work.outcomes.append((record.offset, "skipped"))
                if article.id in work.articles or memory.recall(article.id) is not None:
                    _forget(work, memory, article.id, record.offset)
                continue
            digest, newest = article.digest(), work.articles.get(article.id)
            before = None if article.id in work.forgotten else memory.recall(article.id)
            if newest.article.digest() == digest if newest else _repeats(before, record.offset, digest):
                work.outcomes.append((record.offset, "duplicate"))
                work.revisions += 1
                continue
            result = results[article.id, digest]
            if isinstance(result, RecordError):
                self._bury(work, batch, record, result)
                continue
            work.outcomes.append((record.offset, "classified"))
            work.revisions += 1
            if before is None or before.offset <= record.offset:
                work.articles[article.id] = Revision(record.offset, article, result)
        return work

    def _is_left_out(self, article: Article) -> bool:
        """Whether the article is of a week before those that are classified. Weeks such as 2017-W31 sort by their names."""
        return bool(self._since) and iso_week(parse_utc(article.published)) < self._since

    def _classify(self, articles: Sequence[Article]) -> list[Classified | RecordError]:
        """Results in order; an article that the model can't take is tried alone, and then is bad data."""
        try:
            return list(self._predictor.classify([to_text(article) for article in articles]))
        except Exception:  # noqa: BLE001 - whatever the model raises for an article is that article's fault
            return [self._classify_alone(article) for article in articles]

    def _classify_alone(self, article: Article) -> Classified | RecordError:
        try:
            return self._predictor.classify([to_text(article)])[0]
        except Exception as error:  # noqa: BLE001 - see above
            return RecordError(
                f"the model failed on it: {type(error).__name__}: {error}", reason="classify-failed", expected="a classification",
                todo="report the article",
            )  # fmt: skip

    def _progress(self, batch: Batch, memory: ArticleMemory, work: _Work) -> Output:
        memory.set_progress(memory.progress.counting(work.outcomes, batch.next_offset))
        return _told(batch.partition, memory.progress)

    def _bury(self, work: _Work, batch: Batch, record: InputRecord, error: RecordError) -> None:
        work.outcomes.append((record.offset, "dead-letter"))
        work.dead.append(self._refused(f"{batch.topic}/{batch.partition}", record, error))

    def _refused(self, place: str, record: InputRecord, error: RecordError) -> DeadLetter:
        where = f"{place}/{record.offset}"
        return refused(error, where=where, content=record.value or b"", at=format_utc(self._clock()))

    def _letter(self, place: str, record: InputRecord, error: RecordError) -> Output:
        letter = self._refused(place, record, error)
        return Output(DEAD_LETTERS, letter.where.encode(), encode(letter))

    def _watch_dead_letters(self, work: _Work) -> None:
        if len(work.dead) < len(work.outcomes):
            self._dead_in_a_row = 0
        else:
            self._dead_in_a_row += len(work.dead)
        if self._dead_in_a_row >= self._max_dead:
            raise ModelError(
                f"{self._dead_in_a_row} records in a row could not be used; the last: {work.dead[-1].detail}", where=work.dead[-1].where,
                expected="articles of a version that this worker reads", todo="look at dead-letters, then start a worker that fits",
            )  # fmt: skip


def _told(partition: int, tally: Tally) -> Output:
    record = Progress(
        partition=partition, offset=tally.offset, classified=tally.classified, duplicates=tally.duplicates,
        dead_letters=tally.dead_letters, forgotten=tally.forgotten, skipped=tally.skipped,
    )  # fmt: skip
    return Output(PROGRESS, str(partition).encode(), encode(record))


def _pairs(memory: ArticleMemory, article_id: str) -> tuple[str, ...]:
    """The pairs that have a fact because of an article, by what is remembered."""
    known = memory.recall(article_id)
    return known.pairs if known else ()


def _forget(work: _Work, memory: ArticleMemory, article_id: str, offset: int) -> None:
    """Forgets an article as of an offset; a newer revision that is known already is not touched."""
    before = memory.recall(article_id)
    if before is None or before.offset <= offset:
        work.articles.pop(article_id, None)
        work.forgotten.add(article_id)


def _repeats(before: Known | None, offset: int, digest: str) -> bool:
    """Whether a record brings nothing beyond what is remembered of its article."""
    return before is not None and before.offset < offset and before.digest == digest
