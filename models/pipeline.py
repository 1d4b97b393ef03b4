"""The model's shape, in one expression: masked texts in, one score for every label and domain out.

    masked text --+-- beginnings of words -----> TF-IDF of 1- and 2-grams --+--> one logistic regression a target
                  +-- cues, masked actors -----> TF-IDF of 1- and 2-grams --+

It is trained in `train`, stored in `artifact` and used in `predict`.
"""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline

from models.features import CueTokens, TokenTfidf, WordTokens
from models.labels import DOMAINS, LABELS

#: What the pipeline scores, in the order of its outputs.
TARGETS: tuple[str, ...] = (*LABELS, *DOMAINS)


def build_pipeline(*, strength: float = 1.0, seed: int = 0) -> Pipeline:
    """An untrained pipeline.

    Args:
        strength: inverse of the regularisation (`C`); lower is more cautious.
        seed: of the solver.
    """
    words = Pipeline([("tokens", WordTokens(letters=5)), ("tfidf", TokenTfidf(longest=2, min_df=2))])
    cues = Pipeline([("tokens", CueTokens()), ("tfidf", TokenTfidf(longest=2, min_df=2))])
    return Pipeline(
        [
            ("features", FeatureUnion([("words", words), ("cues", cues)])),
            ("targets", OneVsRestClassifier(LogisticRegression(C=strength, max_iter=1000, random_state=seed))),
        ]
    )
