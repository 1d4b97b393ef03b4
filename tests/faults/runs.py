"""One run of one kind of fault with one seed."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.faults.inputs import make_input
from tests.faults.kinds import KINDS
from tests.faults.scene import Findings, Scene
from tests.faults.truth import RememberingPredictor
from tests.helpers.stack import running_stack


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table; can be kept in a file."""

    kind: str
    seed: int
    articles: int
    faults: int
    ended_alone: int
    differing: int
    restarts: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Run:
    """What one run came to."""

    kind: str
    seed: int
    articles: int
    faults: int
    ended_alone: int
    findings: Findings
    restarts: tuple[float, ...]
    seconds: float

    def row(self) -> Row:
        """What the table tells of it."""
        return Row(
            kind=self.kind, seed=self.seed, articles=self.articles, faults=self.faults, ended_alone=self.ended_alone,
            differing=self.findings.differing, restarts=self.restarts, seconds=self.seconds,
        )  # fmt: skip


def run(kind: str, seed: int, folder: Path, predictor: RememberingPredictor, *, articles: int, rounds: int) -> Run:
    """Feeds `articles` records, does the kind's faults about `rounds` times, and compares."""
    started = time.monotonic()
    with running_stack(folder, batch_articles=128) as stack:
        scene = Scene(stack, make_input(seed, articles), random.Random(f"{kind} {seed}"), predictor, rounds)
        findings = KINDS[kind](scene)
        seconds = time.monotonic() - started
        return Run(kind, seed, articles, scene.faults, len(scene.ended_alone), findings, tuple(scene.restarts), seconds)
