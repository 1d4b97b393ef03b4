"""`bellwether backtest`: what would have been said over an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.asked import PAIR
from streams.commands.common import say, started, write_out
from streams.commands.progress import bar

if TYPE_CHECKING:
    from streams.backtest.history import Reading
    from streams.backtest.run import BackTest
    from streams.settings import Settings
    from streams.watchlist import WatchedPair


@click.command()
@click.argument("archives", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a report with strips to this file.")
@click.option("--pair", "pairs", type=PAIR, multiple=True, help="Only this pair, such as BLR-RUS; may be given several times.")
@click.option("--discovered", is_flag=True, help="Pairs that appear by themselves too, as the stream shows them; takes longer.")
def backtest(archives: tuple[Path, ...], as_json: bool, html: Path | None, pairs: tuple[str, ...], discovered: bool) -> None:
    """Plays archives week by week through the code of the stream and says which breaks would have been said, when, and what came after.

    No look-ahead: each closed week is judged with what was known when it closed. Watched pairs, unless others are named.

    \b
    bellwether backtest news.jsonl.gz
    bellwether backtest --pair BLR-RUS --html report.html 2016.csv 2017.csv
    """
    settings = started()
    reading, found = _play(archives, settings, _named(pairs), discovered=discovered)
    from streams.backtest.aftermath import as_dict
    from streams.backtest.report import alarms_table, html_report, pairs_as_dicts, pairs_table

    if html is not None:
        page = html_report(found, reading, f"Back-test of {', '.join(path.name for path in archives)}")
        write_out("the report", html, page.encode(), "--html")
    if as_json:
        report = {
            "articles": reading.articles, "left_out": dict(reading.left_out), "pairs": pairs_as_dicts(found), "alerts": [as_dict(alarm) for alarm in found.alarms]
        }  # fmt: skip
        say(json.dumps(report, ensure_ascii=False))
        return
    say(pairs_table(found) + "\n")
    say(alarms_table(found))
    left = "".join(f"; {count} {reason}" for reason, count in reading.left_out.items())
    say(f"\n{reading.articles} articles{left}; {len(found.weeks)} pairs; {len(found.alarms)} breaks")
    if html is not None:
        say(f"the report is in {html}")


def _play(
    archives: tuple[Path, ...], settings: Settings, pairs: tuple[WatchedPair, ...], *, discovered: bool
) -> tuple[Reading, BackTest]:
    import tempfile
    from datetime import timedelta

    from streams.backtest.history import History
    from streams.backtest.run import Stepper
    from streams.classify.model import load_predictor
    from streams.watchlist import Watchlist, load_watchlist

    watchlist = load_watchlist(settings.watchlist)
    if pairs:
        watchlist = Watchlist(pairs, watchlist.discover_min_stories, watchlist.discover_max_pairs)
    everything = discovered and not pairs
    lateness = timedelta(hours=settings.allowed_lateness_hours)
    with tempfile.TemporaryDirectory(prefix="bellwether-backtest-") as folder:
        history = History(Path(folder) / "facts.sqlite", lambda pair: everything or pair in watchlist.keys)
        with bar("classified", sum(path.stat().st_size for path in archives if path.is_file())) as show:
            reading = history.fill(archives, load_predictor(settings), settings, lambda _, position: show(position, 0))
        stepper = Stepper(history, Path(folder), watchlist, lateness, settings.false_break_share)
        with bar("weeks judged", None) as show:
            found = stepper.run(show)
        history.close()
    return reading, found


def _named(pairs: tuple[str, ...]) -> tuple[WatchedPair, ...]:
    from streams.records import split_pair
    from streams.watchlist import WatchedPair

    return tuple(WatchedPair(*split_pair(pair)) for pair in dict.fromkeys(pairs))
