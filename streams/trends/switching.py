"""How likely it is that the share of a weekly count has jumped: an exact filter on a lattice, in numpy, without I/O.

What comes in: week after week, a count and the exposure that it is out of. What is kept, for each series: a probability for
every combination of level (log-share on a lattice), time since the last jump (a slot) and kind of noise. What goes out: those
probabilities, summed in the ways that `breaks.py` asks for. It decides nothing.

The model, in words. The log-share stays where it is but for a tiny random walk (which takes up slow drift), and jumps with a
small hazard, most likely by about a factor of two. Counts scatter around share x exposure by one of seven kinds of noise, and
each series learns which is its own: four are independent from week to week (negative binomial), three echo, an autoregressive
log-deviation which is followed by a Gaussian in each cell. Single weeks may be events: they leave the level alone.

Literature: Adams and MacKay, Bayesian online changepoint detection (arXiv:0710.3742), for the run length; Harrison and Stevens,
Bayesian forecasting (JRSS B 38, 1976), for steady, outlier and jump states filtered together; Chen and Liu, Mixture Kalman
filters (JRSS B 62, 2000), for the Gaussian inside a discrete cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from streams.trends.share_model import EVENT, NEWEST, OLD, Floats, ShareModel, tables

_TINY = np.float32(1e-30)


class ShareFilter:
    """The filter over `series` series at once (one, in the stream); every series is filtered as if it were alone.

    Not thread-safe. `update` takes about 150 us for one series, and a series' state is 16 kB whatever its length.
    """

    def __init__(self, series: int = 1, model: ShareModel | None = None) -> None:
        self.model = model or ShareModel()
        self._tables = tables(self.model)
        self._independent = len(self.model.dispersions)
        kinds, echoes, slots = len(self.model.noise_prior), len(self.model.echo_variances), len(self.model.ages) + NEWEST
        self.weights: Floats = np.zeros((series, kinds, slots, self.model.levels), np.float32)
        self.weights[:, :, OLD] = self._tables.prior[:, None] / self.model.levels
        self.deviations: Floats = np.zeros((series, echoes, slots, self.model.levels), np.float32)
        self._stationary = np.asarray(self.model.echo_variances, np.float32)[None, :, None]
        self.spreads: Floats = np.repeat(np.repeat(self._stationary, series, axis=0), self.model.levels, axis=2)
        self.centres = np.full(series, np.nan, np.float32)

    def update(self, counts: NDArray[np.float64], exposure: NDArray[np.float64]) -> None:
        """Takes in one week of each series, shapes `(series,)`. A week without exposure, or not finite, tells nothing.

        Time passes all the same in such a week: the slots grow older, and what is known of the echo fades.
        """
        seen = (exposure > 0) & np.isfinite(counts) & np.isfinite(exposure)
        fresh = np.isnan(self.centres) & seen
        begun = ~np.isnan(self.centres)
        if fresh.any():
            self.centres[fresh] = np.log((counts[fresh] + 0.5) / exposure[fresh])
        if begun.all():
            self._pass_week()
        elif begun.any():
            self._pass_week_of(np.flatnonzero(begun))
        if seen.all():
            self._learn(counts.astype(np.float32), exposure.astype(np.float32))
        elif seen.any():
            self._learn_of(np.flatnonzero(seen), counts, exposure)

    def _pass_week(self) -> None:
        total = self.weights.sum(axis=2)
        jumped = total @ self._tables.jump
        echoing = self.weights[:, self._independent :]
        weighted = echoing * self.deviations
        mass = total[:, self._independent :].sum(axis=2, keepdims=True)
        carried = weighted.sum(axis=2).sum(axis=2, keepdims=True) / np.maximum(mass, _TINY)
        moved_deviations = self._tables.slots[self._independent :] @ weighted
        moved_mass = self._tables.slots[self._independent :] @ echoing
        self.deviations = np.asarray(moved_deviations / np.maximum(moved_mass, _TINY), np.float32)
        self.deviations[:, :, NEWEST] = carried
        phi = np.float32(self.model.echo_phi)
        self.deviations *= phi
        self.spreads = np.asarray(phi**2 * self.spreads + self._stationary * (1 - phi**2), np.float32)
        self.weights = np.asarray((self._tables.slots @ self.weights) @ self._tables.walk, np.float32)
        self.weights[:, :, NEWEST] += jumped

    def _learn(self, counts: Floats, exposure: Floats) -> None:
        log_mean = (self.centres + np.log(exposure))[:, None] + self._tables.offsets
        mean = np.exp(log_mean)
        count = counts[:, None, None]
        calm = self._log_independent(count, log_mean[:, None], mean[:, None])
        echo, echo_mean = self._log_echo(count, log_mean)
        event = _log_event(counts[:, None], log_mean, mean)
        top = np.maximum(np.maximum(calm.max(axis=(1, 2)), echo.max(axis=(1, 2, 3))), event.max(axis=1))[:, None]
        event = np.asarray(np.exp(event - top), np.float32)
        one_off = np.float32(self.model.one_off)
        calm = np.asarray(np.exp(calm - top[:, None]) * (1 - one_off) + one_off * event[:, None], np.float32)
        echo = np.exp(echo - top[:, None, None]) * (1 - one_off) + one_off * event[:, None, None]
        in_event = self.weights[:, :, EVENT] * event[:, None]
        self.weights[:, : self._independent] *= calm[:, :, None]
        self.weights[:, self._independent :] *= echo
        self.weights[:, :, EVENT] = in_event
        flat = self.weights.reshape(len(counts), -1)
        flat /= np.maximum(flat.sum(axis=1, keepdims=True), _TINY)
        self._follow_echo(count, mean, echo_mean)
        self._move_lattice()

    def _log_independent(self, count: Floats, log_mean: Floats, mean: Floats) -> Floats:
        sizes = self._tables.sizes
        constant = gammaln(count + sizes) + self._tables.sizes_constant
        return np.asarray(constant - (count + sizes) * np.log(sizes + mean) + count * log_mean, np.float32)

    def _log_echo(self, count: Floats, log_mean: Floats) -> tuple[Floats, Floats]:
        log_mean = np.asarray(log_mean[:, None, None] + self.deviations + (self.spreads / 2)[:, :, None], np.float32)
        mean = np.exp(log_mean)
        sizes = 1 / (np.float32(self.model.echo_dispersion) + np.expm1(self.spreads))
        constant = gammaln(count + sizes) - gammaln(sizes) + sizes * np.log(sizes)
        sizes, count = sizes[:, :, None], count[..., None]
        return constant[:, :, None] - (count + sizes) * np.log(sizes + mean) + count * log_mean, mean

    def _follow_echo(self, count: Floats, mean: Floats, echo_mean: Floats) -> None:
        """One step of a Kalman filter in the log: how far the count is from what each cell expected, damped by its noise."""
        rest = np.float32(self.model.echo_dispersion)
        spreads, wide_count = self.spreads[:, :, None], count[..., None]
        gain = spreads / (spreads + rest + 1 / ((wide_count + echo_mean) / 2 + np.float32(0.5)))
        limit = np.float32(self.model.largest_surprise)
        surprise = np.clip(np.log((wide_count + np.float32(0.5)) / (echo_mean + np.float32(0.5))), -limit, limit)
        gain[:, :, EVENT] = 0  # what happens in an event is not the echo's doing
        self.deviations += np.asarray(gain * surprise, np.float32)
        gain = self.spreads / (self.spreads + rest + 1 / ((count + mean[:, None]) / 2 + np.float32(0.5)))
        self.spreads = np.asarray(self.spreads * (1 - gain), np.float32)

    def _move_lattice(self) -> None:
        """Moves the lattice by eight steps where the level has come near its edge; the new cells begin as copies of the edge."""
        place = self.level_weights() @ np.arange(self.model.levels, dtype=np.float32)
        for number in np.flatnonzero((place < 8) | (place > self.model.levels - 9)):
            by = 8 if place[number] > self.model.levels / 2 else -8
            source = np.clip(np.arange(self.model.levels) + by, 0, self.model.levels - 1)
            self.weights[number] = self.weights[number][..., source]
            self.weights[number] /= self.weights[number].sum()
            self.deviations[number] = self.deviations[number][..., source]
            self.spreads[number] = self.spreads[number][..., source]
            self.centres[number] += np.float32(by * self.model.step)

    def _pass_week_of(self, numbers: NDArray[np.intp]) -> None:
        part = self._part(numbers)
        part._pass_week()  # noqa: SLF001
        self._put(numbers, part)

    def _learn_of(self, numbers: NDArray[np.intp], counts: NDArray[np.float64], exposure: NDArray[np.float64]) -> None:
        part = self._part(numbers)
        part._learn(counts[numbers].astype(np.float32), exposure[numbers].astype(np.float32))  # noqa: SLF001
        self._put(numbers, part)

    def _part(self, numbers: NDArray[np.intp]) -> ShareFilter:
        part = ShareFilter(0, self.model)
        part.weights, part.deviations = self.weights[numbers], self.deviations[numbers]
        part.spreads, part.centres = self.spreads[numbers], self.centres[numbers]
        return part

    def _put(self, numbers: NDArray[np.intp], part: ShareFilter) -> None:
        self.weights[numbers], self.deviations[numbers] = part.weights, part.deviations
        self.spreads[numbers], self.centres[numbers] = part.spreads, part.centres

    def level_weights(self) -> Floats:
        """`(series, levels)`: probability of each level of the lattice."""
        return np.asarray(self.weights.sum(axis=(1, 2)), np.float32)

    def shares(self) -> NDArray[np.float64]:
        """`(series,)`: the geometric mean of the share; NaN before the first week with exposure."""
        return np.exp(self.centres + self.level_weights() @ self._tables.offsets).astype(np.float64)

    def ages(self) -> tuple[Floats, Floats]:
        """Two arrays `(series, slots)`: probability that the last jump is in each slot of age, under independent and echoing noise."""
        by_slot = self.weights[:, :, NEWEST:].sum(axis=3)
        return by_slot[:, : self._independent].sum(axis=1), by_slot[:, self._independent :].sum(axis=1)

    def noise(self) -> Floats:
        """`(series, kinds)`: probability of each kind of noise, the independent ones first."""
        return np.asarray(self.weights.sum(axis=(2, 3)), np.float32)

    def state_bytes(self) -> int:
        """Bytes that one series' state takes."""
        total = self.weights.nbytes + self.deviations.nbytes + self.spreads.nbytes + self.centres.nbytes
        return total // len(self.centres)


def _log_event(count: Floats, log_mean: Floats, mean: Floats) -> Floats:
    """Log-probability of a week that does not follow the level: mostly several times as much, sometimes a fraction of it."""
    more, less = np.float32(3.5), np.float32(0.25)
    above = _log_count(count, np.float32(2.5), log_mean + np.log(more), mean * more) + np.float32(np.log(0.8))
    below = _log_count(count, np.float32(1.0), log_mean + np.log(less), mean * less) + np.float32(np.log(0.2))
    return np.asarray(np.logaddexp(above, below), np.float32)


def _log_count(count: Floats, size: np.float32, log_mean: Floats, mean: Floats) -> Floats:
    """Log of the negative binomial probability, without the term in `count` alone, which is the same everywhere."""
    constant = gammaln(count + size) - gammaln(size) + size * np.log(size)
    return np.asarray(constant - (count + size) * np.log(size + mean) + count * log_mean, np.float32)
