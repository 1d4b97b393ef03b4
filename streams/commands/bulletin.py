"""The command that writes the weekly bulletin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.asked import PAIR, WEEK
from streams.commands.common import connected, say, started
from streams.errors import ConfigError

if TYPE_CHECKING:
    from streams.bulletin.build import Stands
    from streams.bulletin.revisions import Earlier
    from streams.bulletin.wording import Language
    from streams.settings import Settings


@click.command()
@click.option("--week", type=WEEK, help="ISO week, such as 2017-W31; without it the last closed one.")
@click.option("--pair", type=PAIR, help="Only this pair, such as BLR-RUS; without it all that are shown.")
@click.option(
    "--format", "form", type=click.Choice(["md", "html", "json"]), default="md", show_default=True, help="What to write."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--lang", type=click.Choice(["en", "ru", "be"]), default="en", show_default=True, help="Language of the text.")
@click.option(
    "--since", type=click.Path(path_type=Path, dir_okay=False), help="An earlier bulletin's JSON: tell what late news changed."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write to, instead of the terminal.")
def bulletin(
    week: str | None, pair: str | None, form: str, as_json: bool, lang: Language, since: Path | None, out: Path | None
) -> None:
    """Writes the report of a week: what happened, how it reads, whether it lasts, what would change it, what speaks against it.

    The same counts give the same bytes. A past week is judged by what was published up to it.

    \b
    bellwether bulletin --week 2017-W31 --pair BLR-RUS
    bellwether bulletin --week 2017-W31 --format html --lang ru --out week.html
    """
    from streams.bulletin.build import build
    from streams.bulletin.render import RENDERERS

    earlier = _earlier(since) if since is not None else None
    found = build(_stands(connected(started())), week or "", pair or "", earlier)
    text = RENDERERS["json" if as_json else form](found, lang)
    if out is None:
        say(text.rstrip("\n"))
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the bulletin can't be written: {error.strerror}", where=str(out), expected="a file in a folder that can be written to",
            todo="choose another --out",
        ) from error  # fmt: skip


def _earlier(path: Path) -> Earlier:
    from streams.bulletin.revisions import read_earlier

    try:
        return read_earlier(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(
            f"the earlier bulletin can't be read: {error.strerror}",
            where=str(path),
            expected="a readable file",
            todo="check the name",
        ) from error


def _stands(settings: Settings) -> Stands:
    from streams import topology
    from streams.board.listing import read_standings, read_trends
    from streams.bulletin.build import stands_of
    from streams.watchlist import load_watchlist

    rivals = {(pair.source, pair.partner): pair.rivals for pair in load_watchlist(settings.watchlist).pairs}
    said = read_standings(settings, topology.BREAKS.name)
    trends = read_trends(settings, topology.TRENDS.name, None)
    return stands_of((row.trend for row in trends), (one.record for found in said.values() for one in found.values()), rivals)
