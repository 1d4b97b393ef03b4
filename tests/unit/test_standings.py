"""Claims about what is made of the records of `breaks`: metrics, what is reported of many, the API, the listing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from models.labels import DOMAINS, LABELS
from streams import metrics
from streams.board.exporter import BoardCollector
from streams.board.listing import Listed, ListedStanding, standings_table, with_standings
from streams.board.model import BoardModel
from streams.board.standings import Standings
from streams.board.status import ReplayStatus
from streams.board.web import build_app
from streams.errors import RecordError
from streams.records import BreakEvidence, EarlyWord, TrendStanding
from streams.trends.status import STATUSES
from tests.helpers.board_data import WATCHED, feed, ready, trend, watchlist
from tests.helpers.standings import a_break, a_standing, standing_record

LINK = BreakEvidence(
    week="2017-W32",
    side="after",
    article_id="a",
    title="Exercise",
    url="https://news.invalid/a",
    outlet="Wire One",
    probability=0.9,
)


def model_with(*standings: TrendStanding) -> BoardModel:
    model = BoardModel(watchlist())
    for one in standings:
        model.apply_standing(*standing_record(one))
    return model


def samples_of(model: BoardModel, status: ReplayStatus | None = None) -> dict[tuple[str, ...], float]:
    """(name, label values in order of the labels' names) -> value."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BoardCollector(model, lambda: status or ready()))
    found = (sample for family in registry.collect() for sample in family.samples)
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in found}


def test_every_watched_pair_has_its_status_breaks_and_early_word_at_zero_before_any_record() -> None:
    samples = samples_of(BoardModel(watchlist()))
    for source, partner in WATCHED:
        for label in LABELS:
            for status in STATUSES:
                assert samples["bellwether_trend_status", partner, label, source, status] == 0
            assert samples["bellwether_trend_early_word_ratio", partner, label, source] == 0
            for domain in ("all", *DOMAINS):
                for name in ("break_active", "break_reported", "breaks_total"):
                    assert samples[f"bellwether_trend_{name}", domain, partner, label, source] == 0
        assert samples["bellwether_pair_judged_week_timestamp_seconds", partner, source] == 0


def test_the_status_names_of_the_metrics_are_those_of_the_rules() -> None:
    assert metrics.STATUS_NAMES == STATUSES


def test_a_broken_series_is_there_with_its_size_and_the_number_of_its_breaks() -> None:
    early = EarlyWord(week="2017-W35", probability=0.71, direction="up")
    broken = a_standing(status="broken", breaks=[a_break(start="2015-W02", alarm="2015-W05"), a_break()], early=early)
    samples = samples_of(model_with(broken))
    series = ("all", "RUS", "cooperation", "BLR")
    assert samples["bellwether_trend_status", "RUS", "cooperation", "BLR", "broken"] == 1
    assert samples["bellwether_trend_status", "RUS", "cooperation", "BLR", "stable"] == 0
    assert samples["bellwether_trend_persistence_ratio", "RUS", "cooperation", "BLR", "4"] == 0.93
    assert samples["bellwether_trend_break_active", *series] == samples["bellwether_trend_break_reported", *series] == 1
    assert samples["bellwether_trend_breaks_total", *series] == 2
    assert samples["bellwether_trend_break_size_ratio", *series] == 3.0
    assert samples["bellwether_trend_break_start_timestamp_seconds", *series] == 1501459200
    assert samples["bellwether_trend_early_word_ratio", "RUS", "cooperation", "BLR"] == 0.71
    assert samples["bellwether_pair_judged_week_timestamp_seconds", "RUS", "BLR"] == 1503273600


def test_a_break_that_has_settled_is_counted_and_no_longer_active() -> None:
    samples = samples_of(model_with(a_standing(breaks=[a_break()])))
    series = ("all", "RUS", "cooperation", "BLR")
    assert samples["bellwether_trend_breaks_total", *series] == 1
    assert samples["bellwether_trend_break_active", *series] == 0
    assert ("bellwether_trend_break_size_ratio", *series) not in samples


def test_while_the_history_is_read_no_break_is_counted_so_that_a_restart_is_no_reset() -> None:
    model = model_with(a_standing(status="broken", breaks=[a_break()]))
    samples = samples_of(model, ReplayStatus(alive=True, caught_up=False))
    assert not any(name.startswith("bellwether_trend_") for name, *_ in samples)


def test_of_many_doubtful_breaks_none_is_reported_and_a_sure_one_is() -> None:
    doubtful = [
        a_standing(f"{source}-{partner}", status="broken", breaks=[a_break(probability_now=0.4)])
        for source, partner in WATCHED[1:9]
    ]
    model = model_with(a_standing(status="broken", breaks=[a_break(probability_now=0.97)]), *doubtful)
    assert model.reported() == {("BLR-RUS", ("cooperation", "all"))}
    active = [one for one in samples_of(model).items() if one[0][0] == "bellwether_trend_break_active" and one[1]]
    assert len(active) == 9


def test_a_pair_that_is_not_shown_takes_nothing_away_from_those_that_are() -> None:
    model = model_with(a_standing("XXX-YYY", status="broken", breaks=[a_break(probability_now=0.99)]))
    assert model.reported() == set()


def test_a_record_that_goes_takes_the_standing_with_it_and_one_that_repeats_changes_nothing() -> None:
    model = model_with(a_standing())
    before = model.revision
    model.apply_standing(*standing_record(a_standing()))
    assert model.revision == before
    model.apply_standing(standing_record(a_standing())[0], None)
    assert model.standings("BLR-RUS") == {}
    model.apply_standing(*standing_record(a_standing()))
    model.clear()
    assert model.standings("BLR-RUS") == {}


@pytest.mark.parametrize("key", [b"", b"BLR-RUS|cooperation", b"BLR-RUS|hedging|all", None])
def test_what_is_no_standing_is_refused_and_nothing_is_changed(key: bytes | None) -> None:
    held = Standings()
    with pytest.raises(RecordError):
        held.apply(key, standing_record(a_standing())[1])
    assert held.of("BLR-RUS") == {}


# -- the API ---------------------------------------------------------------------------------------------------------------


def answers(model: BoardModel, *addresses: str) -> list[tuple[int, str, Any]]:
    """(status, where it leads, what it says) of each address."""

    async def ask() -> list[tuple[int, str, Any]]:
        app = build_app(model, ready, CollectorRegistry(auto_describe=False))
        async with TestClient(TestServer(app)) as client:
            found = []
            for address in addresses:
                answer = await client.get(address, allow_redirects=False)
                body = await answer.json() if "json" in answer.content_type else await answer.text()
                found.append((answer.status, answer.headers.get("Location", ""), body))
            return found

    return asyncio.run(ask())


def test_the_api_lists_standings_with_their_breaks_and_filters_them() -> None:
    model = model_with(
        a_standing(status="broken", breaks=[a_break(evidence=[LINK])]),
        a_standing(signal="hedging"),
        a_standing(domain="security"),
    )
    every, broken, one, wrong = answers(
        model, "/api/v1/breaks", "/api/v1/breaks?reported=1", "/api/v1/breaks?pair=BLR-RUS&signal=hedging&domain=all", "/api/v1/breaks?status=odd"
    )  # fmt: skip
    assert len(every[2]["standings"]) == 3
    (found,) = broken[2]["standings"]
    assert (found["pair"], found["signal"], found["status"], found["reported"]) == ("BLR-RUS", "cooperation", "broken", True)
    assert found["breaks"][0]["evidence"][0]["url"] == "https://news.invalid/a"
    assert [row["signal"] for row in one[2]["standings"]] == ["hedging"]
    assert wrong[0] == 400


def test_the_pairs_and_the_pair_say_how_they_stand() -> None:
    model = model_with(a_standing(status="broken", breaks=[a_break(evidence=[LINK])]))
    feed(model, trend("BLR-RUS", "2017-W34", {"cooperation": 3}, about=8))
    pairs, pair = answers(model, "/api/v1/pairs", "/api/v1/pairs/BLR-RUS")
    summary = next(row for row in pairs[2]["pairs"] if row["pair"] == "BLR-RUS")["signals"]
    assert summary["cooperation"]["standing"]["status"] == "broken"
    assert summary["cooperation"]["standing"]["persistence_4"] == 0.93
    assert summary["hedging"]["standing"] is None
    assert pair[2]["standings"][0]["breaks"][0]["size"] == 3.0


def test_an_address_of_evidence_leads_to_the_article_and_never_anywhere_else() -> None:
    odd = BreakEvidence(
        week="2017-W32", side="after", article_id="b", title="", url="javascript:alert(1)", outlet="", probability=0.8
    )
    model = model_with(a_standing(status="broken", breaks=[a_break(evidence=[LINK, odd])]), a_standing(signal="hedging"))
    to_article, to_week, beyond, no_break, no_pair = answers(
        model, *(f"/evidence/BLR-RUS/cooperation/all/{number}" for number in (1, 2, 3)), "/evidence/BLR-RUS/hedging/all/1",
        "/evidence/XXX-YYY/hedging/all/1",
    )  # fmt: skip
    assert to_article[:2] == (302, "https://news.invalid/a")
    assert to_week[:2] == (302, "/pairs/BLR-RUS?until=2017-W32#evidence")
    assert beyond[:2] == (302, "/pairs/BLR-RUS?until=2017-W33#evidence")
    assert (no_break[0], no_pair[0]) == (404, 404)


# -- the listing -----------------------------------------------------------------------------------------------------------


def test_the_newest_week_of_a_pair_is_listed_with_how_its_signals_stand() -> None:
    rows = [Listed(trend("BLR-RUS", week, {"cooperation": 1}, about=2)) for week in ("2017-W33", "2017-W34")]
    held = {
        "BLR-RUS": {
            ("cooperation", domain): ListedStanding(a_standing(domain=domain), reported=False) for domain in ("all", "security")
        }
    }
    older, newer = (json.loads(row.to_json()) for row in with_standings(rows, held))
    assert "standings" not in older
    assert newer["standings"]["cooperation"]["domain"] == "all"
    assert newer["standings"]["cooperation"]["persistence_8"] == 0.9


def test_a_person_reads_status_persistence_interval_and_the_last_break() -> None:
    early = EarlyWord(week="2017-W35", probability=0.71, direction="up")
    table = standings_table([a_standing(breaks=[a_break()], early=early), a_standing(signal="hedging")])
    lines = table.splitlines()
    assert lines[0].startswith("pair")
    assert "stable" in lines[1]
    assert "93%" in lines[1]
    assert "20.0% (15.0% to 26.0%)" in lines[1]
    assert "2017-W31, up x3.00 (2.20 to 4.10), said after 2017-W33; 2017-W35 is out of the ordinary (up, 71%)" in lines[1]
    assert lines[2].endswith("none")


def test_the_overview_says_how_each_signal_stands_and_only_when_its_newest_weeks_are_looked_at() -> None:
    model = model_with(a_standing(status="broken", breaks=[a_break()]))
    feed(model, trend("BLR-RUS", "2017-W34", {"cooperation": 3}, about=8))
    now, then = (page for _, _, page in answers(model, "/", "/?until=2017-W33"))
    row = now[now.index('id="pair-BLR-RUS"') :].split("</td>")[0]
    assert "<b>broken</b>, 93% to last</span>" in row
    assert ">broke up, 2017-W31</span>" in row
    assert "broke up" not in then
