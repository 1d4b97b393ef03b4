"""What would change a status: the product's own rules, tried on weeks that have not been. Pure; numpy.

The next four weeks are made up with as many stories as the pair has of late, and a signal in none, some or all of them. The smallest
number above the present share, and the largest below it, at which the status is another one, are what a reader should watch for.
"""

from __future__ import annotations

import copy

import numpy as np

from models.labels import LABELS
from streams.bulletin.figures import Turn
from streams.standing.pair import PairWatch
from streams.standing.weeks import SERIES_DOMAINS, WEEK_SHAPE
from streams.trends.status import HALF_YEAR, Standing

WEEKS_TRIED = 4
#: Numbers of stories that are tried between none and all.
MOST_TRIED = 24
_DOMAINS = len(SERIES_DOMAINS)


def turns_of(watch: PairWatch) -> dict[str, tuple[Turn, ...]]:
    """Label -> what would change its status; nothing for one that is too sparse, or that nothing within reach would change."""
    now = watch.standings(watch.breaks())[::_DOMAINS]
    judged = [at for at, one in enumerate(now) if one.status != "too-sparse" and at * _DOMAINS in watch.followed]
    exposure = _usual_exposure(watch)
    if not judged or not exposure:
        return {}
    tried = [(stories, _statuses_with(watch, judged, stories, exposure)) for stories in _tried(exposure)]
    return {str(LABELS[at]): _turns(now[at], [(stories, statuses[at]) for stories, statuses in tried], exposure) for at in judged}


def _usual_exposure(watch: PairWatch) -> int:
    exposure = watch.rows[:, 0, 0]
    seen = exposure[exposure > 0][-HALF_YEAR:]
    return max(1, round(float(seen.mean()))) if len(seen) else 0


def _tried(exposure: int) -> list[int]:
    return sorted({round(exposure * step / MOST_TRIED) for step in range(MOST_TRIED + 1)})


def _statuses_with(watch: PairWatch, judged: list[int], stories: int, exposure: int) -> dict[int, str]:
    """The status of each judged label after the weeks that are tried. Series do not weigh on each other, so all are tried at once."""
    week = np.zeros(WEEK_SHAPE, np.uint32)
    week[0, 0] = exposure
    week[[1 + at for at in judged], 0] = stories
    trial = copy.deepcopy(watch)
    trial.extend(np.repeat(week[np.newaxis], WEEKS_TRIED, axis=0))
    after = trial.standings(trial.breaks())
    return {at: after[at * _DOMAINS].status for at in judged}


def _turns(now: Standing, tried: list[tuple[int, str]], exposure: int) -> tuple[Turn, ...]:
    level = now.share * exposure
    above = next(((n, status) for n, status in tried if n > level and status != now.status), None)
    below = next(((n, status) for n, status in reversed(tried) if n < level and status != now.status), None)
    return tuple(
        Turn(upwards, found[0], exposure, WEEKS_TRIED, found[1]) for upwards, found in ((True, above), (False, below)) if found
    )
