"""How a network learns: plain values, so that a plan can be made, stored and tested without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How a network learns.

    Attributes:
        epochs: times that each text is seen.
        rate: highest learning rate.
        layer_decay: factor on the rate for each layer further from the outputs.
        frozen_layers: layers that keep their weights, from the first, with the vectors of the pieces; 0 for none at all.
        dropout: share of the activations left out.
        batch: texts a step.
        seed: of everything random.
    """

    epochs: int
    rate: float
    layer_decay: float = 1.0
    frozen_layers: int = 0
    dropout: float = 0.05
    batch: int = 32
    seed: int = 0
