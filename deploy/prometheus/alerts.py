"""The alert rules as data, and `rules.yml` made of them.

What comes in: the thresholds. What goes out: `deploy/prometheus/rules.yml`, by `python -m deploy.prometheus.alerts`; a test says
that the file is what stands here. The expressions keep to what Prometheus 2.42 and 3 share.

No rule takes `rate()` of a trend's counter: an edit may lower it, which Prometheus would read as a reset. How a trend stands is
computed by Bellwether, not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from deploy.prometheus.thresholds import THRESHOLDS, Thresholds

JOB = "bellwether"
RULES = Path(__file__).parent / "rules.yml"
RUNBOOK = "docs/runbook.md"
HEADER = "# Written by `python -m deploy.prometheus.alerts` from alerts.py and thresholds.py; change those.\n"
WEEK_SECONDS = 7 * 24 * 3600
#: Articles that the alert of a break links to; the board answers with the article, or with its week.
EVIDENCE_LINKS = 3

Severity = Literal["critical", "warning", "info", "none"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule.

    Attributes:
        name: without the common prefix.
        expr: when it fires; each sample of the result is one alert.
        lasts: how long the expression has to hold, in Prometheus's notation; empty: at once.
        severity: `critical`: counts or pages stand still, wake somebody; `warning`: look today; `info`: worth knowing.
        summary: what is wrong, in one line.
        description: what it means and where to look first.
        keeps: how long it goes on firing after the expression has ended, in the same notation; empty: not at all.
        extra: further annotations, for whoever receives the alert.
    """

    name: str
    expr: str
    lasts: str
    severity: Severity
    summary: str
    description: str
    keeps: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The name in Prometheus."""
        return f"Bellwether{self.name}"

    @property
    def runbook_url(self) -> str:
        """The section of the runbook that says what to do."""
        return f"{RUNBOOK}#{self.full_name.lower()}"

    def rule(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        hold = {**({"for": self.lasts} if self.lasts else {}), **({"keep_firing_for": self.keeps} if self.keeps else {})}
        return {
            "alert": self.full_name,
            "expr": re.sub(r" (and|or|unless) ", r"\n\1 ", self.expr),
            **hold,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                **self.extra,
                "runbook_url": self.runbook_url,
            },
        }


def select(metric: str, **labels: str) -> str:
    """A selector for a metric of Bellwether's own job."""
    matchers = ", ".join(f'{name}="{value}"' for name, value in {"job": JOB, **labels}.items())
    return f"{metric}{{{matchers}}}"


def _down(component: str) -> str:
    selector = select("up", component=component)
    return f"{selector} == 0 or absent({selector})"


def _availability(t: Thresholds) -> list[Alert]:
    return [
        Alert(
            "BoardDown", _down("board"), t.down_for, "critical", "The board does not answer",
            "Prometheus could not scrape the board, or does not know of one. Pages, trends and their metrics are missing; "
            "nothing is lost, since the board holds no state of its own.",
        ),
        Alert(
            "BoardNotReady", f"{select('bellwether_board_ready')} == 0", t.not_ready_for, "warning",
            "The board shows incomplete counts", "It has not finished reading `trends` and `progress`; `/readyz` says how far it is, and why.",
        ),
        Alert(
            "BrokerUnreachable", f"{select('bellwether_board_broker_reachable')} == 0", t.down_for, "critical",
            "Kafka does not answer the board", "Most likely it answers nobody. Articles wait with the producers until it is back.",
        ),
        Alert(
            "WorkerDown", _down("worker"), t.down_for, "critical", "A worker does not answer",
            "Prometheus could not scrape the worker, or does not know of one. Without any worker articles wait in Kafka; a worker "
            "whose broker, topics or model are missing ends itself, and the last line of its log says which.",
        ),
    ]  # fmt: skip


def _board(t: Thresholds) -> list[Alert]:
    return [
        Alert(
            "BoardErrors", f"sum by (route) (increase({select('bellwether_board_errors_total')}[{t.board_window}])) > {t.board_errors}", "",
            "warning", "The board fails on {{ $labels.route }}",
            "{{ $value | humanize }} requests ended in a fault of the board within " + t.board_window + ". Its log has each with its path.",
        ),
        Alert(
            "BoardUnreadableRecords", f"{select('bellwether_board_unreadable_records_total')} > 0", "", "warning",
            "The board could not read {{ $value }} records of {{ $labels.topic }}",
            "What they said is missing on every page. A newer worker beside an older board is the usual cause.",
        ),
    ]  # fmt: skip


def _flow(t: Thresholds) -> list[Alert]:
    lag, records = select("bellwether_lag_records"), select("bellwether_records_total")
    pace = f"sum by (stage) (rate({records}[{t.progress_window}]))"
    return [
        Alert(
            "NoProgress", f"{lag} > 0 and increase({records}[{t.progress_window}]) == 0", t.no_progress_for, "critical",
            "Stage {{ $labels.stage }} of {{ $labels.instance }} stands still",
            "{{ $value | humanize }} records wait, and not one batch was acknowledged in the last " + t.progress_window + ".",
        ),
        Alert(
            "LagGrowing", f"sum by (stage) ({lag}) > {t.lag_growing_records} and sum by (stage) (deriv({lag}[{t.lag_window}])) > 0",
            t.lag_growing_for, "warning", "Stage {{ $labels.stage }} falls behind",
            "{{ $value | humanize }} records wait, and over the last " + t.lag_window + " more came than were read.",
        ),
        Alert(
            "LagHigh", f"sum by (stage) ({lag}) / {pace} > {t.lag_high_seconds}", t.lag_high_for, "warning",
            "Stage {{ $labels.stage }} is {{ $value | humanizeDuration }} behind",
            "At the pace of the last " + t.progress_window + " the backlog takes {{ $value | humanizeDuration }} to work off.",
        ),
    ]  # fmt: skip


def _dead_letters(t: Thresholds) -> list[Alert]:
    window = t.dead_letter_window
    dead = f"sum(increase({select('bellwether_dead_letters_total')}[{window}]))"
    read = f"sum(increase({select('bellwether_records_total', stage='classify')}[{window}]))"
    rejected = f"sum by (producer) (increase({select('bellwether_ingest_dead_letters_total')}[{window}]))"
    sent = f"sum by (producer) (increase({select('bellwether_ingested_articles_total')}[{window}]))"
    return [
        Alert(
            "DeadLetterSurge", f"{dead} / {read} > {t.dead_letter_ratio} and {dead} >= {t.dead_letter_least}", "", "warning",
            "{{ $value | humanizePercentage }} of the articles end as dead letters",
            "Articles that reached Kafka could not be used. The dashboard has them by reason, the topic `dead-letters` one by one.",
        ),
        Alert(
            "IngestDeadLetterSurge",
            f"{rejected} / ({rejected} + {sent}) > {t.dead_letter_ratio} and {rejected} >= {t.dead_letter_least}", "", "warning",
            "{{ $value | humanizePercentage }} of what {{ $labels.producer }} reads is no article",
            "The producer refused inputs. The topic `dead-letters` has each with its file, line and reason.",
        ),
    ]  # fmt: skip


def _consumption(t: Thresholds) -> list[Alert]:
    gaps, rebalances = select("bellwether_gaps_total"), select("bellwether_rebalances_total")
    steps = select("bellwether_batch_step_seconds_bucket", step="process")
    ages = select("bellwether_record_age_seconds_bucket")
    return [
        Alert(
            "GapStorm", f"increase({gaps}[{t.gap_window}]) > {t.gaps}", "", "warning",
            "Stage {{ $labels.stage }} of {{ $labels.instance }} keeps seeking back",
            "Offsets were skipped {{ $value | humanize }} times in " + t.gap_window + ". Each gap was read again, so no count is wrong, "
            "but something keeps causing them.",
        ),
        Alert(
            "RebalanceStorm", f"increase({rebalances}[{t.rebalance_window}]) > {t.rebalances}", "", "warning",
            "{{ $labels.instance }} keeps losing and getting partitions",
            "{{ $value | humanize }} assignments in " + t.rebalance_window + ": workers come and go, or batches outlast the session.",
        ),
        Alert(
            "BatchesSlow",
            f"histogram_quantile(0.95, sum by (le, stage) (rate({steps}[{t.latency_window}]))) > {t.batch_seconds}",
            t.batch_for, "warning", "Stage {{ $labels.stage }} takes {{ printf \"%.1f\" $value }} s for a batch",
            "One batch in twenty takes longer than that to process.",
        ),
        Alert(
            "RecordsLate",
            f"histogram_quantile(0.95, sum by (le, stage) (rate({ages}[{t.latency_window}]))) > {t.age_seconds}",
            t.age_for, "warning", "Stage {{ $labels.stage }} works {{ printf \"%.0f\" $value }} s behind the news",
            "One batch in twenty is acknowledged that long after its first record was written. After a long stop, and while an "
            "archive is read in, this is expected.",
        ),
    ]  # fmt: skip


def _ingest(t: Thresholds) -> list[Alert]:
    window = t.fetch_window
    failed = f"sum(increase({select('bellwether_feed_fetches_total', outcome='failed')}[{window}]))"
    fetches = f"sum(increase({select('bellwether_feed_fetches_total')}[{window}]))"
    fed = select("bellwether_ingested_articles_total", producer="feeds")
    return [
        Alert(
            "DeliveryErrors", f"increase({select('bellwether_delivery_errors_total')}[{t.delivery_window}]) > {t.delivery_errors}", "",
            "warning", "Articles of {{ $labels.producer }} reach Kafka only at a second attempt",
            "{{ $value | humanize }} deliveries failed at first in " + t.delivery_window + ". Each is tried again until the broker has it.",
        ),
        Alert(
            "FeedFetchesFail", f"{failed} / {fetches} > {t.fetch_failed_ratio} and {fetches} >= {t.fetches_least}", t.fetch_for, "warning",
            "{{ $value | humanizePercentage }} of the feed fetches fail", "More than one site is concerned: look at the network first.",
        ),
        Alert(
            "FeedSilent", f"{select('bellwether_feed_silent_at_timestamp_seconds')} < time()", t.feed_silent_for, "warning",
            "{{ $labels.feed }} has been silent for longer than its past explains",
            "By its own rhythm, with its nights and its days off, something should have come by {{ $value | humanizeTimestamp }}. "
            "`bellwether feeds list` says whether it fails or whether it answers and holds nothing new.",
        ),
        Alert(
            "NothingIngested", f"sum(increase({fed}[{t.ingest_window}])) == 0", t.ingest_silent_for, "warning",
            "No article came from the feeds for " + t.ingest_silent_for,
            "The producer runs, but nothing new arrives. Trends take their share of what is read, so silence is no break; it is blindness.",
        ),
    ]  # fmt: skip


#: What picks the series of the alert's own pair, signal and domain inside a template.
_SERIES = "{job='" + JOB + "', source='%s', partner='%s', domain='%s', signal='%s'}"
_OF_SERIES = "$labels.source $labels.partner $labels.domain $labels.signal"
_PAIR = "{{ $labels.source }}-{{ $labels.partner }}"
_BOARD = "{{ $externalLabels.board_url }}"


def _looked_up(metric: str, shown: str) -> str:
    """A number of another metric about the same series, in a template."""
    return f'{{{{ with printf "{metric}{_SERIES}" {_OF_SERIES} | query }}}}{{{{ . | first | value | {shown} }}}}{{{{ end }}}}'


def _about_trend(domain: str) -> dict[str, str]:
    """Which series it is, and where the board shows it."""
    return {
        "pair": _PAIR, "signal": "{{ $labels.signal }}", "domain": domain, "board_url": f"{_BOARD}/pairs/{_PAIR}?domain={domain}",
        "details_url": f"{_BOARD}/api/v1/breaks?pair={_PAIR}&signal={{{{ $labels.signal }}}}&domain={domain}",
    }  # fmt: skip


def _broken_annotations() -> dict[str, str]:
    size = "bellwether_trend_break_size"
    evidence = f"{_BOARD}/evidence/{_PAIR}/{{{{ $labels.signal }}}}/{{{{ $labels.domain }}}}"
    return {
        **_about_trend("{{ $labels.domain }}"),
        "size": _looked_up(f"{size}_ratio", 'printf "%.2f"'),
        "size_low": _looked_up(f"{size}_low_ratio", 'printf "%.2f"'),
        "size_high": _looked_up(f"{size}_high_ratio", 'printf "%.2f"'),
        "probability": _looked_up("bellwether_trend_break_probability_ratio", 'printf "%.2f"'),
        "since": _looked_up("bellwether_trend_break_start_timestamp_seconds", "humanizeTimestamp"),
        **{f"evidence_{number}": f"{evidence}/{number}" for number in range(1, EVIDENCE_LINKS + 1)},
    }  # fmt: skip


def _breaks(t: Thresholds) -> list[Alert]:
    reported = select("bellwether_trend_break_reported")
    weakening = select("bellwether_trend_status", status="weakening")
    return [
        Alert(
            "TrendBroken", f"{reported} == 1", "", "warning", f"{_PAIR}: {{{{ $labels.signal }}}} has broken with its trend",
            "The share of stories with {{ $labels.signal }} (domain {{ $labels.domain }}) is "
            + _looked_up("bellwether_trend_break_size_ratio", 'printf "%.2f"')
            + " times what it was before. Look at the evidence, and at whether the outlets or the classifier changed.",
            keeps=t.break_keeps, extra=_broken_annotations(),
        ),
        Alert(
            "TrendWeakening", f"{weakening} == 1", t.weakening_for, "info", f"{_PAIR}: {{{{ $labels.signal }}}} is weakening",
            "Its share of the recent half year is below that of the half year before, by more than chance explains. It is no break.",
            keeps=t.break_keeps, extra=_about_trend("all"),
        ),
    ]  # fmt: skip


def _trends(t: Thresholds) -> list[Alert]:
    newest = select("bellwether_pair_newest_week_timestamp_seconds")
    silence = f"scalar(max({newest})) - ({newest} > 0)"
    return [
        Alert(
            "PairSilent", f"({silence}) / {WEEK_SECONDS} > {t.pair_silent_weeks}", t.pair_silent_for, "info",
            "No news about {{ $labels.source }}-{{ $labels.partner }} for {{ $value }} weeks",
            "Other pairs had news since then. Measured in event time, so that an archive of past years does not set it off.",
        ),
        Alert(
            "Watchdog", "vector(1)", "", "none", "Alerts get through",
            "Always fires. Its absence where alerts arrive means that Prometheus or Alertmanager is the thing that is broken.",
        ),
    ]  # fmt: skip


def alert_groups(thresholds: Thresholds = THRESHOLDS) -> dict[str, list[Alert]]:
    """Group -> its rules, in the order of the file."""
    return {
        "bellwether-availability": _availability(thresholds),
        "bellwether-board": _board(thresholds),
        "bellwether-flow": _flow(thresholds),
        "bellwether-dead-letters": _dead_letters(thresholds),
        "bellwether-consumption": _consumption(thresholds),
        "bellwether-ingest": _ingest(thresholds),
        "bellwether-trends": _trends(thresholds),
        "bellwether-breaks": _breaks(thresholds),
    }


def all_alerts() -> list[Alert]:
    """Every rule."""
    return [alert for alerts in alert_groups().values() for alert in alerts]


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as such."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)
)


def render_rules(thresholds: Thresholds = THRESHOLDS) -> str:
    """The text of `rules.yml`; the same on every machine."""
    groups = [{"name": name, "rules": [alert.rule() for alert in alerts]} for name, alerts in alert_groups(thresholds).items()]
    return HEADER + yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=400)


def write_rules() -> None:
    """Writes `rules.yml`."""
    RULES.write_text(render_rules(), encoding="utf-8")


if __name__ == "__main__":
    write_rules()
