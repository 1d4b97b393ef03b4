"""An edition is made: its topics, then the record that says whose word it holds. Made again, it is gone on with."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from string import ascii_lowercase

from models.predict import Predictor
from streams import topology
from streams.clock import format_utc, utc_now
from streams.editions.registry import MOST_EDITIONS, in_edition, read_editions, write_edition
from streams.errors import ConfigError
from streams.kafka.topics import ensure_topics
from streams.records import Edition
from streams.settings import LIVE, Settings


def make_edition(settings: Settings, name: str | None, model: Path | None, *, encoder: bool, since: str) -> Edition:
    """Makes an edition, or finds the one that was made before with the same words; blocks on the network.

    Args:
        name: None for the first letter from b on that is free.
        model: directory of a trained model; None for the one that ships with Bellwether.
        encoder: whether the model reads with its encoder, where it has one.
        since: the first ISO week that is counted; empty for all.

    Raises:
        ConfigError: if the name is another model's or `live`, or there are as many editions as may be.
        ModelError: if the model can't be used.
        KafkaError: if the broker can't be asked or refuses.
    """
    editions = read_editions(settings)
    wanted = Edition(
        name=name or free_name(editions), model=Predictor.load(model, encoder=encoder).version,
        folder=str(model.absolute()) if model else "", encoder=encoder, since=since, made=format_utc(utc_now()),
    )  # fmt: skip
    known = editions.get(wanted.name)
    if wanted.name == LIVE:
        raise _refused("`live` can't be labelled again: it is what stands", "another name", "leave --edition out")
    if known is not None and (known.model, known.since) != (wanted.model, since):
        raise _refused(
            f"the edition {known.name!r} is of the model {known.model}" + (f", from {known.since} on" if known.since else ""),
            "the same model and weeks, to go on with it", f"choose another --edition, or `bellwether replay --drop {known.name}`",
        )  # fmt: skip
    if known is None and len(editions) > MOST_EDITIONS:
        raise _refused(
            f"there are {MOST_EDITIONS} editions beside `live`", "one fewer", "`bellwether replay --drop NAME` ends one"
        )
    edition = known or wanted
    own = in_edition(settings, edition)
    ensure_topics(own, topology.topics_of(own))
    if known is None:
        write_edition(settings, edition)
    return edition


def free_name(taken: Iterable[str]) -> str:
    """The first letter from b on that names no edition: `live` is the a of them all.

    >>> free_name(["live", "b"])
    'c'
    """
    names = set(taken)
    return next(letter for letter in ascii_lowercase[1:] if letter not in names)


def _refused(what: str, expected: str, todo: str) -> ConfigError:
    return ConfigError(what, where="--edition", expected=expected, todo=todo)
