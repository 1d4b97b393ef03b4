"""Commands of people who know better than the model: correct, corrections, forget."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import click
import msgspec

from streams.commands.common import connected_to_shown, say, started
from streams.errors import ConfigError, RecordError
from streams.printable import printable_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.corrections.lookup import Lookup
    from streams.corrections.wording import Said
    from streams.records import Article, Correction
    from streams.settings import Settings


def _names(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


@click.command()
@click.argument("article")
@click.option("--labels", default="", callback=_names, help="The labels that hold, such as cooperation,hedging.")
@click.option("--none", "is_none", is_flag=True, help="No label holds.")
@click.option("--withdraw", is_flag=True, help="Take back what was said before: the model's word holds again.")
@click.option("--pair", default="", help="Of this pair, source first, such as BLR-RUS; without it, of every pair.")
@click.option("--domains", default="", callback=_names, help="What it is about, such as security,economy; else the model's word.")
@click.option("--sentence", default="", help="The sentence of the text that shows it; else the one that the model would cite.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--why", required=True, help="For what reason, in a sentence.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line a correction.")
def correct(
    article: str, labels: tuple[str, ...], is_none: bool, withdraw: bool, pair: str, domains: tuple[str, ...], sentence: str, by: str,
    why: str, as_json: bool,
) -> None:  # fmt: skip
    """Says what an article means: its facts change at once, and are marked as corrected.

    Labels without a pair are those of every pair that carries a signal now.

    \b
    bellwether correct ARTICLE --pair BLR-RUS --labels hedging --by Ann --why "it declines the base"
    bellwether correct ARTICLE --none --by Ann --why "about a football match"
    bellwether correct ARTICLE --withdraw --by Ann --why "the model was right"
    """
    from streams.corrections.wording import Said

    said = Said(by, why, pair, labels, is_none, withdraw, domains, sentence)
    try:
        corrections = _write(connected_to_shown(started()), article, said)
    except RecordError as error:
        raise ConfigError(error.what, where=error.where, expected=error.expected, todo=error.todo) from error
    for correction in corrections:
        say(json.dumps(msgspec.to_builtins(correction), ensure_ascii=False) if as_json else _line(correction))


def _write(settings: Settings, article_id: str, said: Said) -> list[Correction]:
    """Finds the article, and writes what is said of it."""
    from streams import topology
    from streams.corrections.wording import as_corrections
    from streams.corrections.writing import CorrectionTopics, CorrectionWriter
    from streams.kafka.sink import partition_of

    partition = partition_of(article_id.encode(), settings.partitions)
    with _lookup(settings) as lookup:
        found = lookup.classification(partition, article_id)
        if found is None:
            raise ConfigError(
                f"there is no article {article_id!r}", where=settings.kafka_servers, expected="the id of an article that was classified",
                todo="the board's page of an article shows its id, and `bellwether trends --json` those of the evidence",
            )  # fmt: skip
        is_open = bool(said.labels) and not said.pair
        article = lookup.revisions(partition, {article_id: found}).get(article_id) if is_open else None
    signalled = _signalled(settings, article) if article is not None else []
    corrections = as_corrections(said, found, signalled)
    CorrectionWriter(settings, CorrectionTopics(topology.ARTICLES.name, topology.CORRECTIONS.name)).write(corrections)
    return corrections


@contextlib.contextmanager
def _lookup(settings: Settings) -> Iterator[Lookup]:
    from streams import topology
    from streams.corrections.lookup import Lookup
    from streams.kafka.clients import bulk_consumer, point_consumer

    name = f"{settings.group}-correct"
    with (
        contextlib.closing(bulk_consumer(settings, name, tells_end=True)) as whole,
        contextlib.closing(point_consumer(settings, name)) as point,
    ):
        yield Lookup(whole, point, topology.ARTICLES.name, topology.name_in(settings, topology.CLASSIFICATIONS))


def _signalled(settings: Settings, article: Article) -> list[str]:
    """The pairs in which the model in force finds a signal."""
    from models.predict import Predictor
    from streams.classify.facts import to_text
    from streams.records import pair_key

    [result] = Predictor.load(settings.model, encoder=settings.encoder).classify([to_text(article)])
    return sorted({pair_key(signal.source, signal.partner) for signal in result.signals})


def _line(correction: Correction) -> str:
    what = "as the model says" if correction.withdrawn else ", ".join(correction.labels) or "no label"
    return f"{correction.article_id}  {correction.pair or 'every pair'}: {what} ({correction.by}: {correction.why})"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON line a correction.")
def corrections(as_json: bool) -> None:
    """Lists the corrections that stand, the latest first; and those that were made on a revision that has changed since.

    \b
    bellwether corrections --json | jq 'select(.is_of_newest == false)'
    """
    from streams import topology
    from streams.corrections.listing import list_corrections

    settings = connected_to_shown(started())
    found = list_corrections(settings, topology.CORRECTIONS.name, topology.name_in(settings, topology.CLASSIFICATIONS))
    for one in found:
        if as_json:
            say(json.dumps({**msgspec.to_builtins(one.correction), "is_of_newest": one.is_of_newest}, ensure_ascii=False))
        else:
            doubt = {False: "  [the article has changed since]", None: "  [no such article]"}.get(one.is_of_newest, "")
            say(f"{one.correction.at}  {_line(one.correction)}{doubt}")
    if not found and not as_json:
        say("nothing is corrected; `bellwether correct --help` says how")


@click.command()
@click.option("--article", "articles", multiple=True, help="An article, by its id; may be given several times.")
@click.option("--outlet", help="Every article of this outlet, by its name as the board shows it.")
@click.option("--by", default="", help="Who does it, for `bellwether audit`; else this machine's user.")
@click.option("--why", default="", help="For what reason, for `bellwether audit`.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; asks nothing.")
def forget(articles: tuple[str, ...], outlet: str | None, by: str, why: str, yes: bool, as_json: bool) -> None:
    """Erases articles: their text, their facts and what was said of them; the counts follow at once.

    \b
    bellwether forget --article ARTICLE
    bellwether forget --outlet "Minsk Courier" --yes
    """
    from streams import topology
    from streams.corrections.checking import MAX_BY_CHARS, MAX_WHY_CHARS
    from streams.corrections.erasable import ErasableTopics, Wanted, find_erasable, pages_linking_to
    from streams.corrections.writing import CorrectionTopics, CorrectionWriter

    if not articles and outlet is None:
        raise click.UsageError("name an article with --article, or an outlet with --outlet")
    settings = connected_to_shown(started())
    writer = CorrectionWriter(settings, CorrectionTopics(topology.ARTICLES.name, topology.CORRECTIONS.name))
    read = (topology.ARTICLES, topology.CLASSIFICATIONS, topology.SIGNALS, topology.SEALED)
    names = (topology.name_in(settings, spec) for spec in read)
    found = find_erasable(settings, ErasableTopics(*names), Wanted(frozenset(articles), outlet))
    ids = list(found)
    if missing := sorted(set(articles) - set(ids)):
        raise ConfigError(
            "there is no article " + ", ".join(map(repr, missing)), where=settings.kafka_servers, expected="ids of articles that stand on the stream",
            todo="leave out what is erased already",
        )  # fmt: skip
    if ids and not (yes or as_json):
        click.confirm(f"Erase {len(ids)} articles for good?", abort=True)
    said = writer.forget(ids, by=printable_line(by)[:MAX_BY_CHARS], why=printable_line(why)[:MAX_WHY_CHARS])
    pages = [str(page) for page in pages_linking_to(settings.bulletins_folder, set(found.values()))]
    if as_json:
        say(json.dumps({"articles": len(ids), "corrections": said, "bulletins": pages}))
        return
    say(f"{len(ids)} articles and {said} corrections are erased; the counts follow")
    for page in pages:
        say(f"a past bulletin still links to one: {page}; `bellwether deliver --week WEEK --target NAME --again` makes it anew")
