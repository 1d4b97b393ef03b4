"""From the sending of an article to its being counted on the board's /metrics, under a steady load.

Only articles about watched pairs say something: their facts are what the exposure counters on the board add up. They are rare in the
news, so every tenth article is a short one about such a pair. The n-th such fact is taken for seen when the sum reaches n, since
batches keep about the order in which articles were sent.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Sequence, Set
from itertools import accumulate

from msgspec import structs

from streams import topology
from streams.classify.facts import facts_of, to_text
from streams.classify.model import load_predictor
from streams.kafka.clients import bulk_producer
from streams.kafka.sink import partition_of
from streams.records import Article, encode, pair_key
from streams.settings import Settings
from streams.watchlist import load_watchlist
from tests.bench import loads
from tests.bench.field import Field, fetch_metric_by_pair, wait_until
from tests.bench.results import Latency, percentile

ARTICLES_PER_SECOND = 200
#: How often /metrics is asked: the figures are no finer than this.
ASK_SECONDS = 0.05
WARM_UP = 64
ONE_IN = 10


def measure(field: Field, *, seconds: float) -> Latency:
    """Sends for so long, and watches the board."""
    warm_up = loads.records(WARM_UP)
    watched = load_watchlist(field.settings.watchlist).keys
    articles = with_probes(loads.articles(int(seconds * ARTICLES_PER_SECOND)))
    facts = watched_facts(articles, watched, field.settings)
    field.renew(warm_up)
    board = field.start_board()
    field.start_worker()
    wait_until("the first articles", lambda: _accounted(board.address) >= WARM_UP)
    wait_until("their facts", lambda: _is_quiet(field))
    before = _exposure(board.address, watched)
    sent: list[float] = []
    sender = threading.Thread(
        target=_send, args=(field, [(article.id.encode(), encode(article)) for article in articles], sent), daemon=True
    )
    sender.start()
    wanted = sum(facts)
    seen: list[tuple[float, int]] = []
    deadline = time.monotonic() + seconds + 60
    while (not seen or seen[-1][1] < wanted) and time.monotonic() < deadline:
        found = _exposure(board.address, watched) - before
        seen.append((time.perf_counter(), found))
        time.sleep(ASK_SECONDS)
    sender.join()
    field.end_processes()
    delays = delays_of(sent, facts, seen)
    return Latency(
        articles=len(sent), facts=len(delays), articles_per_second=ARTICLES_PER_SECOND, ask_seconds=ASK_SECONDS, missing=wanted - len(delays),
        p50_seconds=percentile(delays, 0.5), p95_seconds=percentile(delays, 0.95), max_seconds=max(delays, default=0.0),
    )  # fmt: skip


def with_probes(articles: Sequence[Article]) -> list[Article]:
    """The articles, one in `ONE_IN` replaced by one about a watched pair."""
    return [_probe(number, article) if number % ONE_IN == 0 else article for number, article in enumerate(articles)]


def _probe(number: int, article: Article) -> Article:
    text = f"Belarus and Russia signed agreement number {number} on joint air defence in Minsk."
    return structs.replace(article, id=f"probe-{number}", title="Belarus and Russia sign an agreement", text=text)


def watched_facts(articles: Sequence[Article], watched: Set[str], settings: Settings) -> list[int]:
    """How many facts of watched pairs each article makes."""
    predictor = load_predictor(settings)
    results = predictor.classify([to_text(article) for article in articles])
    return [
        sum(pair_key(fact.source, fact.partner) in watched for fact in facts_of(article, result, predictor.version))
        for article, result in zip(articles, results, strict=True)
    ]


def delays_of(sent: list[float], facts: list[int], seen: list[tuple[float, int]]) -> list[float]:
    """Seconds from sending to seeing of each fact that was seen.

    Args:
        sent: when each article was sent.
        facts: how many facts of watched pairs each makes.
        seen: (when, how many facts the board showed), in order.
    """
    sent_facts = [moment for moment, count in zip(sent, facts, strict=True) for _ in range(count)]
    shown = list(accumulate((count for _, count in seen), max))
    return [
        seen[place][0] - moment
        for number, moment in enumerate(sent_facts, 1)
        if (place := bisect_left(shown, number)) < len(shown)
    ]  # fmt: skip


def _send(field: Field, load: list[tuple[bytes, bytes]], sent: list[float]) -> None:
    """Sends evenly, and notes when."""
    producer = bulk_producer(field.settings, "bench-latency")
    begin = time.perf_counter()
    for number, (key, value) in enumerate(load):
        if (wait := begin + number / ARTICLES_PER_SECOND - time.perf_counter()) > 0:
            time.sleep(wait)
        sent.append(time.perf_counter())
        producer.produce(topology.ARTICLES.name, value, key, partition=partition_of(key, field.settings.partitions))
        producer.poll(0)
    producer.flush(30)


def _accounted(address: str) -> float:
    return sum(fetch_metric_by_pair(address, "bellwether_articles_total").values())


def _exposure(address: str, watched: Set[str]) -> int:
    found = fetch_metric_by_pair(address, "bellwether_exposure_articles_total", 'domain="all"')
    return int(sum(value for pair, value in found.items() if pair in watched))


def _is_quiet(field: Field) -> bool:
    """Whether the worker has counted every fact, and the board had a moment to read it."""
    quiet = field.counted() >= field.to_count()
    time.sleep(0.5)
    return quiet
