"""The topic `editions`: which editions of the counts there are, and which is shown. Read whole, written one record at a time.

Which edition is shown is a function of all records: the one with the highest turn. So a switch is one record, which stands or does not;
nothing between two editions is ever shown, and no record tells of another. Every function blocks on the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec
from confluent_kafka import KafkaException

from streams.clock import format_utc, utc_now
from streams.errors import ConfigError, KafkaError, RecordError
from streams.kafka.clients import bulk_consumer, unreachable
from streams.kafka.reading import partitions_of, read_to_end
from streams.kafka.sink import partition_of
from streams.kafka.writing import AcknowledgedWriter
from streams.records import Edition, decode, encode
from streams.settings import LIVE, Settings
from streams.stage import InputRecord

#: Name of the topic, the same in every edition.
TOPIC = "editions"
#: Editions beside `live`: each takes the room of all the counts, and a place in the board's memory.
MOST_EDITIONS = 3
_FLUSH_SECONDS = 30.0

Editions = Mapping[str, Edition]


def read_editions(settings: Settings) -> dict[str, Edition]:
    """Name -> edition, `live` first. Where the topic was never made, there is `live` alone.

    Raises:
        KafkaError: if the broker can't be read.
    """
    found: dict[str, Edition] = {}
    with closing(bulk_consumer(settings, f"{settings.group}-editions", tells_end=True, wait_ms=10)) as consumer:
        try:
            partitions = partitions_of(consumer, TOPIC)
        except KafkaError:
            partitions = []
        except KafkaException as error:
            raise unreachable(settings, error) from error
        for partition in partitions:
            for chunk in read_to_end(consumer, TOPIC, partition, 0):
                for record in chunk:
                    apply_record(found, record)
    return with_live(found)


def apply_record(editions: dict[str, Edition], record: InputRecord) -> None:
    """Takes one record in; what only a newer version could read is left out."""
    name = (record.key or b"").decode("utf-8", "replace")
    editions.pop(name, None)
    if record.value is not None:
        try:
            editions[name] = decode(Edition, record.value)
        except RecordError:
            return


def with_live(editions: Editions) -> dict[str, Edition]:
    """The editions in the order of their names, after `live`, which is there whether a record says so or not."""
    others = {name: editions[name] for name in sorted(editions) if name != LIVE}
    return {LIVE: editions.get(LIVE, Edition(name=LIVE, made="")), **others}


def shown_of(editions: Editions) -> str:
    """Name of the edition that is shown; `live` where nobody ever switched. Of equal turns, which two people who switch at the same
    moment can write, the later name.

    >>> shown_of({"live": Edition(name="live", made="", turn=1), "b": Edition(name="b", made="", turn=2)})
    'b'
    """
    turns = [(one.turn, name) for name, one in editions.items() if one.turn]
    return max(turns, default=(0, LIVE))[1]


def before_shown(editions: Editions) -> str:
    """Name of the edition that was shown before the one that is: what `switch --back` goes to."""
    shown = shown_of(editions)
    turns = [(one.turn, name) for name, one in editions.items() if one.turn and name != shown]
    return max(turns, default=(0, LIVE))[1]


def switch_to(settings: Settings, editions: Editions, name: str) -> Edition:
    """Makes an edition the one that is shown: writes one record, and returns it once the broker has it.

    Raises:
        KafkaError: if the broker does not acknowledge.
    """
    turn = max((one.turn for one in editions.values()), default=0) + 1
    edition = msgspec.structs.replace(editions[name], turn=turn, shown=format_utc(utc_now()))
    write_edition(settings, edition)
    return edition


def write_edition(settings: Settings, edition: Edition) -> None:
    """Puts an edition's record in the place of the one before it.

    Raises:
        KafkaError: if the broker does not acknowledge.
    """
    _write(settings, edition.name, encode(edition))


def forget_edition(settings: Settings, name: str) -> None:
    """Ends an edition's record.

    Raises:
        KafkaError: if the broker does not acknowledge.
    """
    _write(settings, name, None)


def _write(settings: Settings, name: str, value: bytes | None) -> None:
    writer, key = AcknowledgedWriter(settings, f"{settings.group}-editions"), name.encode()
    writer.write(TOPIC, partition_of(key, settings.partitions), key, value)
    lost, why = writer.settle(_FLUSH_SECONDS)
    if lost:
        raise KafkaError(
            f"the edition {name!r} could not be written: {why}", where=TOPIC,
            expected=f"an acknowledgement within {_FLUSH_SECONDS:g} s", todo="look at the broker; do it again",
        )  # fmt: skip


def in_shown(settings: Settings) -> Settings:
    """The settings in the edition that is shown, or in the one that they name; the model in them is that edition's then.

    Raises:
        ConfigError: if they name one that is not there.
        KafkaError: if the broker can't be read.
    """
    if settings.edition == LIVE:
        return settings
    editions = read_editions(settings)
    return in_edition(settings, editions[known(editions, settings.edition) if settings.edition else shown_of(editions)])


def in_edition(settings: Settings, edition: Edition) -> Settings:
    """The settings with which an edition's workers run; those of `live` keep the model that they name."""
    if edition.name == LIVE:
        return settings.model_copy(update={"edition": LIVE})
    folder = Path(edition.folder) if edition.folder else None
    return settings.model_copy(update={"edition": edition.name, "model": folder, "encoder": edition.encoder})


def known(editions: Editions, name: str) -> str:
    """The name, if there is such an edition.

    Raises:
        ConfigError: if there is none.
    """
    if name not in editions:
        raise ConfigError(
            f"there is no edition {name!r}", where="the command line or BELLWETHER_EDITION", expected=f"one of {', '.join(editions)}",
            todo="`bellwether editions` lists them; `bellwether replay` makes one",
        )  # fmt: skip
    return name


def edition_of_worker(settings: Settings, version: str) -> Edition:
    """The edition that a worker is to write, with a model of this version.

    Raises:
        ConfigError: if there is no such edition, or it is another model's: the counts of an edition are one model's word.
        KafkaError: if the broker can't be read.
    """
    if settings.edition in ("", LIVE):
        return Edition(name=LIVE, made="")
    editions = read_editions(settings)
    edition = editions[known(editions, settings.edition)]
    if edition.model != version:
        raise ConfigError(
            f"the edition {edition.name!r} is of the model {edition.model}, not of {version}", where="BELLWETHER_MODEL, BELLWETHER_ENCODER",
            expected=f"the model in {edition.folder or 'Bellwether itself'}, {'with' if edition.encoder else 'without'} its encoder",
            todo="start the worker with that model, or make another edition with `bellwether replay`",
        )  # fmt: skip
    return edition
