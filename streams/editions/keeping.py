"""Keeps a worker of the edition that is shown, where that is not `live`, whose workers run anyway: `bellwether up` has one beside its own.

Another switch ends it and starts the next one's. `live` goes on being counted meanwhile, so that a switch back shows it up to date.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from streams.editions.following import EditionsFollower
from streams.editions.registry import in_edition, shown_of
from streams.log import get_logger
from streams.records import Edition
from streams.settings import LIVE, Settings, child_environment
from streams.supervisor import STOP_SECONDS, Child, Supervisor

log = get_logger("editions")


class ShownWorker:
    """The follower of `editions`, and the supervisor of the worker that is wanted now.

    Args:
        settings: servers, data directory; the model is the edition's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._follower = EditionsFollower(settings, self.follow)
        self._kept: Edition | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts following."""
        self._follower.start()

    def stop(self) -> None:
        """Ends the worker, and waits for its end."""
        self._follower.stop()
        self._end()

    def follow(self, editions: Mapping[str, Edition]) -> None:
        """Makes the worker that runs the one of the edition that is shown; blocks while another one ends."""
        shown = editions[shown_of(editions)]
        wanted = None if shown.name == LIVE else shown
        if _key(wanted) == _key(self._kept):
            return
        self._end()
        self._kept = wanted
        if wanted is not None:
            # The worker ends with the thread that started it (`streams.kafka.processes.die_with_parent`), so with this one.
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(wanted, self._stop), name="shown-worker", daemon=True)
            self._thread.start()

    def _run(self, edition: Edition, stop: threading.Event) -> None:
        environment = child_environment(in_edition(self._settings, edition), worker_metrics_port="0")
        supervisor = Supervisor(environment, [Child(f"worker of {edition.name}", ["worker"])], stop)
        log.info("shown_edition_is_kept_up", edition=edition.name, model=edition.model)
        try:
            if code := supervisor.watch():
                log.error("shown_edition_is_not_kept_up", edition=edition.name, code=code)
        finally:
            supervisor.end()

    def _end(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2 * STOP_SECONDS)
            self._thread = None


def _key(edition: Edition | None) -> tuple[str, str, str] | None:
    """What tells one edition from another, also from a later one of the same name; not whether it is shown again."""
    return (edition.name, edition.model, edition.made) if edition is not None else None
