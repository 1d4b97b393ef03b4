"""The linear model as plain numbers: what `model.tsv` holds.

The file is tab-separated text: a header, a row of intercepts, then a row for each term, in the order of the features: the view that it belongs
to, the term, its inverse document frequency, and its weight for each target. Reading it builds scikit-learn's vectorizers out of these
strings and numbers and nothing else: there is no code, no class name and no path in it that could be followed. The numbers are written
in the fewest digits that give back the same float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.errors import ModelError
from models.features import LONGEST, VIEWS, TokenTfidf, feature_union
from models.labels import TARGETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.pipeline import FeatureUnion, Pipeline

#: Bytes of a file, at most: a larger one is not ours.
MAX_BYTES = 64_000_000
_COLUMNS = ("view", "term", "idf", *TARGETS)
_INTERCEPT = "intercept"

_Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LinearModel:
    """What a trained pipeline knows.

    Attributes:
        features: masked texts -> `(n_texts, n_features)`, trained.
        weights: `(n_features, n_targets)`.
        intercepts: `(n_targets,)`.
    """

    features: FeatureUnion
    weights: _Numbers
    intercepts: _Numbers

    @classmethod
    def of(cls, pipeline: Pipeline) -> Self:
        """The numbers of a pipeline of `models.pipeline.build_pipeline`, trained."""
        classifiers = pipeline.named_steps["targets"].estimators_
        weights = np.stack([one.coef_[0] for one in classifiers], axis=1).astype(np.float32)
        return cls(pipeline.named_steps["features"], weights, np.array([one.intercept_[0] for one in classifiers], np.float32))

    def score(self, texts: Sequence[str]) -> tuple[csr_matrix, _Numbers]:
        """(features `(n_texts, n_features)`, scores `(n_texts, n_targets)`: log-odds before calibration) of masked texts."""
        features = csr_matrix(self.features.transform(texts))
        return features, features @ self.weights + self.intercepts

    def vectorizers(self) -> dict[str, TokenTfidf]:
        """View -> its vectorizer, in the order of the features."""
        return {view: steps.named_steps["tfidf"] for view, steps in self.features.transformer_list}


def write_linear(model: LinearModel) -> bytes:
    """The file of a model: equal models give equal bytes."""
    return "".join("\t".join(cells) + "\n" for cells in _rows(model)).encode()


def _rows(model: LinearModel) -> Iterator[tuple[str, ...]]:
    yield _COLUMNS
    yield (_INTERCEPT, "", "1", *map(str, model.intercepts))
    weights = iter(model.weights)
    for view, vectorizer in model.vectorizers().items():
        for term, idf in zip(vectorizer.get_feature_names_out(), vectorizer.idf_, strict=True):
            yield (view, str(term), str(idf), *map(str, next(weights)))


def read_linear(content: bytes, where: str) -> LinearModel:
    """The model of a file.

    Args:
        content: of the file.
        where: the file's name, for errors.

    Raises:
        ModelError: if it is too large, has other columns or views, a row that does not fit, a term twice, or a number that is not finite.
    """
    if len(content) > MAX_BYTES:
        raise _unreadable(f"it has {len(content)} bytes, and {MAX_BYTES} are the most", where)
    try:
        header, *lines = content.decode("utf-8").removesuffix("\n").split("\n")
        if tuple(header.split("\t")) != _COLUMNS:
            raise ValueError("the columns differ")
        rows = [line.split("\t", 2) for line in lines]
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused for that
            numbers = np.array([row[2].split("\t") for row in rows], dtype=np.float32)
        return _built([row[:2] for row in rows], numbers)
    except (ValueError, IndexError) as error:
        raise _unreadable(str(error), where) from error


def _built(names: list[list[str]], numbers: _Numbers) -> LinearModel:
    """The model of the rows' (view, term) and `(n_rows, 1 + n_targets)` numbers, the intercepts first."""
    if numbers.ndim != 2 or numbers.shape[1] != 1 + len(TARGETS) or not np.isfinite(numbers).all():
        raise ValueError("a row does not have a finite number for every column")
    (first, _), *terms = names
    found = {view: [term for _, term in rows] for view, rows in groupby(terms, key=itemgetter(0))}
    if first != _INTERCEPT or tuple(found) != tuple(VIEWS) or sum(map(len, found.values())) != len(terms):
        raise ValueError("the rows are not the intercepts, then each view's terms")
    vectorizers, start = {}, 1
    for view, own in found.items():
        vectorizers[view] = TokenTfidf.of(own, numbers[start : start + len(own), 0], longest=LONGEST)
        start += len(own)
    return LinearModel(feature_union(vectorizers), np.ascontiguousarray(numbers[1:, 1:]), numbers[0, 1:].copy())


def _unreadable(why: str, where: str) -> ModelError:
    return ModelError(
        f"The model can't be read: {why}.", where=where, expected=f"tab-separated rows of {', '.join(_COLUMNS)}",
        todo="restore the file, or train the model again: `bellwether train`",
    )  # fmt: skip
