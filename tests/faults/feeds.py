"""`python -m tests.faults.feeds --points 200 --away 300`: the long form of `test_feed_kills.py`; prints its table, fails unless all is exact."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.feed_scene import FeedFindings, FeedScene, broker_away, disk_full, feed_scene, kills
from tests.helpers.stack import running_stack


def main() -> int:
    """Runs all three, each on a broker of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.feeds", description=__doc__)
    parser.add_argument("--points", type=int, default=200, help="kills")
    parser.add_argument("--away", type=float, default=300.0, help="seconds that the broker is away")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    faults: dict[str, Callable[[FeedScene], FeedFindings]] = {
        f"SIGKILL at {options.points} points between fetch and memory": lambda scene: kills(scene, options.points),
        f"broker away for {options.away:g} s": lambda scene: broker_away(scene, options.away),
        "disk full, 10 times": lambda scene: disk_full(scene, 10),
    }
    print(
        "| fault | items | lost | doubled | foreign | delivered again | seconds |\n| --- | --- | --- | --- | --- | --- | --- |",
        flush=True,
    )
    wrong = 0
    for name, fault in faults.items():
        began = time.monotonic()
        with (
            tempfile.TemporaryDirectory(prefix="bellwether-feeds-") as folder,
            running_stack(Path(folder)) as stack,
            feed_scene(stack, options.seed) as scene,
        ):
            found = fault(scene)
        row = (name, found.items, found.lost, found.doubled, found.foreign, found.repeated, f"{time.monotonic() - began:.0f}")
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
        wrong += found.wrong
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
