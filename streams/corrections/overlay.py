"""A person's word over the model's: facts and corrections in, the facts that stand out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from models.results import Classified
from streams.records import Correction, LabelFact, Signal, pair_key, split_pair

#: Label -> (sentence, terms): what would be cited for it, of every label.
Cited = Mapping[str, tuple[str, list[str]]]


def with_corrected_pairs(result: Classified, corrections: Iterable[Correction]) -> Classified:
    """The model's result, about the corrected pairs too: a person may see a pair that the model has missed."""
    named = {tuple(sorted(split_pair(c.pair))) for c in corrections if c.pair}
    missing = sorted(named - set(result.pairs))
    return replace(result, pairs=(*result.pairs, *((a, b) for a, b in missing))) if missing else result


def corrected_facts(facts: Iterable[Signal], corrections: Mapping[str, Correction], cited: Cited) -> list[Signal]:
    """The facts with the labels, and the domains, that people gave them.

    Args:
        corrections: pair -> its correction; "" for every pair without one of its own.
        cited: for labels that the model did not find for the pair.
    """
    found = []
    for fact in facts:
        correction = corrections.get(pair_key(fact.source, fact.partner), corrections.get(""))
        found.append(fact if correction is None else _corrected(fact, correction, cited))
    return found


def _corrected(fact: Signal, correction: Correction, cited: Cited) -> Signal:
    return msgspec.structs.replace(
        fact, labels={label: _label(fact, label, correction, cited) for label in sorted(correction.labels)},
        domains=sorted(correction.domains) or fact.domains, corrected=correction.by,
    )  # fmt: skip


def _label(fact: Signal, label: str, correction: Correction, cited: Cited) -> LabelFact:
    """Sure by word of a person; shown by the sentence that was given, else by the model's."""
    own = fact.labels.get(label)
    sentence, terms = (own.evidence, own.terms) if own else cited[label]
    if correction.sentence and correction.sentence != sentence:
        sentence, terms = correction.sentence, []
    return LabelFact(probability=1.0, evidence=sentence, terms=terms)


def mark_of(corrections: Iterable[Correction]) -> str:
    """16 hex digits, equal for corrections that give the same facts; empty for none."""
    found = sorted((c.pair, c.by, c.sentence, *sorted(c.labels), "", *sorted(c.domains)) for c in corrections)
    if not found:
        return ""
    return hashlib.blake2b("\x1f".join(_flat(found)).encode(), digest_size=8).hexdigest()


def _flat(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    for row in rows:
        yield from row
        yield "\x1e"
