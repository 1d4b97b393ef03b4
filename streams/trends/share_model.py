"""The constants of the share filter, and the tables that follow from them: jumps, random walk, ageing of the slots. Pure.

`switching.py` filters with them; docs/breaks.md says how each constant was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float32]

#: Slots of time since the last jump: long ago; long ago and in an event now; then the ages, youngest first.
OLD, EVENT, NEWEST = 0, 1, 2


@dataclass(frozen=True)
class ShareModel:
    """The constants of the model; docs/breaks.md says how each was chosen. Weeks and log-shares throughout.

    Attributes:
        levels, step: size and spacing of the lattice of log-shares; 40 x 0.17 spans a factor of 900, and it moves along.
        dispersions: independent noise, variance of the share relative to its square.
        echo_variances, echo_phi: stationary variance and autocorrelation of the echoing log-deviation.
        echo_dispersion: what is left beside the echo.
        noise_prior: probability of each kind, the independent ones first.
        ages: width in weeks of the slots that follow a jump; older ones are merged.
        hazard: probability of a jump in a week. The size's density is |d|^3 exp(-|d| / jump_scale) above `smallest_jump`.
        walk: variance of the level's random walk in a week.
        event, event_stays, echo_event_stays: probability that an event begins, and that it goes on for one week more.
        one_off: probability of a week that fits nothing, shortly after a jump too.
    """

    levels: int = 40
    step: float = 0.17
    dispersions: tuple[float, ...] = (0.004, 0.05, 0.12, 0.3)
    echo_variances: tuple[float, ...] = (0.05, 0.1, 0.2)
    echo_phi: float = 0.65
    echo_dispersion: float = 0.004
    noise_prior: tuple[float, ...] = (0.15, 0.1, 0.1, 0.05, 0.1, 0.4, 0.1)
    ages: tuple[int, ...] = (1, 1, 1, 1, 2, 3, 5)
    hazard: float = 1 / 300
    smallest_jump: float = 0.26
    jump_scale: float = 0.2
    walk: float = 0.0005
    event: float = 0.012
    event_stays: float = 0.1
    echo_event_stays: float = 0.7
    one_off: float = 0.005
    largest_surprise: float = 1.2


@dataclass(frozen=True)
class Tables:
    """What follows from the constants alone."""

    offsets: Floats
    jump: Floats
    walk: Floats
    slots: Floats
    prior: Floats
    sizes: Floats
    sizes_constant: Floats


@lru_cache(maxsize=8)
def tables(model: ShareModel) -> Tables:
    """The tables of a model; worked out once."""
    offsets = (np.arange(model.levels) - model.levels / 2) * model.step
    distance = np.abs(offsets[:, None] - offsets[None])
    jump = np.where(distance >= model.smallest_jump, distance**3 * np.exp(-distance / model.jump_scale), 0.0)
    jump *= model.hazard / jump.sum(axis=1, keepdims=True)
    move = model.walk / (2 * model.step**2)
    walk = np.eye(model.levels) * (1 - 2 * move) + (np.eye(model.levels, k=1) + np.eye(model.levels, k=-1)) * move
    walk[0, 0] = walk[-1, -1] = 1 - move
    kinds = len(model.dispersions) + len(model.echo_variances)
    slots = np.stack([_slot_moves(model, echo=kind >= len(model.dispersions)) for kind in range(kinds)])
    prior = np.asarray(model.noise_prior) / sum(model.noise_prior)
    sizes = 1 / np.asarray(model.dispersions)[:, None]
    constant = sizes * np.log(sizes) - gammaln(sizes)
    return Tables(
        *(np.ascontiguousarray(part, dtype=np.float32) for part in (offsets, jump, walk, slots, prior, sizes, constant))
    )


def _slot_moves(model: ShareModel, *, echo: bool) -> NDArray[np.float64]:
    """Matrix (to, from) of the moves between slots in a week without a jump. A slot of n weeks is left with probability 1/n."""
    stays = model.echo_event_stays if echo else model.event_stays
    count = len(model.ages) + NEWEST
    moves = np.zeros((count, count))
    moves[OLD, OLD], moves[EVENT, OLD] = 1 - model.event, model.event
    moves[OLD, EVENT], moves[EVENT, EVENT] = 1 - stays, stays
    for number, width in enumerate(model.ages):
        slot = NEWEST + number
        moves[slot, slot] = 1 - 1 / width
        moves[slot + 1 if slot + 1 < count else OLD, slot] = 1 / width
    return moves * (1 - model.hazard)


def pool_noise(noise: Floats, model: ShareModel | None = None, *, weight: float = 4.0) -> tuple[float, ...]:
    """A noise prior for further series of a source, learned from its long ones: empirical Bayes.

    Args:
        noise: `(series, kinds)`, what `ShareFilter.noise` says of each of them after a year or more.
        weight: how many series the general prior counts for.

    Returns:
        a `noise_prior` for `ShareModel`; it differs little from the general one until there are a few series.
    """
    general = np.asarray((model or ShareModel()).noise_prior)
    pooled = (general / general.sum() * weight + noise.sum(axis=0)) / (weight + len(noise))
    return tuple(float(part) for part in pooled / pooled.sum())
