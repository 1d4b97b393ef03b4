"""Weekly series whose truth is known: shares of a varying exposure, quiet or noisy, with or without a break.

The generator is deliberately wider than any one data set: dispersion, autocorrelation, events of one or two weeks, drifts,
and an exposure that changes its level, so that settings chosen on it are not settings for one simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["null", "step", "passing", "drift", "spikes"]
REFERENCE_EXPOSURE = 500.0


@dataclass(frozen=True)
class Noise:
    """How the share strays from its level: `dispersion` week by week, `sd` and `phi` of an autoregressive log-deviation."""

    dispersion: float = 0.0
    sd: float = 0.0
    phi: float = 0.0
    event_weeks: int = 1


CALM = Noise()
DISPERSED = Noise(dispersion=0.1)
ECHOING = Noise(sd=0.3, phi=0.65, event_weeks=2)


@dataclass(frozen=True)
class Simulated:
    """One series and its truth; `change` is the first row of the new regime, -1 where there is none."""

    counts: NDArray[np.int64]
    exposure: NDArray[np.int64]
    change: int
    kind: Kind
    factor: float


def simulate(
    generator: np.random.Generator,
    *,
    rate: float = 10.0,
    weeks: int = 208,
    kind: Kind = "null",
    factor: float = 2.0,
    noise: Noise = CALM,
    change: int | None = None,
    feed_change: bool = True,
) -> Simulated:
    """One series of `weeks` counts with `rate` expected a week at the reference exposure.

    `step` multiplies the share by `factor` from `change` on (drawn between 30 % and 70 % of the length unless given);
    `passing` goes back after 3 to 40 weeks; `drift` takes two years; `spikes` are two events of five times the share.
    """
    at = int(generator.integers(int(0.3 * weeks), int(0.7 * weeks))) if change is None else change
    log_share = np.log(rate / REFERENCE_EXPOSURE) + _course(weeks, kind, factor, at) + _deviation(generator, weeks, noise)
    if kind == "spikes":
        for start in generator.integers(weeks // 10, weeks - 2, size=2):
            log_share[start : start + noise.event_weeks] += np.log(5.0 if noise.event_weeks == 1 else 4.0)
    if kind == "passing":
        log_share[at + int(generator.integers(3, 40)) :] -= np.log(factor)
    exposure = exposures(generator, weeks, feed_change=feed_change)
    mean = exposure * np.minimum(np.exp(log_share), 0.95)
    if noise.dispersion:
        mean = mean * generator.gamma(1 / noise.dispersion, noise.dispersion, size=weeks)
    counts = np.minimum(generator.poisson(mean), exposure)
    return Simulated(counts, exposure, at if kind in ("step", "passing") else -1, kind, factor)


def exposures(generator: np.random.Generator, weeks: int, *, feed_change: bool = True) -> NDArray[np.int64]:
    """Articles a week about the pair: noisy, seldom thin for some weeks, and half of the time a feed list is doubled or halved."""
    log_level = np.full(weeks, np.log(REFERENCE_EXPOSURE))
    if feed_change and generator.random() < 0.5:
        log_level[int(generator.integers(10, weeks - 10)) :] += np.log(generator.choice([2.0, 0.5]))
    if generator.random() < 0.5:
        start = int(generator.integers(5, weeks - 5))
        log_level[start : start + 4] += np.log(0.75)
    return np.maximum(generator.poisson(np.exp(log_level + generator.normal(0, 0.13, size=weeks))), 1)


def _course(weeks: int, kind: Kind, factor: float, at: int) -> NDArray[np.float64]:
    time = np.arange(weeks)
    if kind in ("step", "passing"):
        return np.asarray(np.log(factor) * (time >= at))
    if kind == "drift":
        return np.asarray(np.log(factor) * np.clip((time - at) / 104.0, 0.0, 1.0))
    return np.zeros(weeks)


def _deviation(generator: np.random.Generator, weeks: int, noise: Noise) -> NDArray[np.float64]:
    if not noise.sd:
        return np.zeros(weeks)
    shocks = generator.normal(0, noise.sd, size=weeks)
    shocks[1:] *= np.sqrt(1 - noise.phi**2)
    values = np.empty(weeks)
    values[0] = shocks[0]
    for week in range(1, weeks):
        values[week] = noise.phi * values[week - 1] + shocks[week]
    return values


def many(
    seed: int,
    amount: int,
    *,
    rate: float = 10.0,
    kind: Kind = "null",
    factor: float = 2.0,
    noises: Sequence[Noise] = (CALM, DISPERSED),
) -> list[Simulated]:
    """`amount` series of 208 weeks, the kinds of noise taking turns; the same seed gives the same series."""
    generator = np.random.default_rng(seed)
    return [
        simulate(generator, rate=rate, kind=kind, factor=factor, noise=noises[number % len(noises)]) for number in range(amount)
    ]
