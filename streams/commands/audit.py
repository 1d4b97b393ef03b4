"""`bellwether audit`: who did what."""

from __future__ import annotations

import json

import click
import msgspec

from streams.commands.common import connected, say, started


@click.command()
@click.option("--since", default="", metavar="DATE", help="From this day on, such as 2017-08-01; in UTC.")
@click.option("--article", default="", help="What was done to this article, by its id.")
@click.option("--tokens-only", is_flag=True, help="What was done with tokens at this machine; asks no broker.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line an act.")
def audit(since: str, article: str, tokens_only: bool, as_json: bool) -> None:
    """Tells who corrected, erased, switched and dropped, and who made and revoked tokens here; the earliest first.

    \b
    bellwether audit --since 2017-08-01
    bellwether audit --article ARTICLE --json
    """
    from streams.deeds import article_mark, read_journal
    from streams.kafka.audit import in_order, read_acts

    settings = started()
    found = read_journal(settings.tokens_journal)
    if not tokens_only:
        found = in_order([*found, *read_acts(connected(settings))])
    for act in found:
        if act.at < since or (article and not act.subject.startswith(article_mark(article))):
            continue
        why = f" ({act.why})" if act.why else ""
        say(
            json.dumps(msgspec.to_builtins(act), ensure_ascii=False)
            if as_json
            else f"{act.at}  {act.by} {act.did} {act.subject}{why}"
        )
