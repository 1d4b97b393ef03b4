"""Alerts about what the counts say: breaks and weakening trends, told with their sizes and evidence, and pairs without news.

No rule takes `rate()` of a trend's counter: an edit may lower it, which Prometheus would read as a reset. How a trend stands is
computed by Bellwether, not here.
"""

from __future__ import annotations

from deploy.prometheus.alert import JOB, Alert, select
from deploy.prometheus.thresholds import Thresholds

WEEK_SECONDS = 7 * 24 * 3600
#: Articles that the alert of a break links to; the board answers with the article, or with its week.
EVIDENCE_LINKS = 3
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


def breaks(t: Thresholds) -> list[Alert]:
    """How a trend stands is news, not a fault."""
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


def silence(t: Thresholds) -> list[Alert]:
    """Pairs that nobody writes about any more."""
    newest = select("bellwether_pair_newest_week_timestamp_seconds")
    silence = f"scalar(max({newest})) - ({newest} > 0)"
    return [
        Alert(
            "PairSilent", f"({silence}) / {WEEK_SECONDS} > {t.pair_silent_weeks}", t.pair_silent_for, "info",
            "No news about {{ $labels.source }}-{{ $labels.partner }} for {{ $value }} weeks",
            "Other pairs had news since then. Measured in event time, so that an archive of past years does not set it off.",
        ),
    ]  # fmt: skip
