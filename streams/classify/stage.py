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
from streams.classify.memory import ArticleMemory, Known
from streams.clock import Clock, format_utc, utc_now
from streams.errors import ModelError, RecordError
from streams.records import (
    DEAD_LETTER_CONTENT_CHARS,
    Article,
    Classification,
    DeadLetter,
    DeadLetterReason,
    Progress,
    decode,
    encode,
    fact_key,
    pair_key,
)  # fmt: skip
from streams.stage import Batch, Output, Outputs

CLASSIFICATIONS, PROGRESS, DEAD_LETTERS, SIGNALS = "classifications", "progress", "dead-letters", "signals"


@dataclass(slots=True)
class _Work:
    """What one batch has come to so far."""

    articles: dict[str, tuple[int, Article]] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    outcomes: list[tuple[int, str]] = field(default_factory=list)


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
        """Nothing: an article is classified when it comes."""
        return Outputs()

    def commit(self, partition: int) -> None:
        """Makes the memory durable."""
        self._memories[partition].commit()

    def process(self, batch: Batch) -> Outputs:
        """Classifies what is new, and says what became of the rest."""
        memory = self._memories[batch.partition]
        work = self._sort_out(batch, memory)
        ids = list(work.articles)
        results = self._classify([work.articles[article_id][1] for article_id in ids])
        first: list[Output] = []
        second: list[Output] = []
        for article_id, result in zip(ids, results, strict=True):
            offset, article = work.articles[article_id]
            if isinstance(result, RecordError):
                self._bury(work, batch, offset, result, encode(article))
                continue
            before = memory.recall(article_id)
            classification, signals = self._facts(article, offset, result, before)
            first.append(Output(CLASSIFICATIONS, article_id.encode(), encode(classification)))
            second += signals
            memory.remember(classification)
        first += [Output(DEAD_LETTERS, letter.where.encode(), encode(letter)) for letter in work.dead]
        first.append(self._progress(batch, memory, work))
        self._watch_dead_letters(work)
        return Outputs([first, second])

    def _sort_out(self, batch: Batch, memory: ArticleMemory) -> _Work:
        """Finds, of each article in the batch, the newest revision that must be classified."""
        work = _Work()
        memory.preload([record.key.decode("utf-8", "replace") for record in batch.records if record.key])
        for record in batch.records:
            try:
                article = decode(Article, record.value or b"")
            except RecordError as error:
                self._bury(work, batch, record.offset, error, record.value or b"")
                continue
            known = work.articles.get(article.id)
            before = memory.recall(article.id)
            if (known is not None and known[1].digest() == article.digest()) or (
                known is None and before is not None and before.offset < record.offset and before.digest == article.digest()
            ):
                work.outcomes.append((record.offset, "duplicate"))
            else:
                work.outcomes.append((record.offset, "classified"))
                if before is None or before.offset <= record.offset:
                    work.articles[article.id] = (record.offset, article)
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

    def _facts(
        self, article: Article, offset: int, result: Classified, before: Known | None
    ) -> tuple[Classification, list[Output]]:
        facts = facts_of(article, result, self._predictor.version)
        pairs = sorted({pair_key(fact.source, fact.partner) for fact in facts})
        outputs = [
            Output(
                SIGNALS, fact_key(pair_key(fact.source, fact.partner), article.id), encode(fact), _home(fact.source, fact.partner)
            )
            for fact in facts
        ]
        for pair in sorted(set(before.pairs if before else ()) - set(pairs)):
            outputs.append(Output(SIGNALS, fact_key(pair, article.id), None, _home(*pair.split("-", 1))))
        classification = Classification(
            article_id=article.id, digest=article.digest(), offset=offset, pairs=pairs, language=result.language,
            labels={label: round(p, 4) for label, p in result.labels.items()}, decided=list(result.decided),
            domains={domain: round(p, 4) for domain, p in result.domains.items()}, model=self._predictor.version,
        )  # fmt: skip
        return classification, outputs

    def _progress(self, batch: Batch, memory: ArticleMemory, work: _Work) -> Output:
        progress = memory.progress.counting(work.outcomes, batch.next_offset)
        memory.set_progress(progress)
        record = Progress(
            partition=batch.partition, offset=progress.offset, classified=progress.classified, duplicates=progress.duplicates,
            dead_letters=progress.dead_letters,
        )  # fmt: skip
        return Output(PROGRESS, str(batch.partition).encode(), encode(record))

    def _bury(self, work: _Work, batch: Batch, offset: int, error: RecordError, content: bytes) -> None:
        reason: DeadLetterReason = error.reason  # type: ignore[assignment]
        work.outcomes = [(o, outcome) for o, outcome in work.outcomes if o != offset] + [(offset, "dead-letter")]
        work.dead.append(
            DeadLetter(
                reason=reason, where=f"{batch.topic}/{batch.partition}/{offset}", detail=error.what,
                content=content.decode("utf-8", "replace")[:DEAD_LETTER_CONTENT_CHARS], at=format_utc(self._clock()),
            )
        )  # fmt: skip

    def _watch_dead_letters(self, work: _Work) -> None:
        if work.articles or not work.dead:
            self._dead_in_a_row = 0
        else:
            self._dead_in_a_row += len(work.dead)
        if self._dead_in_a_row >= self._max_dead:
            raise ModelError(
                f"{self._dead_in_a_row} records in a row could not be used; the last: {work.dead[-1].detail}", where=work.dead[-1].where,
                expected="articles of a version that this worker reads", todo="look at dead-letters, then start a worker that fits",
            )  # fmt: skip


def _home(source: str, partner: str) -> bytes:
    """Both directions of a pair live in one partition, and so do all copies of a story about it."""
    return "-".join(sorted((source, partner))).encode()
