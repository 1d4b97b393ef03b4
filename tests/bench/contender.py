"""How a contender's process begins and ends: its task on the command line, its measure as the last line on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import msgspec

from tests.bench.meter import Measure, Meter, Task

RESULT = "measured: "


def finish(meter: Meter) -> None:
    """Tells the measure and ends the process at once: how a framework stops is not measured."""
    tell(meter.measure())
    os._exit(0)


def tell(measure: Measure) -> None:
    """The measure, as `run_child` looks for it."""
    # Frameworks put a logger in the place of stdout.
    print(RESULT + msgspec.json.encode(measure).decode(), file=sys.__stdout__, flush=True)


def main(run: Callable[[Task], None]) -> None:
    """Runs a contender with the task of the command line."""
    run(msgspec.json.decode(sys.argv[1], type=Task))
