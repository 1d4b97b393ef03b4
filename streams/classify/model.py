"""The model as the settings name it. Apart from the worker, so that a command that only classifies does not load Faust."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from models.results import Text
from streams.settings import Settings

if TYPE_CHECKING:
    from models.predict import Predictor


def load_predictor(settings: Settings) -> Predictor:
    """The model, warmed up: lexicons are built when they are first used, and that should not delay the first batch.

    Its libraries are imported here, so that a process can do something else meanwhile.

    Raises:
        ModelError: if the model is missing or does not match.
    """
    gc.disable()  # what is loaded stays: to look through it for garbage, again and again, takes a tenth of the time
    try:
        from models import languages
        from models.predict import Predictor

        predictor = Predictor.load(settings.model, encoder=settings.encoder)
        languages.preload()
        predictor.classify([Text("Belarus and Russia", "Belarus and Russia signed an agreement."), Text("", "Беларусь і Расія.")])
    finally:
        gc.enable()
    gc.freeze()
    return predictor
