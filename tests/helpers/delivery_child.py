"""One round of deliveries in a process of its own, which may die between a target's acknowledgement and the ledger: a child of a test."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from streams.delivery.config import load_targets
from streams.delivery.ledger import Ledger
from tests.helpers.bulletins import eventful
from tests.helpers.delivering import rounds_in


def die(*_arguments: object) -> None:
    """The end, as by the kernel: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, *, dies: bool) -> None:
    """A round over `delivery.toml` of the folder."""
    if dies:
        Ledger.sent = die  # type: ignore[method-assign, assignment]
    with rounds_in(folder) as rounds:
        rounds.deliver(eventful(), load_targets(folder / "delivery.toml"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), dies="dies" in sys.argv[2:])
