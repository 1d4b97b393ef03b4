"""The way into `models`: texts in, one `Classified` each out.

A text is read (language, actors, passages, masked texts), scored as a whole and passage by passage, and decided: a label stands for the
article by both scores together, and for a pair of states by the passages that tie it to that pair. Texts that name no two states,
or that are in another language, are not scored: they cannot carry a signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from models.actors import MAX_PAIRS, direction
from models.artifact import Artifact, Calibration, load
from models.explain import Explainer
from models.explanation import Explanation, LabelReason, Mark, marks_of
from models.labels import DOMAINS, LABELS, TARGETS
from models.reading import ENCODED, SUPPORTED, Reading, read
from models.results import Classified, PairSignal, Text
from models.scoring import Batch, Scorer, Scores, encoder_scores, probability

#: Why nothing was decided: no text, a language that the model was not trained for, fewer than two states named.
EMPTY, LANGUAGE, NO_ACTORS = "empty", "language", "no-actors"
#: Signals of one article, at most; the surest stay.
MAX_SIGNALS = 30
#: An item whose every label the linear model finds less likely than this is not read by the encoder.
SURE_OF_NONE = 0.1
_Pair = tuple[str, str]
_SCORED_AT_ONCE = 512
#: How much a pair that the item is less about weighs against the one that it is about most.
_SIDE_PAIR = 0.8


class Predictor:
    """Classifies texts with a trained model. Holds no state between calls; not tied to a thread.

    Args:
        artifact: a model that was loaded and found to match.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._calibration = [artifact.manifest.calibration[target] for target in TARGETS]
        self._prior = artifact.manifest.domain_shares
        self._scorer = Scorer(artifact.linear)
        self._explainer = Explainer(artifact.linear)
        self._version = artifact.version
        self._encoder = artifact.encoder
        self._encoded = [artifact.manifest.encoded.get(label) for label in LABELS]

    @classmethod
    def load(cls, path: Path | None = None, *, encoder: bool = True) -> Self:
        """The predictor of the model in the folder `path`; None means the one that comes with Bellwether.

        Args:
            path: of the model.
            encoder: False for the linear model alone: several times as fast where most items are about a pair, and less right.

        Raises:
            ModelError: if the model is missing, damaged or not one for this version.
        """
        artifact = load(path)
        return cls(artifact if encoder else replace(artifact, encoder=None, version=f"{artifact.version}-linear"))

    @property
    def version(self) -> str:
        """Which model it is: equal versions give equal answers."""
        return self._version

    def classify(self, texts: Sequence[Text]) -> list[Classified]:
        """One answer for each text, in order; an answer does not depend on the other texts of the call.

        Any text gets an answer: an empty one, one in another language, or one that names no two states is not decided, and
        `abstained` says why.
        """
        answers: list[Classified] = []
        for start in range(0, len(texts), _SCORED_AT_ONCE):
            answers.extend(self._classify_some(texts[start : start + _SCORED_AT_ONCE]))
        return answers

    def explain(self, text: Text) -> Explanation:
        """The answer to one text, and for each label what speaks for it: also for those that were not decided."""
        reading, (found,) = read(text), self.classify([text])
        if found.abstained:
            return Explanation(text, found)
        batch = self._scorer.score([reading])
        (scores,) = batch.scores
        reasons = tuple(self._reason(reading, scores, batch, k, found) for k in range(len(LABELS)))
        return Explanation(text, found, reasons, self._marks(reading, scores, found))

    def _reason(self, reading: Reading, scores: Scores, batch: Batch, target: int, found: Classified) -> LabelReason:
        """A label by the passage that its signal was read from, else by the one that scores highest."""
        label = str(LABELS[target])
        signal = next((one for one in found.signals if one.label == label), None)
        texts = [passage.text for passage in reading.scored_passages]
        place = texts.index(signal.evidence) if signal else int(scores.passages[:, target].argmax())
        score = float(scores.passages[place, target])
        return LabelReason(
            label=label, probability=found.labels[label], threshold=found.thresholds[label], decided=label in found.decided,
            unsure=label in found.unsure, passage=texts[place], alone=probability(self._calibration[target], score, score),
            terms=self._terms(reading, scores, batch, target, place), tied=signal is not None,
        )  # fmt: skip

    def _marks(self, reading: Reading, scores: Scores, found: Classified) -> tuple[Mark, ...]:
        calibration = self._calibration[: len(LABELS)]
        over = [
            {
                label: probability(c, score, score) - c.threshold
                for label, c, score in zip(map(str, LABELS), calibration, row, strict=False)
            }
            for row in scores.passages.tolist()
        ]
        return marks_of(reading.scored_passages, over, found)

    def _classify_some(self, texts: Sequence[Text]) -> list[Classified]:
        readings = [read(text) for text in texts]
        reasons = [_abstains(reading) for reading in readings]
        decidable = [reading for reading, reason in zip(readings, reasons, strict=True) if not reason]
        batch = self._scorer.score(decidable)
        judged = zip(decidable, batch.scores, self._probabilities(decidable, batch), strict=True)
        decided = (self._decide(reading, scores, batch, *probabilities) for reading, scores, probabilities in judged)
        return [
            self._abstain(reading, reason) if reason else next(decided) for reading, reason in zip(readings, reasons, strict=True)
        ]

    def _abstain(self, reading: Reading, reason: str) -> Classified:
        """The answer to a text that is not scored: no label, the domains as they are shared out in the corpus."""
        return Classified(
            language=reading.language,
            labels=dict.fromkeys(map(str, LABELS), 0.0),
            decided=(),
            domains=dict(self._prior),
            decided_domains=(max(self._prior, key=self._prior.__getitem__),),
            actors=reading.actors,
            abstained=reason,
        )

    def _decide(
        self, reading: Reading, scores: Scores, batch: Batch, values: Sequence[float], calibration: Sequence[Calibration]
    ) -> Classified:
        count = len(LABELS)
        passed = [value >= c.threshold for value, c in zip(values, calibration, strict=True)]
        decided = [k for k in range(count) if passed[k]]
        domains = {str(domain): values[count + k] for k, domain in enumerate(DOMAINS)}
        by_label = [(str(label), values[k], calibration[k]) for k, label in enumerate(LABELS)]
        signals = self._signals(reading, scores, batch, {k: values[k] for k in decided})
        return Classified(
            language=reading.language,
            labels={label: value for label, value, _ in by_label},
            decided=tuple(str(LABELS[k]) for k in decided),
            domains=domains,
            decided_domains=self._main_first(domains, passed[count:]),
            actors=reading.actors,
            pairs=_with_signals(reading.pairs, signals),
            signals=signals,
            unsure=tuple(label for label, value, c in by_label if c.unsure_from <= value < c.unsure_to),
            thresholds={label: c.threshold for label, _, c in by_label},
        )

    def _probabilities(self, readings: Sequence[Reading], batch: Batch) -> list[tuple[list[float], list[Calibration]]]:
        """For each reading (the probability of each target, the calibration that gave it).

        The encoder reads the English items that the linear model is not sure to carry no signal; its word on the labels then counts.
        """
        inputs = [scores.inputs().tolist() for scores in batch.scores]
        found = [
            ([probability(c, *pair) for c, pair in zip(self._calibration, one, strict=True)], list(self._calibration))
            for one in inputs
        ]
        if self._encoder is None:
            return found
        unsure = [
            k for k, (reading, (values, _)) in enumerate(zip(readings, found, strict=True))
            if reading.language in ENCODED and max(values[: len(LABELS)]) >= SURE_OF_NONE
        ]  # fmt: skip
        if unsure:
            for k, row in zip(unsure, encoder_scores(self._encoder, [readings[k] for k in unsure]).tolist(), strict=True):
                self._hear_encoder(*found[k], inputs[k], row)
        return found

    def _hear_encoder(
        self, values: list[float], calibration: list[Calibration], inputs: Sequence[tuple[float, float]], read_by: Sequence[float]
    ) -> None:
        """Puts the labels' probabilities by both models, and the calibration that gives them, in place of the linear ones."""
        for k, encoded in enumerate(self._encoded):
            if encoded is not None:
                calibration[k], values[k] = encoded, probability(encoded, *inputs[k], read_by[k])

    @staticmethod
    def _main_first(domains: dict[str, float], passed: Sequence[bool]) -> tuple[str, ...]:
        """The most likely domain, then the others over their thresholds, the likelier first."""
        ranked = sorted(domains, key=lambda name: -domains[name])
        over = {name for name, stands in zip(domains, passed, strict=True) if stands}
        return (ranked[0], *(name for name in ranked[1:] if name in over))

    def _signals(self, reading: Reading, scores: Scores, batch: Batch, decided: dict[int, float]) -> tuple[PairSignal, ...]:
        """The decided labels by pair, the surest first.

        Args:
            decided: place of each decided label -> its probability for the article.
        """
        found: list[PairSignal] = []
        for target, article in decided.items():
            pairs = self._pairs_of(reading, scores, target, article)
            terms = {
                place: self._terms(reading, scores, batch, target, place) for place in {place for _, place in pairs.values()}
            }
            for pair, (value, place) in pairs.items():
                domain, evidence = self._passage_domain(scores, place), reading.scored_passages[place].text
                found.append(PairSignal(*pair, str(LABELS[target]), value, domain, evidence, terms[place]))
        found.sort(key=lambda signal: -signal.probability)
        return tuple(found[:MAX_SIGNALS])

    def _terms(self, reading: Reading, scores: Scores, batch: Batch, target: int, place: int) -> tuple[str, ...]:
        """The words of a passage that speak for a target."""
        masked, row = reading.masked_passage(reading.scored_passages[place]), batch.features[scores.rows[place]]
        return self._explainer.terms(masked, row, self._scorer.weights[:, target])

    def _pairs_of(self, reading: Reading, scores: Scores, target: int, article: float) -> dict[_Pair, tuple[float, int]]:
        """(source, partner) -> (probability, place of the passage that shows it most clearly) for a decided label.

        A pair is judged by its best passage read alone. The surest pair carries the article's own probability; the pair that the item is
        about most is preferred there. Another pair needs a passage that would be decided by itself.
        """
        calibration = self._calibration[target]
        best: dict[_Pair, tuple[float, int]] = {}
        for place, passage in enumerate(reading.scored_passages):
            score = float(scores.passages[place, target])
            alone = probability(calibration, score, score)
            for pair in direction(passage, reading.mentions, str(LABELS[target])):
                if pair not in best or alone > best[pair][0]:
                    best[pair] = (alone, place)
        if not best:
            return {}
        main = reading.pairs[0] if reading.pairs else None
        ranked = {pair: value * (1 if _unordered(pair) == main else _SIDE_PAIR) for pair, (value, _) in best.items()}
        top = max(ranked.values())
        chosen: dict[_Pair, tuple[float, int]] = {}
        for pair, (value, place) in best.items():
            if ranked[pair] == top:
                chosen[pair] = (article, place)
            elif value >= calibration.threshold:
                chosen[pair] = (min(value, article), place)
        return chosen

    def _passage_domain(self, scores: Scores, place: int) -> str:
        values = scores.passages[place, len(LABELS) :]
        return str(DOMAINS[int(values.argmax())])


def _abstains(reading: Reading) -> str:
    """Why a text can't be decided on; "" when it can."""
    if reading.blank:
        return EMPTY
    if reading.language not in SUPPORTED:
        return LANGUAGE
    return NO_ACTORS if len(reading.actors) < 2 or not reading.scored_passages else ""


def _with_signals(pairs: tuple[_Pair, ...], signals: Sequence[PairSignal]) -> tuple[_Pair, ...]:
    """The item's pairs and those of its signals (a pair may be tied over two sentences), at most `MAX_PAIRS`."""
    signalled = dict.fromkeys(_unordered((signal.source, signal.partner)) for signal in signals)
    others = [pair for pair in pairs if pair not in signalled]
    kept = [*signalled, *others][:MAX_PAIRS]
    return (*(pair for pair in pairs if pair in kept), *(pair for pair in kept if pair not in pairs))


def _unordered(pair: _Pair) -> _Pair:
    return (min(pair), max(pair))
