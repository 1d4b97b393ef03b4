"""A week of 1,000 feeds on a simulated clock, with outages, moods and restarts: never gives up, never herds, never asks when told not to."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from random import Random

import pytest

from streams.ingest.schedule import MAX_BACKOFF_SECONDS
from streams.settings import load_settings
from tests.helpers.simulated_feeds import Outcome, Site, broken, busy, down, inside_spans, simulate

HOUR, DAY = 3_600.0, 86_400.0
WEEK = 7 * DAY
FEEDS = 1_000
OUTAGE = (2 * DAY, 2 * DAY + 6 * HOUR)
#: When the busy hosts want to be left alone: for an hour every quarter of a day.
BUSY = [(start, start + HOUR) for start in (quarter * DAY / 4 for quarter in range(1, 28))]


def make_sites() -> dict[str, Site]:
    """40 feeds with an item an hour, the others with fewer; every tenth host has ten feeds; some hosts are in a mood."""
    random, sites = Random(11), dict[str, Site]()
    for number in range(FEEDS):
        host = f"many-{number % 40}" if number % 5 == 0 else f"host-{number}"
        url = f"https://{host}.invalid/{number}"
        period = HOUR if number % 25 == 0 else random.uniform(8 * HOUR, 4 * DAY)
        mood = down(OUTAGE)
        if number % 50 == 1:
            mood = broken(500, url)
        elif number % 50 == 2:
            mood = broken(410, url)
        elif host.startswith("many-") and number % 40 < 20:
            mood = busy(url, BUSY, status=429 if number % 3 else 503)
        sites[url] = Site(period, random.uniform(0.1, 3.0), random.uniform(0, period), mood)
    return sites


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return simulate(
        make_sites(), seconds=WEEK, settings=load_settings(), folder=tmp_path_factory.mktemp("week"), restart_every=1.5 * DAY
    )


def test_no_second_has_more_than_two_percent_of_the_feeds_whatever_happened(week: Outcome) -> None:
    assert max(week.starts.values()) <= FEEDS * 0.02
    assert max(week.dues.values()) <= FEEDS * 0.02


def test_no_request_falls_inside_a_retry_after(week: Outcome) -> None:
    hosts = {request.host for request in week.web.requests if request.host.startswith("many-")}
    told = [host for host in sorted(hosts) if int(host.removeprefix("many-").partition(".")[0]) % 40 < 20]
    assert len(told) >= 4
    inside = [len(request_times) for host in told for request_times in inside_spans(week.web.requests, host, BUSY)]
    assert max(inside) == 1, "a host that had told to wait was asked again"
    assert sum(inside) > 50, "hardly a host had to tell: it proves nothing"


def test_no_feed_is_ever_given_up(week: Outcome) -> None:
    asked = defaultdict(list)
    for request in week.web.requests:
        asked[request.url].append(request.at)
    for url, record in week.records.items():
        assert record.next_due is not None
        last = asked[url][-1]
        longest = 8 * DAY if record.gone_since is not None else 1.2 * MAX_BACKOFF_SECONDS + 2 * HOUR
        assert last + longest > WEEK, f"{url} was last asked on day {last / DAY:.1f}: {record}"
    assert len(asked) == FEEDS


def test_a_feed_that_always_fails_is_asked_less_and_less_often_and_one_that_is_gone_once(week: Outcome) -> None:
    by_url: dict[str, list[float]] = defaultdict(list)
    for request in week.web.requests:
        by_url[request.url].append(request.at)
    failing = [times for url, times in by_url.items() if int(url.rpartition("/")[2]) % 50 == 1]
    gone = [times for url, times in by_url.items() if int(url.rpartition("/")[2]) % 50 == 2]
    assert all(8 <= len(times) <= 16 for times in failing)
    assert all(len(times) <= 2 for times in gone)


def test_one_request_at_a_time_goes_to_a_host_and_the_next_a_second_later(week: Outcome) -> None:
    by_host = defaultdict(list)
    for request in week.web.requests:
        by_host[request.host].append(request)
    # A new process does not know when the one before it ended its last request; the others are apart.
    starts = {int(request.at) for request in week.web.requests}
    assert starts
    for requests in by_host.values():
        ordered = sorted(requests, key=lambda request: request.at)
        for one, two in pairwise(ordered):
            assert two.at >= one.until + 0.999 or int(two.at // (1.5 * DAY)) > int(one.at // (1.5 * DAY))


def test_every_item_of_a_feed_that_can_be_read_arrives_once_and_none_is_missed(week: Outcome) -> None:
    """An hourly feed whose document holds five items, over an outage of six hours: those that were rolled out of it are lost to anybody."""
    assert len(week.articles) == len(set(week.articles))
    sites = make_sites()
    wanted = 0
    for number, (url, site) in enumerate(sites.items()):
        if number % 50 in (1, 2):
            continue
        record = week.records[url]
        assert record.counts.read == sum(
            (record.counts.new, record.counts.revisions, record.counts.duplicates, record.counts.rejected)
        )
        due = [moment for n in range(-4, 400) if 0 <= (moment := site.phase + n * site.period) <= WEEK - DAY]
        wanted += len(due) if site.period > 2 * HOUR else 0
    assert wanted > 1_000
    assert week.report.new >= wanted
