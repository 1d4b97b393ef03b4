"""Results as the tables of docs/benchmarks.md. Pure, but for `write`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from tests.bench.meter import Measure
from tests.bench.results import Results, cpu_ratio, cpu_us, rate, speed_ratio

BEGIN, END = "<!-- generated: benchmarks -->", "<!-- end of generated: benchmarks -->"
HAND_WRITTEN, MODEL = "hand-written", "model"
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """What was aimed at: what, at least or at most how much, and what came out (None: not measured)."""

    what: str
    bound: float
    measured: float | None
    by_cpu: float | None = None
    at_most: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the measured value is on the right side of the bound."""
        if self.measured is None:
            return False
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound


def goals(results: Results) -> list[Goal]:
    """Every goal of the project that a benchmark can hold it to."""
    pipeline = [rate(measure) for measure in results.rounds.get("pipeline", [])]
    return [
        _ratio_goal(results, "classify stage / hand-written loop", 0.90, "classify", HAND_WRITTEN),
        _ratio_goal(results, "classify stage / model alone", 0.75, "classify", MODEL),
        _ratio_goal(results, "whole pipeline / plain loop over its stages", 0.75, "pipeline", "plain-stages"),
        Goal("whole pipeline", 1_500, median(pipeline) if pipeline else None, unit="articles/s"),
        Goal("two workers / one, a core each", 1.6, speed_ratio(results, "classify-2-cores", "classify-1-core")),
        Goal("sent to seen on the board, p95", 2.0, results.latency.p95_seconds if results.latency else None, at_most=True, unit="s"),
        _restart_goal("a spare stands by", results.restart_seconds),
        _restart_goal("nothing stands by", results.cold_restart_seconds),
    ]  # fmt: skip


def _ratio_goal(results: Results, what: str, bound: float, one: str, other: str) -> Goal:
    return Goal(what, bound, speed_ratio(results, one, other), cpu_ratio(results, one, other))


def _restart_goal(how: str, seconds: Sequence[float]) -> Goal:
    return Goal(f"SIGKILL to the first new signal, {how}, slowest", 4.0, max(seconds, default=None), at_most=True, unit="s")


def markdown(results: Results) -> str:
    """The generated part of docs/benchmarks.md."""
    parts = [_head(results), _contenders(results), _goals(results), _times(results), _footprint(results)]
    return "\n\n".join(part for part in parts if part)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(results: Results) -> str:
    facts = "; ".join(f"{name}: {value}" for name, value in results.machine.items())
    rounds = max((len(measures) for measures in results.rounds.values()), default=0)
    warning = "**A quick run: these figures mean nothing.** " if results.is_quick else ""
    return f"{warning}{rounds} rounds by turns; news: {results.news}. {facts}."


def _contenders(results: Results) -> str:
    head = [
        "who", "articles in a run", "articles/s, best", "median", "CPU us an article, least", "median", "of the hand-written loop",
        "of the model alone", "peak memory", "facts",
    ]  # fmt: skip
    rows = []
    for key, title in results.titles.items():
        if key in results.failures:
            rows.append([title, f"not run here: {results.failures[key]}", *[""] * (len(head) - 2)])
        elif measures := results.rounds.get(key):
            ratios = [_ratio(speed_ratio(results, key, other)) for other in (HAND_WRITTEN, MODEL)]
            rows.append([title, *_measured(measures), *ratios, _memory(measures), _facts(measures)])
    return _table(head, rows) if rows else ""


def _measured(measures: Sequence[Measure]) -> list[str]:
    rates, costs = [rate(measure) for measure in measures], [cpu_us(measure) for measure in measures]
    return [
        f"{measures[0].articles:,}", f"{max(rates):,.0f}", f"{median(rates):,.0f}", f"{min(costs):,.0f}", f"{median(costs):,.0f}",
    ]  # fmt: skip


def _memory(measures: Sequence[Measure]) -> str:
    split = measures[-1].processes_rss_bytes
    if len(split) < 2:
        return _megabytes(max(measure.peak_rss_bytes for measure in measures))
    return ", ".join(f"{name} {_megabytes(size)}" for name, size in split.items())


def _facts(measures: Sequence[Measure]) -> str:
    found = sorted({measure.facts for measure in measures if measure.facts >= 0})
    return " / ".join(f"{count:,}" for count in found)


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _megabytes(size: float) -> str:
    return f"{size / _MILLION:,.0f} MB"


def _goals(results: Results) -> str:
    rows = []
    for goal in goals(results):
        if goal.measured is not None:
            digits = 0 if goal.bound >= 100 else 2
            bound = f"{'<=' if goal.at_most else '>='} {goal.bound:,.{digits}f} {goal.unit}".rstrip()
            measured = f"{goal.measured:,.{digits}f} {goal.unit}".rstrip()
            rows.append([goal.what, bound, measured, _ratio(goal.by_cpu), "yes" if goal.is_met else "**no**"])
    return _table(["goal", "bound", "measured", "by CPU time", "met"], rows) if rows else ""


def _times(results: Results) -> str:
    rows = []
    if (found := results.latency) is not None:
        rows.append([
            f"sent to counted on the board's /metrics, {found.articles_per_second} articles/s, {found.facts:,} facts of watched pairs followed",
            f"p50 {found.p50_seconds:.2f} s, p95 {found.p95_seconds:.2f} s, longest {found.max_seconds:.2f} s; {found.missing} never came",
        ])  # fmt: skip
    for times, how in ((results.restart_seconds, "a spare stands by"), (results.cold_restart_seconds, "nothing stands by")):
        if times:
            shown = ", ".join(f"{seconds:.1f}" for seconds in sorted(times))
            rows.append([f"SIGKILL of the worker to the first new signal, {how}, {len(times)} times", f"{shown} s"])
    if (lost := results.recovery) is not None:
        each = lost.rebuilding_seconds / lost.facts * 100_000
        rows.append([
            f"a lost disk of {lost.facts:,} facts: start, joining, rebuilding",
            f"{lost.start_seconds:.1f} + {lost.joining_seconds:.1f} + {lost.rebuilding_seconds:.1f} s: {each:.1f} s per 100,000 facts",
        ])  # fmt: skip
    return _table(["time", "measured"], rows) if rows else ""


def _footprint(results: Results) -> str:
    found = results.footprint
    if found is None:
        return ""
    scale = _MILLION / found.articles
    rows = [[f"topic `{name}`", _megabytes(size * scale)] for name, size in found.topic_bytes.items()]
    rows += [[f"local state of {name}", _megabytes(size * scale)] for name, size in found.state_bytes.items()]
    rows.append(["all", _megabytes((sum(found.topic_bytes.values()) + sum(found.state_bytes.values())) * scale)])
    rows += [[f"peak memory of {name}", _megabytes(size)] for name, size in found.peak_rss_bytes.items()]
    note = f"From {found.articles:,} articles with {found.facts:,} facts, before any compaction."
    return _table(["per million articles, on disk", ""], rows) + f"\n\n{note}"


def write(results: Results, folder: Path) -> None:
    """Writes `benchmarks.json`, and the table into `benchmarks.md` where that has the markers; makes it where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(results))
    (folder / "benchmarks.json").write_bytes(encoded + b"\n")
    page = folder / "benchmarks.md"
    text = page.read_text(encoding="utf-8") if page.exists() else f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    page.write_text(replaced(text, markdown(results)), encoding="utf-8")


def read(folder: Path) -> Results | None:
    """The results of an earlier run, or None."""
    page = folder / "benchmarks.json"
    return msgspec.json.decode(page.read_bytes(), type=Results) if page.exists() else None


def replaced(text: str, content: str) -> str:
    """`text` with what stands between the markers replaced.

    Raises:
        ValueError: if the markers are not there.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks {BEGIN} or {END}")
    return f"{head}{BEGIN}\n{content}\n{END}{tail}"
