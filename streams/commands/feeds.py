"""`bellwether feeds`: the list of feeds, what each holds, and how each is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.common import say, started
from streams.errors import EXIT_FAILED, ConfigError, FeedError

if TYPE_CHECKING:
    from streams.settings import Settings


@click.group()
def feeds() -> None:
    """Feeds: the list, what each one holds, and how it is."""


def feed_list_path(settings: Settings) -> Path:
    """Where the feed list is.

    Raises:
        ConfigError: if none is set.
    """
    if settings.feeds is None:
        raise ConfigError(
            "no feed list is set", where="BELLWETHER_FEEDS or --feeds", expected="a TOML file of feeds",
            todo="copy deploy/feeds.example.toml, edit it, and name it here; `bellwether feeds add` makes one too",
        )  # fmt: skip
    return settings.feeds


_feeds_option = click.option("--feeds", "path", type=click.Path(path_type=Path), help="TOML file of the feeds.")


@feeds.command("add")
@click.argument("url")
@_feeds_option
@click.option("--outlet", help="Name of the publisher; the feed's own title when left out.")
@click.option("--language", default="", help="What it is written in, such as en.")
@click.option("--group", default="", help="A heading for people.")
@click.option("--all", "take_all", is_flag=True, help="Add every feed that the site's page names.")
@click.option("--allow-private", is_flag=True, help="The host may stand in a private network.")
def feeds_add(
    url: str, path: Path | None, outlet: str | None, language: str, group: str, take_all: bool, allow_private: bool
) -> None:
    """Adds a feed to the list: its address, or that of a site, whose page is searched for feeds.

    \b
    bellwether feeds add --feeds feeds.toml https://example.org/rss.xml
    bellwether feeds add --feeds feeds.toml --outlet "Example News" https://example.org/
    """
    from streams.ingest.feed_file import add_feeds
    from streams.ingest.finding import find

    file = feed_list_path(started(feeds=path))
    found = find(url, allow_private=allow_private)
    if len(found) > 1 and not take_all:
        lines = "".join(f"\n    {candidate.url}  {candidate.title}" for candidate in found)
        raise FeedError(
            f"the page names {len(found)} feeds:{lines}", where=url, todo="add one of them by its address, or use --all"
        )
    new = [
        candidate.as_feed(outlet=outlet or "", language=language, group=group, allow_private=allow_private) for candidate in found
    ]
    added = add_feeds(file, new)
    for feed in new:
        say(f"{'added' if feed in added else 'stands in the list already'}: {feed.url}  {feed.outlet}")


@feeds.command("check")
@click.argument("urls", nargs=-1)
@_feeds_option
@click.option("--json", "as_json", is_flag=True, help="One JSON line a feed.")
@click.option("--allow-private", is_flag=True, help="Addresses given here may stand in private networks.")
def feeds_check(urls: tuple[str, ...], path: Path | None, as_json: bool, allow_private: bool) -> None:
    """Fetches the given feeds, or all enabled ones of the list, once, and says what is there; sends nothing.

    Exit code 1 when one of them can't be read.
    """
    from streams.ingest.checking import check_feeds
    from streams.ingest.feeds import Feed, load_feeds

    settings = started(feeds=path)
    chosen = (
        [Feed(url, url, allow_private=allow_private) for url in urls] if urls else load_feeds(feed_list_path(settings)).enabled
    )
    failed = False
    for checked in check_feeds(chosen, contact=settings.contact):
        failed = failed or checked.error is not None
        say(checked.to_json() if as_json else checked.describe())
    sys.exit(EXIT_FAILED if failed else 0)


@feeds.command("list")
@_feeds_option
@click.option("--json", "as_json", is_flag=True, help="One JSON line a feed.")
def feeds_list(path: Path | None, as_json: bool) -> None:
    """Lists the feeds with how each is, from what `ingest feeds` remembers of it on this machine."""
    from streams.ingest.listing import describe, listed_statuses

    settings = started(feeds=path)
    statuses = listed_statuses(settings, feed_list_path(settings))
    if as_json:
        for status in statuses:
            say(status.to_json())
    else:
        for line in describe(statuses):
            say(line)


@feeds.command("import")
@click.argument("opml", type=click.Path(path_type=Path, allow_dash=True))
@_feeds_option
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def feeds_import(opml: Path, path: Path | None, as_json: bool) -> None:
    """Adds the feeds of an OPML file (- for stdin) to the list; those that stand there already are left alone."""
    from streams.ingest.feed_file import add_feeds
    from streams.ingest.opml import MAX_OPML_BYTES, read_opml

    file = feed_list_path(started(feeds=path))
    try:
        with click.open_file(str(opml), "rb") as stream:
            data = stream.read(MAX_OPML_BYTES + 1)
    except OSError as error:
        raise FeedError(f"it can't be read: {error.strerror}", where=str(opml), expected="an OPML file") from error
    imported = read_opml(data, str(opml))
    added = add_feeds(file, imported.feeds)
    if as_json:
        say(json.dumps({"feeds": len(imported.feeds), "added": [feed.url for feed in added], "warnings": imported.warnings}))
        return
    for warning in imported.warnings:
        click.echo(f"warning: {warning}", err=True)
    say(f"{len(imported.feeds)} feeds, {len(added)} of them new in {file}")


@feeds.command("export")
@_feeds_option
def feeds_export(path: Path | None) -> None:
    """Writes the list as OPML, for other readers: bellwether feeds export > feeds.opml"""
    from streams.ingest.feeds import load_feeds
    from streams.ingest.opml import write_opml

    click.echo(write_opml(load_feeds(feed_list_path(started(feeds=path))).feeds), nl=False)


@feeds.command("parse")
@click.argument("sources", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON line a source.")
def feeds_parse(sources: tuple[str, ...], as_json: bool) -> None:
    """Parses feed files or addresses and shows their entries. Exit code 1 when one can't be read as a feed."""
    # No settings are read: nothing here depends on them, and loading them takes as long as parsing.
    from streams.ingest.sources import parse_sources

    failed = False
    for parsed in parse_sources(sources):
        failed = failed or parsed.error is not None
        say(parsed.to_json() if as_json else parsed.describe())
    sys.exit(EXIT_FAILED if failed else 0)
