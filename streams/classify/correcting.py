"""Facts that people have corrected since they were made: read again, one round at a time.

What comes in: the articles whose facts do not reflect the corrections that stand (`streams.corrections.kept`). What goes out, in this
order: the classification marked as being in work, with every pair that may have a fact; the facts, and tombstones of those that no
longer hold; the classification as it is. Whatever of it is cut off by a crash, the article stays due until the last of it stands, and
whoever comes next knows which facts may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from models.results import Classified
from streams.classify.facts import to_text
from streams.classify.memory import ArticleMemory, Known
from streams.classify.revision import Outcome, Revision, classification_output, outcome_of
from streams.corrections.kept import IN_WORK
from streams.log import get_logger
from streams.records import Article
from streams.stage import Output, Outputs

if TYPE_CHECKING:
    from models.predict import Predictor

log = get_logger("classify")
#: Articles of one round: a batch that has come waits for no more.
ROUND_ARTICLES = 32

#: (partition, article -> its digest and offset) -> the articles of `articles` that could be found with that digest.
ReadArticles = Callable[[int, Mapping[str, Known]], Mapping[str, Article]]


def correct_facts(partition: int, memory: ArticleMemory, predictor: Predictor, read_articles: ReadArticles) -> Outputs:
    """One round; what is remembered of the articles is pending until the commit."""
    due = memory.corrections.due(ROUND_ARTICLES)
    memory.preload(due)
    known = {article_id: found for article_id in due if (found := memory.recall(article_id)) is not None}
    articles = read_articles(partition, known) if known else {}
    results = _classify(predictor, [articles[article_id] for article_id in known if article_id in articles])
    marked: list[Output] = []
    changed: list[Output] = []
    settled: list[Output] = []
    for article_id, before in known.items():
        if article_id not in results:
            continue
        revision = Revision(before.offset, articles[article_id], results[article_id])
        outcome = outcome_of(revision, before.pairs, memory.corrections.of(article_id), predictor)
        marked.append(_in_work(outcome, before))
        changed += [*outcome.gone, *outcome.facts]
        settled.append(classification_output(outcome.classification))
        memory.remember(outcome.classification)
    _leave_out(memory, [article_id for article_id in due if article_id not in results])
    return Outputs([phase for phase in (marked, changed, settled) if phase])


def _in_work(outcome: Outcome, before: Known) -> Output:
    pairs = sorted({*before.pairs, *outcome.classification.pairs})
    return classification_output(msgspec.structs.replace(outcome.classification, pairs=pairs, correction=IN_WORK))


def _classify(predictor: Predictor, articles: Sequence[Article]) -> dict[str, Classified]:
    found: dict[str, Classified] = {}
    for article in articles:
        try:
            [found[article.id]] = predictor.classify([to_text(article)])
        except Exception as error:  # noqa: BLE001 - whatever the model raises for an article is that article's fault
            log.warning("corrected_article_failed", article=article.id, reason=f"{type(error).__name__}: {error}")
    return found


def _leave_out(memory: ArticleMemory, articles: Sequence[str]) -> None:
    """Their facts stay as they are: they can't be made again without the text."""
    if articles:
        memory.corrections.set_out_of_reach(articles)
        log.warning("corrections_wait", articles=len(articles), first=articles[0], reason="their text can't be read again")
