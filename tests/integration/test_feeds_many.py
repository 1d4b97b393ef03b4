"""Many feeds of real items at once, on a server of their own: read whole, then all unchanged; the full size is `python -m tests.bench.feeds`."""

from __future__ import annotations

import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from streams.ingest.feeds import load_feeds
from streams.ingest.poll import PollOptions, run_feeds
from streams.settings import load_settings
from tests.bench.feeds import feed_bench_server, write_list
from tests.helpers.ingesting import FakeProducer, fake_publisher
from tests.helpers.shared import shared_file

FEEDS, ITEMS = 100, 50


def test_a_hundred_feeds_of_fifty_real_items_are_read_whole_and_then_asked_in_a_moment(tmp_path: Path) -> None:
    shared_file("data/rss_2021.jsonl.gz")
    settings = load_settings(data_dir=tmp_path / "data", kafka_servers="127.0.0.1:1")
    with feed_bench_server(FEEDS, ITEMS) as port:
        write_list(tmp_path / "feeds.toml", port, FEEDS)
        feeds = load_feeds(tmp_path / "feeds.toml")
        producer, registry = FakeProducer(), CollectorRegistry()
        began = time.monotonic()
        report = run_feeds(
            settings, feeds, fake_publisher(producer, name="feeds"), once=True, options=PollOptions(registry=registry)
        )
        whole = time.monotonic() - began
        began = time.monotonic()
        again = run_feeds(settings, feeds, fake_publisher(FakeProducer(), name="feeds"), once=True)
        unchanged = time.monotonic() - began
    assert (report.fresh, report.failed, report.new) == (FEEDS, 0, FEEDS * ITEMS)
    assert len({article.id for article in producer.articles}) == FEEDS * ITEMS
    assert (again.not_modified, again.failed) == (FEEDS, 0)
    assert registry.get_sample_value("bellwether_feeds", {"state": "good"}) == FEEDS
    # A tenth of the feeds of the full size, with as much time as all of them have: this machine is shared.
    assert whole < 60
    assert unchanged < 5
