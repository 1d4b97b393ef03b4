"""`up` has a worker of the edition that is shown, and of no other; never two at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from streams.editions import keeping
from streams.editions.keeping import ShownWorker
from streams.records import Edition
from streams.settings import Settings
from streams.supervisor import Child
from tests.helpers.stack import wait_for

LIVE = Edition(name="live", made="")
B = Edition(name="b", model="1-new", folder="/models/new", made="2026-01-01T00:00:00Z")
C = Edition(name="c", model="1-newer", folder="", encoder=False, made="2026-02-01T00:00:00Z")


class FakeSupervisor:
    """Runs nothing until it is stopped; all that were made are remembered."""

    made: list[FakeSupervisor]

    def __init__(self, environment: dict[str, str], children: Sequence[Child], stop: threading.Event) -> None:
        self.environment, self.children, self.stop, self.has_ended = environment, children, stop, False
        FakeSupervisor.made.append(self)

    def watch(self) -> int:
        self.stop.wait(10)
        return 0

    def end(self) -> None:
        self.has_ended = True


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[ShownWorker]:
    FakeSupervisor.made = []
    monkeypatch.setattr(keeping, "Supervisor", FakeSupervisor)
    found = ShownWorker(Settings(kafka_servers="127.0.0.1:1"))
    yield found
    found.stop()


def shown(edition: Edition) -> dict[str, Edition]:
    """The editions, of which one was switched to last."""
    return {one.name: msgspec.structs.replace(one, turn=9 if one is edition else 1) for one in (LIVE, B, C)}


def running() -> list[str]:
    return [made.environment["BELLWETHER_EDITION"] for made in FakeSupervisor.made if not made.has_ended]


def test_while_live_is_shown_no_worker_is_started(worker: ShownWorker) -> None:
    worker.follow(shown(LIVE))
    assert FakeSupervisor.made == []


def test_the_shown_edition_has_one_with_its_model_on_a_port_of_its_own(worker: ShownWorker) -> None:
    worker.follow(shown(B))
    wait_for("the worker", running)
    [made] = FakeSupervisor.made
    assert made.environment["BELLWETHER_MODEL"] == "/models/new"
    assert made.environment["BELLWETHER_WORKER_METRICS_PORT"] == "0"
    assert [child.arguments for child in made.children] == [["worker"]]


def test_a_switch_ends_one_before_the_next_one_starts_and_a_switch_back_leaves_none(worker: ShownWorker) -> None:
    worker.follow(shown(B))
    wait_for("the worker of b", running)
    worker.follow(shown(C))
    wait_for("the worker of c", lambda: running() == ["c"])
    assert FakeSupervisor.made[1].environment["BELLWETHER_ENCODER"] == "False"
    worker.follow(shown(LIVE))
    assert running() == []


def test_what_does_not_change_what_is_shown_leaves_the_worker_alone(worker: ShownWorker) -> None:
    worker.follow(shown(B))
    wait_for("the worker", running)
    worker.follow({**shown(B), "d": Edition(name="d", made="")})
    assert len(FakeSupervisor.made) == 1
    worker.follow({**shown(B), "b": msgspec.structs.replace(B, turn=9, made="2026-03-01T00:00:00Z")})
    wait_for("the worker of the edition that was made anew under the name", lambda: len(FakeSupervisor.made) == 2)
