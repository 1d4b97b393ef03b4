"""The model as the settings name it. Apart from the worker, so that a command that only classifies does not load Faust."""

from __future__ import annotations

from models.predict import Predictor
from models.results import Text
from streams.settings import Settings


def load_predictor(settings: Settings) -> Predictor:
    """The model, warmed up: lexicons are built when they are first used, and that should not delay the first batch.

    Raises:
        ModelError: if the model is missing or does not match.
    """
    predictor = Predictor.load(settings.model, encoder=settings.encoder)
    predictor.classify([Text("Belarus and Russia", "Belarus and Russia signed an agreement."), Text("", "Беларусь і Расія.")])
    return predictor
