"""Which edition is shown is changed: one record, after a look at whether the edition is worth showing. Blocks on the network."""

from __future__ import annotations

import msgspec

from streams import topology
from streams.deeds import an_act
from streams.editions.registry import before_shown, in_edition, known, read_editions, shown_of, switch_to
from streams.errors import ConfigError
from streams.kafka.audit import note_act
from streams.kafka.clients import admin_client
from streams.kafka.survey import members_of
from streams.replay.metering import Meter
from streams.settings import LIVE, Settings

#: Records that an edition may have before it and count as caught up: some seconds' work, which a stream that runs always has.
BEHIND_RECORDS = 1_000


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown now, and what was before; `advice` is empty where nothing more is to be done."""

    shown: str
    before: str
    advice: str = ""


def switch_shown(settings: Settings, name: str | None, *, anyway: bool = False) -> Switched:
    """Shows an edition, or (None) the one that was shown before the one that is.

    Args:
        anyway: whether to show one that has not caught up.

    Raises:
        ConfigError: if there is no such edition, or it has not caught up.
        KafkaError: if the broker can't be asked, or does not acknowledge: then the old edition may still be shown, or the new one is.
    """
    editions = read_editions(settings)
    before = shown_of(editions)
    wanted = known(editions, name) if name is not None else before_shown(editions)
    if wanted == before:
        return Switched(shown=wanted, before=before)
    own = in_edition(settings, editions[wanted])
    if not anyway:
        _check_caught_up(own)
    note_act(settings, an_act("switched to", f"edition {wanted}, from {before}"))
    switch_to(settings, editions, wanted)
    return Switched(shown=wanted, before=before, advice=_advice(own))


def _check_caught_up(settings: Settings) -> None:
    with Meter(settings) as meter:
        left = sum(meter.read().left.values())
    if left > BEHIND_RECORDS:
        raise ConfigError(
            f"the edition {settings.edition!r} has {left:,} records to work off", where="bellwether switch", expected=f"at most {BEHIND_RECORDS:,}",
            todo="let its workers catch up: `bellwether replay` with its name and model; or say --anyway",
        )  # fmt: skip


def _advice(settings: Settings) -> str:
    """What keeps the edition up to date, where nothing does."""
    with admin_client(settings) as admin:
        if members_of(admin, topology.worker_group(settings)):
            return ""
    of = "" if settings.edition == LIVE else f"BELLWETHER_EDITION={settings.edition} "
    return f"no worker of it runs at the moment: `bellwether up` starts one by itself; elsewhere start `{of}bellwether worker` with its model"
