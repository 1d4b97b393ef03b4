"""CLASSIFY: articles in; facts per pair of states out.

What comes in: records of `articles`. What goes out: first `classifications` (which facts stand because of the article),
`progress` (what became of every article) and `dead-letters`; then, once those are safe, `signals`, where a fact of an earlier
revision that no longer holds is taken back by a tombstone. What it does not do: count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from models.predict import Predictor
from models.results import Classified
from streams.classify.facts import facts_of, to_text
from streams.classify.memory import ArticleMemory, Known, Tally
from streams.clock import Clock, format_utc, parse_utc, utc_now
from streams.errors import ModelError, RecordError
from streams.records import (
    Article,
    Classification,
    DeadLetter,
    Progress,
    decode,
    encode,
    fact_key,
    home_key,
    pair_key,
    refused,
    split_pair,
)  # fmt: skip
from streams.stage import Batch, InputRecord, Output, Outputs

CLASSIFICATIONS, PROGRESS, DEAD_LETTERS, SIGNALS = "classifications", "progress", "dead-letters", "signals"


@dataclass(frozen=True, slots=True)
class _Found:
    """What became of one article in a batch: its newest revision that could be classified."""

    offset: int
    article: Article
    result: Classified


@dataclass(slots=True)
class _Work:
    """What one batch has come to so far."""

    articles: dict[str, _Found] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)
    revisions: int = 0


_Read = tuple[InputRecord, Article | RecordError]
_Results = dict[tuple[str, str], Classified | RecordError]


class ClassifyStage:
    """The stage over its memory of articles. See `streams.stage.Stage` for the contract.

    Args:
        predictor: the loaded model.
        open_memory: makes the memory of a partition, brought up to date with `classifications`.
        max_dead_in_a_row: so many dead letters without one good article end the process: a bad deploy must not empty a topic.
    """

    name = "classify"

    def __init__(
        self, predictor: Predictor, open_memory: Callable[[int], ArticleMemory], *, max_dead_in_a_row: int = 1_000, clock: Clock = utc_now
    ) -> None:  # fmt: skip
        self._predictor = predictor
        self._open_memory = open_memory
        self._max_dead = max_dead_in_a_row
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
        """The tally, where an older one stands last on its topic: see `ArticleMemory.is_tally_told`."""
        memory = self._memories[partition]
        return Outputs() if memory.is_tally_told else Outputs([[_told(partition, memory.progress)]])

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
        read = [(record, _read(record)) for record in batch.records]
        work = self._sort_out(batch, memory, read, self._classify_new(read, memory))
        taken_back: list[Output] = []
        first: list[Output] = []
        last: list[Output] = []
        for found in work.articles.values():
            classification, facts, gone = self._facts(found, memory.recall(found.article.id))
            taken_back += gone
            first.append(Output(CLASSIFICATIONS, found.article.id.encode(), encode(classification)))
            last += facts
            memory.remember(classification)
        first += [Output(DEAD_LETTERS, letter.where.encode(), encode(letter)) for letter in work.dead]
        (first if work.revisions == len(work.articles) else taken_back).append(self._progress(batch, memory, work))
        self._watch_dead_letters(work)
        return Outputs([*([taken_back] if taken_back else []), first, last])

    def _classify_new(self, read: Sequence[_Read], memory: ArticleMemory) -> _Results:
        """Results of all revisions in the batch, save for plain repetitions, by id and digest."""
        wanted: dict[tuple[str, str], Article] = {}
        ids: set[str] = set()
        for record, article in read:
            if isinstance(article, RecordError):
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
                self._bury(work, batch, record.offset, article, record.value or b"")
                continue
            digest, newest, before = article.digest(), work.articles.get(article.id), memory.recall(article.id)
            if newest.article.digest() == digest if newest else _repeats(before, record.offset, digest):
                work.outcomes.append((record.offset, "duplicate"))
                work.revisions += 1
                continue
            result = results[article.id, digest]
            if isinstance(result, RecordError):
                self._bury(work, batch, record.offset, result, record.value or b"")
                continue
            work.outcomes.append((record.offset, "classified"))
            work.revisions += 1
            if before is None or before.offset <= record.offset:
                work.articles[article.id] = _Found(record.offset, article, result)
        return work

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

    def _facts(self, found: _Found, before: Known | None) -> tuple[Classification, list[Output], list[Output]]:
        """The classification, the facts that it gives, and the tombstones of those that no longer hold."""
        article, result = found.article, found.result
        facts = facts_of(article, result, self._predictor.version)
        pairs = sorted({pair_key(fact.source, fact.partner) for fact in facts})
        outputs = [
            Output(
                SIGNALS,
                fact_key(pair_key(fact.source, fact.partner), article.id),
                encode(fact),
                home_key(fact.source, fact.partner),
            )
            for fact in facts
        ]
        gone = [
            Output(SIGNALS, fact_key(pair, article.id), None, home_key(*split_pair(pair)))
            for pair in sorted(set(before.pairs if before else ()) - set(pairs))
        ]
        classification = Classification(
            article_id=article.id, digest=article.digest(), offset=found.offset, pairs=pairs, language=result.language,
            labels={label: round(p, 4) for label, p in result.labels.items()}, decided=list(result.decided),
            domains={domain: round(p, 4) for domain, p in result.domains.items()}, model=self._predictor.version,
        )  # fmt: skip
        return classification, outputs, gone

    def _progress(self, batch: Batch, memory: ArticleMemory, work: _Work) -> Output:
        memory.set_progress(memory.progress.counting(work.outcomes, batch.next_offset))
        return _told(batch.partition, memory.progress)

    def _bury(self, work: _Work, batch: Batch, offset: int, error: RecordError, content: bytes) -> None:
        work.outcomes.append((offset, "dead-letter"))
        where = f"{batch.topic}/{batch.partition}/{offset}"
        work.dead.append(refused(error, where=where, content=content, at=format_utc(self._clock())))

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
        dead_letters=tally.dead_letters,
    )  # fmt: skip
    return Output(PROGRESS, str(partition).encode(), encode(record))


def _read(record: InputRecord) -> Article | RecordError:
    """The article of a record, or why it is none. Everything that makes a record bad by itself is found here."""
    try:
        article = decode(Article, record.value or b"")
        parse_utc(article.published)
    except RecordError as error:
        return error
    except (ValueError, OverflowError) as error:
        return RecordError(f"its publication date can't be used: {error}", reason="not-an-article", expected="ISO 8601, in UTC")
    if not article.id or record.key != article.id.encode():
        # Revisions of an article under two keys would be classified in two partitions, in no order.
        return RecordError("its key is not its id", reason="not-an-article", expected="the article's id as the key, not empty")
    return article


def _repeats(before: Known | None, offset: int, digest: str) -> bool:
    """Whether a record brings nothing beyond what is remembered of its article."""
    return before is not None and before.offset < offset and before.digest == digest
