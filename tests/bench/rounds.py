"""Who takes part, and the rounds: one run of each by turns, so that a busy moment of the machine meets all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec import structs

from tests.bench import environments, loads, ours
from tests.bench.children import BenchError, run_child
from tests.bench.field import Field
from tests.bench.job import SIGNALS
from tests.bench.meter import Measure
from tests.bench.results import Results, cpu_us, rate

#: Faust's tutorial gets this share of the articles: it is so slow that it would take up the whole run.
TUTORIAL_SHARE = 8


@dataclass(frozen=True, slots=True)
class Contender:
    """One line of the table.

    Attributes:
        key: name in the results.
        title: name for people.
        run: does one run of so many articles.
        may_fail: whether the table may say that it could not be run here.
    """

    key: str
    title: str
    run: Callable[[Field, int], Measure]
    may_fail: bool = False


def _without_kafka(module: str) -> Callable[[Field, int], Measure]:
    return lambda field, articles: run_child(module, field.task(articles))


def _loop(module: str, *, framework: str = "", share: int = 1) -> Callable[[Field, int], Measure]:
    """A process that reads `articles`, on topics of its own."""

    def run(field: Field, articles: int) -> Measure:
        python = environments.python_of(framework) if framework else None
        count = articles // share
        field.renew(loads.records(articles)[:count])
        measure = run_child(module, field.task(count), python=python)
        return structs.replace(measure, facts=field.records(SIGNALS))

    return run


def _plain_stages(field: Field, articles: int) -> Measure:
    field.renew(())
    task = structs.replace(field.task(articles), batch=field.settings.batch_articles)
    return run_child("plain_stages", task)


def _ours(field: Field, articles: int) -> Measure:
    measure = ours.classify(field, articles)
    return structs.replace(measure, facts=field.records(SIGNALS))


CONTENDERS: tuple[Contender, ...] = (
    Contender("model", "the model alone, no Kafka", _without_kafka("model_alone")),
    Contender("hand-written", "hand-written confluent-kafka loop", _loop("hand_written")),
    Contender("faust-tutorial", "Faust as in its tutorial", _loop("faust_tutorial", share=TUTORIAL_SHARE)),
    Contender("quixstreams", "quixstreams, batching sink", _loop("quix_batches", framework="quixstreams"), may_fail=True),
    Contender("bytewax", "bytewax, batches", _loop("bytewax_batches", framework="bytewax"), may_fail=True),
    Contender("classify", "Bellwether's classify stage, every guarantee on", _ours),
    Contender("classify-1-core", "the same, one worker on one core", lambda f, n: ours.pinned_workers(f, n, cores=[0])),
    Contender("classify-2-cores", "the same, two workers on a core each", lambda f, n: ours.pinned_workers(f, n, cores=[0, 1])),
    Contender("plain-stages", "both stages in a plain loop, no Kafka", _plain_stages),
    Contender("pipeline", "Bellwether whole: classify, trends, board", ours.pipeline),
)


def run_rounds(
    field: Field, results: Results, *, rounds: int, articles: int, only: Iterable[str] = (), say: Callable[[str], None] = print
) -> None:  # fmt: skip
    """Runs every contender once a round and adds the measures to `results`."""
    wanted = set(only)
    chosen = [contender for contender in CONTENDERS if not wanted or contender.key in wanted]
    results.titles = {contender.key: contender.title for contender in chosen}
    for number in range(1, rounds + 1):
        for contender in chosen:
            if contender.key in results.failures:
                continue
            try:
                measure = contender.run(field, articles)
            except BenchError as error:
                if not contender.may_fail:
                    raise
                results.failures[contender.key] = str(error)
                say(f"round {number}: {contender.title}: {error}")
                continue
            results.rounds.setdefault(contender.key, []).append(measure)
            say(f"round {number}: {contender.title}: {rate(measure):,.0f} articles/s, {cpu_us(measure):,.0f} CPU us an article")
