"""`bellwether backup` and `bellwether restore`: everything that stands on the topics, to files and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands.common import connected, say, started
from streams.commands.progress import bar

if TYPE_CHECKING:
    from streams.backup.manifest import Manifest


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to be made.")
@click.option("--with-secrets", is_flag=True, help="Keep the file of tokens too (their hashes).")
@click.option("--json", "as_json", is_flag=True, help="What was kept, as JSON.")
def backup(out: Path, with_secrets: bool, as_json: bool) -> None:
    """Keeps everything in a folder of files, while everything runs: topics, lists, models, past bulletins.

    What was erased is left out; a backup that is older than an erasure has it still (docs/backup.md).

    \b
    bellwether backup --out /backups/monday
    bellwether backup --out /backups/monday --with-secrets --json
    """
    from streams.backup.taking import take_backup

    with bar("read", None) as show:
        manifest = take_backup(connected(started()), out, with_secrets=with_secrets, show=show)
    if as_json:
        say(json.dumps({"folder": str(out), **_figures(manifest)}))
        return
    _tell(manifest)
    say(f"{_megabytes(manifest):,.1f} MB in {out}")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="What was restored, as JSON.")
def restore(folder: Path, as_json: bool) -> None:
    """Fills an empty broker from a backup, which is checked first; puts lists and models back where none stand.

    \b
    bellwether kafka start
    bellwether restore /backups/monday
    bellwether up
    """
    from streams.backup.lists import put_back
    from streams.backup.restoring import restore_topics

    settings = connected(started())
    with bar("checked, then restored", None) as show:
        manifest = restore_topics(settings, folder, show=show)
    files = list(put_back(settings, folder, manifest))
    if as_json:
        others = [{"role": one.role, "path": str(one.path), "was_there": one.was_there} for one in files]
        say(json.dumps({**_figures(manifest), "files": others}))
        return
    _tell(manifest)
    for one in files:
        say(f"{one.role}: {one.path}{' was there already, and stays' if one.was_there else ''}")
    say(f"restored as of {manifest.taken_at}; `bellwether up`, or your workers, go on from there")


def _figures(manifest: Manifest) -> dict[str, object]:
    return {"taken_at": manifest.taken_at, "topics": manifest.counts(), "bytes": sum(one.bytes for one in manifest.topics)}


def _megabytes(manifest: Manifest) -> float:
    return (sum(one.bytes for one in manifest.topics) + sum(one.bytes for one in manifest.others)) / 1e6


def _tell(manifest: Manifest) -> None:
    for topic, records in manifest.counts().items():
        say(f"{topic}: {records:,} records")
