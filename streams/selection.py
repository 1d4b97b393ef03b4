"""Which of many breaks to report at once: control of the false discovery rate over all pairs and signals. Pure.

Hundreds of series are watched, and an alarm that is wrong once in twenty years of one series is wrong every few weeks somewhere.
An alarm is raised for each series alone; which of them make the front page is chosen here, from their probabilities now.
"""

from __future__ import annotations

from collections.abc import Sequence


def select_breaks(probabilities: Sequence[float], false_share: float = 0.2) -> list[int]:
    """Which of many breaks to report at once, so that at most `false_share` of the reported are expected to be false.

    Takes the most probable ones for as long as the mean of (1 - probability) stays within `false_share`: Bayesian control of the
    false discovery rate (Newton, Noueiry, Sarkar and Ahlquist, Biostatistics 5, 2004; Müller, Parmigiani and Rice, 2006). It
    holds as far as the probabilities are calibrated.

    >>> select_breaks([0.3, 0.95, 0.9, 0.6], false_share=0.2)
    [1, 2, 3]
    """
    order = sorted(range(len(probabilities)), key=lambda number: -probabilities[number])
    doubt, chosen = 0.0, []
    for taken, number in enumerate(order, start=1):
        doubt += 1 - probabilities[number]
        if doubt > false_share * taken + 1e-12:
            break
        chosen.append(number)
    return sorted(chosen)
