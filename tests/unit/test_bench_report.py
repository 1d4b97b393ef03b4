"""The benchmark's arithmetic and its tables, and a quick run of the contenders that need no broker."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from streams.classify.facts import to_text
from streams.records import Article, decode
from streams.settings import Settings
from tests.bench import latency, loads, report
from tests.bench.children import BenchError, run_child
from tests.bench.meter import Measure, Meter, Task
from tests.bench.results import Footprint, Latency, Recovery, Results, cpu_ratio, cpu_us, percentile, rate, speed_ratio


def measure(articles_per_second: float, *, cpu_us_an_article: float = 100, **changes: object) -> Measure:
    """1,000 articles at such a rate."""
    fields: dict[str, object] = {
        "articles": 1_000,
        "wall_seconds": 1_000 / articles_per_second,
        "cpu_seconds": cpu_us_an_article / 1_000,
        "peak_rss_bytes": 100_000_000,
    }
    return Measure(**{**fields, **changes})  # type: ignore[arg-type]


def results(**changes: object) -> Results:
    """Two rounds of the hand-written loop and of the classify stage."""
    fields: dict[str, object] = {
        "machine": {"cores": "2", "Python": "3.11.7"},
        "is_quick": False,
        "news": "real",
        "titles": {"hand-written": "hand-written loop", "classify": "classify stage", "bytewax": "bytewax, batches"},
        "rounds": {
            "hand-written": [measure(1_000, facts=77), measure(500, facts=77)],
            "classify": [measure(900, facts=77), measure(400, facts=77)],
        },
        "failures": {"bytewax": "can't be installed"},
    }
    return Results(**{**fields, **changes})  # type: ignore[arg-type]


def task(folder: Path, *, articles: int, batch: int) -> Task:
    return Task(servers="", articles=articles, group="quick", batch=batch, partitions=4, folder=str(folder), encoder=False)


def test_the_first_batch_is_not_measured_because_the_start_up_is_in_it() -> None:
    meter = Meter(30)
    for _ in range(3):
        meter.acknowledged(10)
    assert meter.is_done
    assert meter.measure().articles == 20


def test_a_run_in_one_batch_or_with_articles_missing_measures_nothing() -> None:
    for batches in ([30], [10, 10]):
        meter = Meter(30)
        for articles in batches:
            meter.acknowledged(articles)
        with pytest.raises(ValueError, match="of 30 articles"):
            meter.measure()


def test_rates_are_per_second_of_wall_time_and_costs_in_microseconds_of_cpu() -> None:
    assert rate(measure(250)) == pytest.approx(250)
    assert cpu_us(measure(250, cpu_us_an_article=180)) == pytest.approx(180)


def test_a_ratio_is_taken_within_each_round_before_the_median() -> None:
    # Over all rounds the medians' ratio would be (650 / 750); round by round it is the median of .9 and .8.
    assert speed_ratio(results(), "classify", "hand-written") == pytest.approx(0.85)


def test_the_ratio_by_cpu_time_is_higher_for_the_cheaper_one() -> None:
    rounds = {"a": [measure(100, cpu_us_an_article=50)], "b": [measure(100, cpu_us_an_article=200)]}
    assert cpu_ratio(results(rounds=rounds), "a", "b") == pytest.approx(4.0)


def test_there_is_no_ratio_without_both() -> None:
    assert speed_ratio(results(), "classify", "model") is None


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), share) == expected


def test_the_percentile_of_nothing_is_nothing() -> None:
    assert percentile([], 0.95) == 0.0


def test_the_table_shows_the_best_and_the_median_of_each_and_who_could_not_run() -> None:
    lines = report.markdown(results()).splitlines()
    loop = next(line for line in lines if line.startswith("| hand-written loop"))
    assert [cell.strip() for cell in loop.split("|")[2:8]] == ["1,000", "1,000", "750", "100", "100", "1.00"]
    assert (
        next(line for line in lines if line.startswith("| bytewax")).split("|")[2].strip() == "not run here: can't be installed"
    )
    assert all(
        line.count("|") == loop.count("|") for line in lines if line.startswith(("| who", "| classify stage |", "| bytewax"))
    )


def test_a_contender_that_does_another_job_is_seen_by_its_facts() -> None:
    rounds = {"hand-written": [measure(1_000, facts=77), measure(1_000, facts=70)]}
    line = next(line for line in report.markdown(results(rounds=rounds)).splitlines() if line.startswith("| hand-written loop"))
    assert line.endswith("| 70 / 77 |")


def test_a_goal_that_was_missed_is_said_to_be() -> None:
    found = {goal.what: goal for goal in report.goals(results(restart_seconds=[3.0, 4.1]))}
    assert not found["classify stage / hand-written loop"].is_met
    assert not found["SIGKILL to the first new signal, a spare stands by, slowest"].is_met
    assert not found["whole pipeline"].is_met, "what was not measured is not met"
    assert "| classify stage / hand-written loop | >= 0.90 | 0.85 | 1.00 | **no** |" in report.markdown(results())


def test_a_goal_at_its_bound_is_met() -> None:
    rounds = {"hand-written": [measure(1_000)], "classify": [measure(900)]}
    assert report.goals(results(rounds=rounds))[0].is_met
    assert report.goals(results(cold_restart_seconds=[4.0]))[-1].is_met


def test_times_and_room_are_scaled_to_what_the_table_says() -> None:
    text = report.markdown(
        results(
            recovery=Recovery(facts=50_000, start_seconds=2, joining_seconds=3, rebuilding_seconds=4),
            footprint=Footprint(
                articles=10_000,
                facts=5,
                topic_bytes={"articles": 2_000_000},
                state_bytes={"trends": 1_000_000},
                peak_rss_bytes={"worker": 300_000_000},
            ),
            latency=Latency(
                articles=10, facts=5, articles_per_second=200, ask_seconds=0.05, missing=0, p50_seconds=0.2, p95_seconds=0.4, max_seconds=0.5
            ),
        )
    )  # fmt: skip
    assert "8.0 s per 100,000 facts" in text
    assert "| topic `articles` | 200 MB |" in text
    assert "| all | 300 MB |" in text
    assert "p95 0.40 s" in text


def test_a_quick_run_warns_of_its_figures() -> None:
    assert "mean nothing" in report.markdown(results(is_quick=True))
    assert "mean nothing" not in report.markdown(results())


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"# Head\n\n{report.BEGIN}\nold\n{report.END}\n\n## Tail\n", encoding="utf-8")
    report.write(results(), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Head\n")
    assert text.endswith("\n## Tail\n")
    assert "old" not in text
    assert report.markdown(results()) in text


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "benchmarks.md").write_text("# Mine\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lacks"):
        report.write(results(), tmp_path)
    assert (tmp_path / "benchmarks.md").read_text(encoding="utf-8") == "# Mine\n"


def test_the_results_read_back_as_they_were_written(tmp_path: Path) -> None:
    report.write(results(), tmp_path)
    assert msgspec.json.decode((tmp_path / "benchmarks.json").read_bytes(), type=Results) == results()


def test_a_fact_is_seen_when_the_sum_on_the_board_reaches_its_number() -> None:
    sent, facts = [0.0, 1.0, 2.0], [1, 0, 2]
    seen = [(0.5, 0), (1.5, 1), (2.5, 2), (4.0, 3)]
    assert latency.delays_of(sent, facts, seen) == [1.5, 0.5, 2.0]


def test_a_fact_that_never_shows_has_no_delay() -> None:
    assert latency.delays_of([0.0, 1.0], [1, 1], [(3.0, 1)]) == [3.0]


def test_every_tenth_article_of_the_latency_load_makes_a_fact_of_a_watched_pair() -> None:
    articles = latency.with_probes(loads.articles(40))
    facts = latency.watched_facts(articles, {"BLR-RUS"}, Settings(encoder=False))
    assert [facts[number] for number in range(0, 40, latency.ONE_IN)] == [1, 1, 1, 1]
    assert len({article.id for article in articles}) == 40


def test_every_article_of_the_load_has_an_id_of_its_own_and_is_what_the_topic_would_hold() -> None:
    records = loads.records(400)
    assert len({key for key, _ in records}) == 400
    assert all(decode(Article, value).id.encode() == key for key, value in records[:5])
    assert to_text(loads.articles(400)[0]).published is not None


def test_the_model_alone_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    found = run_child("model_alone", task(tmp_path, articles=60, batch=20))
    assert found.articles == 40
    assert found.cpu_seconds > 0
    assert found.peak_rss_bytes > 10_000_000


def test_the_plain_loop_over_the_stages_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert run_child("plain_stages", task(tmp_path, articles=200, batch=20)).articles > 100


def test_a_contender_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="one batch"):
        run_child("model_alone", task(tmp_path, articles=20, batch=20))
