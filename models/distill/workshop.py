"""What `models.train_encoder` trains with, in one place: needs the packages of requirements/train.lock."""

from __future__ import annotations

from models.distill.export import export
from models.distill.network import averaged, pretrained, probabilities, train_network

__all__ = ["averaged", "export", "pretrained", "probabilities", "train_network"]
