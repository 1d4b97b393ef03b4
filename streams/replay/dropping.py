"""An edition is deleted: what its workers keep, its topics, its consumer group, and at last the record of it.

The record goes last: as long as it stands, the same call finds what was left, whatever cut this one off.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError, NonEmptyGroupError

from streams import topology
from streams.clock import monotonic_seconds
from streams.deeds import an_act
from streams.editions.registry import forget_edition, in_edition, known, read_editions, shown_of
from streams.errors import ConfigError, StateError
from streams.kafka.audit import note_act
from streams.kafka.clients import admin_client
from streams.kafka.survey import members_of
from streams.settings import LIVE, Settings

_ASK_SECONDS, _SLACK_SECONDS = 0.5, 3.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was deleted: names of topics, of consumer groups, and folders of local state."""

    topics: list[str]
    groups: list[str]
    folders: list[str]


def drop_edition(settings: Settings, name: str) -> Dropped:
    """Deletes an edition; blocks on the network and the disk.

    Raises:
        ConfigError: if there is no such edition, it is `live`, it is the one that is shown, or workers of it run.
        StateError: if its local state can't be deleted.
        KafkaError: if the broker can't be asked or refuses.
    """
    editions = read_editions(settings)
    if known(editions, name) == LIVE:
        raise _refused("`live` can't be dropped", "an edition that `replay` made", "`bellwether kafka wipe` deletes everything")
    if name == shown_of(editions):
        raise _refused(
            f"the edition {name!r} is the one that is shown", "one that nobody looks at", "`bellwether switch` to another first"
        )
    own = in_edition(settings, editions[name])
    _check_idle(own)
    note_act(settings, an_act("dropped", f"edition {name}"))
    done = Dropped(_delete_topics(own), _delete_group(own), _delete_state(own))
    forget_edition(settings, name)
    return done


def _check_idle(settings: Settings) -> None:
    """Waits as long as a worker that has just ended may still count as a member of the group: one with a name of its own does not leave."""
    deadline = monotonic_seconds() + settings.session_timeout_seconds + _SLACK_SECONDS
    while number := _workers(settings):
        if monotonic_seconds() > deadline:
            raise _refused(
                f"{number} workers of the edition {settings.edition!r} run", "none", "end them: `bellwether replay`, or workers with BELLWETHER_EDITION"
            )  # fmt: skip
        time.sleep(_ASK_SECONDS)


def _workers(settings: Settings) -> int:
    with admin_client(settings) as admin:
        return members_of(admin, topology.worker_group(settings))


def _delete_topics(settings: Settings) -> list[str]:
    with admin_client(settings) as admin:
        there = set(admin.list_topics())
        names = [spec.name for spec in topology.own_topics(settings) if spec.name in there]
        if names:
            admin.delete_topics(names)
    return names


def _delete_group(settings: Settings) -> list[str]:
    group = topology.worker_group(settings)
    with admin_client(settings) as admin:
        try:
            admin.delete_groups([group])
        except (CoordinatorNotAvailableError, GroupIdNotFoundError):
            return []
        except NonEmptyGroupError as error:
            raise _refused(f"a worker of the edition {settings.edition!r} has started", "none", "end it") from error
    return [group]


def _delete_state(settings: Settings) -> list[str]:
    folder: Path = settings.data_dir / "state" / settings.scope
    if not folder.exists():
        return []
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StateError(
            f"the local state of the edition can't be deleted: {error.strerror}", where=str(folder), expected="the right to",
            todo="delete the folder, and call the same again",
        ) from error  # fmt: skip
    return [str(folder)]


def _refused(what: str, expected: str, todo: str) -> ConfigError:
    return ConfigError(what, where="--drop", expected=expected, todo=todo)
