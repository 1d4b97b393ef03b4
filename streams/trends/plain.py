"""How likely it is that a plain series of real numbers has changed its course: no exposure, no unit, no positivity assumed.

What comes in: value after value. What is kept: for each of six kinds of noise, the probability of every run length up to 24
rows (older runs are merged) with a normal-gamma posterior in each. What goes out: those probabilities. It decides nothing.

A kind of noise is a pair of autoregressive coefficients: values around a level, echoing values, a random walk with drift, and
two smoother walks. Each series learns which is its own, so that a wandering series is not cut into levels. The scale of the
noise is learned and shared by all runs; a row may be a one-off that fits nothing.

Literature: Adams and MacKay, Bayesian online changepoint detection (arXiv:0710.3742); Fearnhead and Liu, On-line inference for
multiple changepoint problems (JRSS B 69, 2007); Fearnhead and Rigaill, Changepoint detection in the presence of outliers (JASA
114, 2019), for why outliers need a component of their own; van den Burg and Williams (arXiv:2003.06222) for the benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Doubles = NDArray[np.float64]
_TINY = 1e-300


@dataclass(frozen=True)
class PlainModel:
    """The constants of the model; rows are the unit of time.

    Attributes:
        coefficients: what each kind of noise takes from the last value and from the one before.
        noise_prior: probability of each kind.
        wandering: the first kind that has no level to come back to.
        warm_up: rows from which the scale is learned before anything is said.
        runs: run lengths kept apart.
        hazard: probability of a change at a row.
        new_run: how much is known of a new run's mean, in rows (0.01: ten standard deviations of the noise).
        scale_memory: at most this many rows' worth of knowledge of the scale, so that it can change (in halves of rows).
        one_off, one_off_scale: probability of a row that fits nothing, and its spread in standard deviations.
    """

    coefficients: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.4, 0.0), (0.8, 0.0), (1.0, 0.0), (1.5, -0.5), (1.85, -0.85))
    noise_prior: tuple[float, ...] = (0.3, 0.2, 0.15, 0.15, 0.1, 0.1)
    wandering: int = 3
    warm_up: int = 8
    runs: int = 24
    hazard: float = 1 / 300
    new_run: float = 0.01
    scale_memory: float = 30.0
    scale_prior: float = 2.0
    one_off: float = 0.01
    one_off_scale: float = 6.0


class PlainFilter:
    """The filter over `series` series at once; every series is filtered as if it were alone. State: 6 kB a series."""

    def __init__(self, series: int = 1, model: PlainModel | None = None) -> None:
        self.model = model or PlainModel()
        kinds = len(self.model.coefficients)
        self._first, self._second = (np.asarray(part)[None, :] for part in zip(*self.model.coefficients, strict=True))
        self.begun = np.zeros(series, np.int64)
        self.start_values = np.zeros((series, self.model.warm_up + 1))
        self.last = np.zeros((series, 2))
        #: weight, mean, rows known of the mean, shape and rate of the precision, each `(series, kinds, runs)`
        self.cells = np.zeros((5, series, kinds, self.model.runs))

    def update(self, values: Doubles) -> None:
        """Takes in one row of each series, shape `(series,)`. A value that is not finite is a row that did not happen."""
        seen = np.isfinite(values)
        running = seen & (self.begun > self.model.warm_up)
        starting = np.flatnonzero(seen & ~running)
        if running.all():
            self.cells = self._learn(self.cells, values, self.last)
        elif running.any():
            self.cells[:, running] = self._learn(self.cells[:, running], values[running], self.last[running])
        for number in starting:
            self.start_values[number, self.begun[number]] = values[number]
            if self.begun[number] == self.model.warm_up:
                self.cells[:, number] = self._begin(self.start_values[number])
        self.last[seen, 1] = self.last[seen, 0]
        self.last[seen, 0] = values[seen]
        self.begun[seen] += 1

    def _begin(self, values: Doubles) -> Doubles:
        """The cells after the warm-up: one old run for each kind of noise, its scale half trusted."""
        cells = np.zeros(self.cells[:, 0].shape)
        steps = np.abs(np.diff(values))
        scale = max(float(np.median(steps)), 0.1 * float(steps.mean()), 1e-9 * abs(float(values[0])), 1e-12)
        prior = self.model.scale_prior
        for kind, (first, second) in enumerate(self.model.coefficients):
            shocks = values[2:] - first * values[1:-1] - second * values[:-2]
            spread = float(((shocks - shocks.mean()) ** 2).sum())
            shape, rate = prior + len(shocks) / 4, prior * (0.7 * scale) ** 2 + spread / 4
            cells[:, kind] = np.array([0.0, shocks.mean(), len(shocks), shape, rate])[:, None]
            cells[0, kind, -1] = self.model.noise_prior[kind] / sum(self.model.noise_prior)
        return cells

    def _learn(self, cells: Doubles, values: Doubles, last: Doubles) -> Doubles:
        weight, mean, rows, shape, rate = self._pass_row(cells)
        kept = np.minimum(shape, self.model.scale_memory)
        rate, shape = rate * (kept / shape), kept
        shocks = values[:, None] - self._first * last[:, :1] - self._second * last[:, 1:]
        off = shocks[:, :, None] - mean
        fits = np.log1p(-self.model.one_off) + _log_student(off, rate / shape * (1 + 1 / rows), 2 * shape)
        wide = np.log(self.model.one_off) + _log_student(off, rate / shape * self.model.one_off_scale**2, np.float64(3.0))
        both = np.logaddexp(fits, wide)
        belongs = 1 - np.exp(wide - both)
        log_weight = np.log(np.maximum(weight, _TINY)) + both
        weight = np.exp(log_weight - log_weight.max(axis=(1, 2), keepdims=True))
        weight /= weight.sum(axis=(1, 2), keepdims=True)
        more = rows + belongs
        rate = rate + belongs * rows * off**2 / (2 * more)
        return np.stack([weight, mean + belongs * off / more, more, shape + belongs / 2, rate])

    def _pass_row(self, cells: Doubles) -> Doubles:
        """Every run grows by a row; the two oldest are merged by their moments; a new run begins with the hazard."""
        weight = cells[0]
        moved = np.empty_like(cells)
        moved[..., 1:] = cells[..., :-1]
        moved[0] *= 1 - self.model.hazard
        older = weight[..., -2:]
        total = np.maximum(older.sum(axis=-1), _TINY)
        moved[1:, ..., -1] = (cells[1:, ..., -2:] * older).sum(axis=-1) / total
        moved[0, ..., -1] = total * (1 - self.model.hazard)
        mass = weight.sum(axis=-1)
        moved[1:, ..., 0] = (cells[1:] * weight).sum(axis=-1) / np.maximum(mass, _TINY)
        moved[2, ..., 0] = self.model.new_run
        moved[0, ..., 0] = mass * self.model.hazard
        return moved

    def runs(self) -> tuple[Doubles, Doubles]:
        """Two arrays `(series, runs)`: probability of each run length (1 first) of series with a level, and of wandering ones."""
        weight = self.cells[0]
        return weight[:, : self.model.wandering].sum(axis=1), weight[:, self.model.wandering :].sum(axis=1)

    def state_bytes(self) -> int:
        """Bytes that one series' state takes."""
        return int(self.cells.nbytes + self.start_values.nbytes + self.last.nbytes + self.begun.nbytes) // len(self.begun)


def _log_student(off: Doubles, square: Doubles, freedom: Doubles | np.float64) -> Doubles:
    """Log density of Student's t with `freedom` degrees and squared scale `square`, `off` from its centre."""
    constant = gammaln((freedom + 1) / 2) - gammaln(freedom / 2) - 0.5 * np.log(freedom * np.pi * square)
    return np.asarray(constant - (freedom + 1) / 2 * np.log1p(off**2 / (square * freedom)))
