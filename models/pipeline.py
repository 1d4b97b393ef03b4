"""The model's shape, in one expression: masked texts in, one score for every label and domain out.

    masked text --+-- beginnings of words -----> TF-IDF of 1- and 2-grams --+--> one logistic regression a target
                  +-- cues, masked actors -----> TF-IDF of 1- and 2-grams --+

It is trained in `train`; what it learned is stored by `linear` and used in `predict`, which needs scikit-learn's vectorizers alone.
"""

from __future__ import annotations

from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from models.features import LONGEST, VIEWS, TokenTfidf, feature_union


def build_pipeline(*, strength: float = 1.0, seed: int = 0) -> Pipeline:
    """An untrained pipeline.

    Args:
        strength: inverse of the regularisation (`C`); lower is more cautious.
        seed: of the solver.
    """
    return Pipeline(
        [
            ("features", feature_union({view: TokenTfidf(longest=LONGEST, min_df=2) for view in VIEWS})),
            ("targets", OneVsRestClassifier(LogisticRegression(C=strength, max_iter=1000, random_state=seed))),
        ]
    )
