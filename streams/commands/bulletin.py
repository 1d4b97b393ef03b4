"""The command that writes the weekly bulletin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.asked import PAIR, WEEK
from streams.commands.common import connected_to_shown, say, started, write_out
from streams.errors import ConfigError

if TYPE_CHECKING:
    from streams.bulletin.revisions import Earlier
    from streams.bulletin.wording import Language


@click.command()
@click.option("--week", type=WEEK, help="ISO week, such as 2017-W31; without it the last closed one.")
@click.option("--pair", type=PAIR, help="Only this pair, such as BLR-RUS; without it all that are shown.")
@click.option(
    "--format", "form", type=click.Choice(["md", "html", "pdf", "json"]), default="md", show_default=True, help="What to write."
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
    bellwether bulletin --week 2017-W31 --format pdf --lang ru --out week.pdf
    """
    from streams.bulletin.build import build
    from streams.bulletin.forms import written
    from streams.bulletin.source import read_stands

    form = "json" if as_json else form
    if form == "pdf" and out is None and sys.stdout.isatty():
        raise click.UsageError("a PDF is not for a terminal; name a file with --out, or pipe it on")
    earlier = _earlier(since) if since is not None else None
    body = written(form, build(read_stands(connected_to_shown(started())), week or "", pair or "", earlier), lang)
    if out is not None:
        write_out("the bulletin", out, body)
    elif form == "pdf":
        click.get_binary_stream("stdout").write(body)
    else:
        say(body.decode("utf-8").rstrip("\n"))


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
