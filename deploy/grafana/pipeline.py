"""Does the stream flow, how late is it, what does it refuse, and what does it leave for later?"""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from deploy.grafana.deliveries import delivery_panels
from deploy.grafana.panels import PanelBuilder, curves, density, figures, lamps
from deploy.grafana.queries import Query, highest, increase, quantile, rate, select, total
from deploy.grafana.spec import Spec
from deploy.grafana.variables import Annotation, Variable, some_of
from deploy.prometheus.objectives import FRESHNESS
from deploy.prometheus.thresholds import THRESHOLDS
from streams import metrics

STAGE = 'stage=~"$stage"'
_TO_BOARD = "bellwether_article_to_board_seconds"


def _freshness_panels() -> list[PanelBuilder]:
    late = FRESHNESS.windows
    return [
        density(
            "From article to board", "How long after its article was written a count changed on the board; each orange point is one article, "
            "and leads to it.", units.Seconds, Query(rate(f"{_TO_BOARD}_bucket", "le"), "{{le}}"),
        ),
        curves(
            "From article to board, quantiles", "Half, nineteen of twenty, and 99 of 100 counts follow their article within these times.",
            units.Seconds, *(Query(quantile(q, _TO_BOARD, ""), f"p{q * 100:.0f}") for q in (0.5, 0.95, 0.99)),
            width=12, limit=metrics.FRESH_SECONDS, exemplars=True,
        ),
        curves(
            "Error budget burnt", f"How many times faster than {FRESHNESS.days} days would allow the budget of {FRESHNESS.budget:.0%} late "
            "counts is used up, over windows of these lengths. 1 uses it up exactly.", units.Short,
            *(Query(f"{highest(FRESHNESS.recorded(window), '')} / {FRESHNESS.budget:g}", window) for window in late), width=12,
        ),
        figures(
            "Counts in time", f"Share of the counts of the last hour that were on the board within {metrics.FRESH_SECONDS} s.", units.PercentUnit,
            Query(f"1 - {highest(FRESHNESS.recorded('1h'), '')}", "last hour"), width=6, height=8,
        ),
        curves(
            "Age when acknowledged, p95", "From a record's writing to the acknowledgement of its batch; grows while an archive is read in.",
            units.Seconds, Query(quantile(0.95, "bellwether_record_age_seconds", "stage", STAGE), "{{stage}}"),
            width=6, limit=THRESHOLDS.age_seconds, exemplars=True,
        ),
    ]  # fmt: skip


def _flow_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Articles by outcome", "Articles read from Kafka a second, by what became of them; duplicates are the same article again.",
            units.CountsPerSecond, Query(rate(metrics.ARTICLES.name + "_total", "outcome"), "{{outcome}}"),
        ),
        curves(
            "Records of each stage", "Records a second that a stage acknowledged (in) and wrote (out).", units.CountsPerSecond,
            Query(rate("bellwether_records_total", "stage", STAGE), "{{stage}} in"),
            Query(rate("bellwether_outputs_total", "stage", STAGE), "{{stage}} out"),
        ),
        curves(
            "Records in a batch", "Mean size of the batches that were acknowledged.", units.Short,
            Query(f"{rate('bellwether_records_total', 'stage', STAGE)} / {rate('bellwether_batches_total', 'stage', STAGE)}", "{{stage}}"),
        ),
        curves(
            "Lag in records", "Records written to a stage's input but not acknowledged. The line is where an alert looks at its growth.",
            units.Short, Query(total("bellwether_lag_records", "stage", STAGE), "{{stage}}"), limit=THRESHOLDS.lag_growing_records,
        ),
        curves(
            "Lag in seconds", "Age of the oldest record that a stage has read but not acknowledged.", units.Seconds,
            Query(highest("bellwether_lag_seconds", "stage", STAGE), "{{stage}}"),
        ),
        curves(
            "Time of a batch, p95", "Nineteen of twenty batches take less in each step: processing, writing, committing.", units.Seconds,
            Query(quantile(0.95, "bellwether_batch_step_seconds", "stage, step", STAGE), "{{stage}} {{step}}"), limit=THRESHOLDS.batch_seconds,
        ),
    ]  # fmt: skip


def _trouble_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Dead letters by reason", "Records that could not be used, within the panel's interval.", units.Short,
            Query(increase("bellwether_dead_letters_total", "reason"), "{{reason}}"),
        ),
        curves(
            "Rebalances", "Assignments of partitions to workers, within the panel's interval.", units.Short,
            Query(increase("bellwether_rebalances_total", "instance"), "{{instance}}"),
        ),
        curves(
            "Gaps", "Offsets that were skipped, noticed and read again, within the panel's interval.", units.Short,
            Query(increase("bellwether_gaps_total", "stage", STAGE), "{{stage}}"),
        ),
        curves(
            "Postponed work",
            "Corrected articles that wait for their facts (classify), facts of old weeks that wait to be sealed (trends), pairs that wait to "
            "be judged again (breaks). At most a round of each is counted for a partition.",
            units.Short, Query(total("bellwether_postponed_items", "stage"), "{{stage}}"), width=12,
        ),
        curves(
            "Sealed facts", "Facts of old weeks reduced to what counting needs, a second: what was written to `sealed`, with a marker for each transaction.",
            units.CountsPerSecond, Query(rate(metrics.KAFKA_OFFSETS.name + "_total", "", 'topic="sealed"'), "sealed"), width=12,
        ),
    ]  # fmt: skip


def _board_panels() -> list[PanelBuilder]:
    return [
        curves(
            "Answers of the board, p95", "Nineteen of twenty requests are answered sooner, by route.", units.Seconds,
            Query(quantile(0.95, "bellwether_board_request_seconds", "route", 'route!="events"'), "{{route}}"),
        ),
        curves(
            "Faults of the board", "Requests that ended in an error of the board, and records of its topics that it could not read.",
            units.Short, Query(increase("bellwether_board_errors_total", "route"), "{{route}}"),
            Query(increase(metrics.BOARD_UNREADABLE.name + "_total", "topic"), "unreadable {{topic}}"),
        ),
        curves(
            "Records replayed", "Records a second that the board took in, by topic.", units.CountsPerSecond,
            Query(rate(metrics.BOARD_RECORDS.name + "_total", "topic"), "{{topic}}"),
        ),
        curves(
            "Readers", "Open streams of events: pages that follow along.", units.Short, Query(total("bellwether_board_streams", ""), "streams"),
        ),
        curves(
            "Memory", "Resident memory of each process, and the board's evidence within it.", units.BytesIEC,
            Query(highest("process_resident_memory_bytes", "instance"), "{{instance}}"),
            Query(highest(metrics.BOARD_EVIDENCE_BYTES.name, ""), "evidence"),
        ),
        curves(
            "Processor", "Processor time of each process; 1 is one core.", units.Short, Query(rate("process_cpu_seconds_total", "instance"), "{{instance}}"),
        ),
        lamps(
            "Complete", "Whether the board has read all that stood on its topics at its start.",
            Query(f"min({select(metrics.BOARD_READY.name)})", "complete"), width=24, height=3,
        ),
    ]  # fmt: skip


def _variables() -> list[Variable]:
    return [some_of("stage", "Stage", 'bellwether_lag_records{job=~"$job", instance=~"$instance"}')]


STARTS_MARKED = Annotation(
    "Starts",
    f"max by (component, instance) (time() - {select('process_start_time_seconds')}) < 120",
    title="{{component}} {{instance}} started",
    text="a process of Bellwether was started",
    colour="blue",
)
PIPELINE = Spec(
    "bellwether-pipeline", "Bellwether: pipeline", "Does the stream flow, how late is it, what does it refuse, what does it leave for later?",
    (("Freshness", _freshness_panels), ("Flow", _flow_panels), ("Trouble", _trouble_panels), ("Board", _board_panels), ("Bulletins", delivery_panels)),
    variables=_variables, annotations=(STARTS_MARKED,),
)  # fmt: skip
