"""Corrections: what is one, which hold, what they do to facts, what can be said of an article, and how often one may try."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.board.attempts import Attempts
from streams.classify.memory import SCHEMA, ArticleMemory, Known
from streams.classify.stage import ClassifyStage
from streams.corrections import lookup
from streams.corrections.checking import MAX_SENTENCE_CHARS, read_correction
from streams.corrections.kept import Corrections
from streams.corrections.listing import fold
from streams.corrections.overlay import corrected_facts, mark_of, with_corrected_pairs
from streams.corrections.wording import Said, as_corrections
from streams.errors import ConfigError, RecordError
from streams.push.tokens import TokenCheck, TokenFile
from streams.records import Classification, Correction, DeadLetter, Evidence, Signal, correction_key, decode, encode
from streams.stage import InputRecord
from streams.state import PartitionStore, nothing_to_read
from streams.trends.sealing import seal, unseal
from streams.trends.windows import count_week
from tests.helpers.builders import article, article_record, classified, fact, pair_signal

CITED = {label: (f"the model's sentence on {label}", ["word"]) for label in ("cooperation", "symbolic-allegiance", "hedging")}


def correction(pair: str = "BLR-RUS", *labels: str, number: int = 1, **changes: Any) -> Correction:
    fields: dict[str, Any] = {
        "article_id": f"article-{number}", "pair": pair, "labels": list(labels), "digest": "d", "by": "Ann", "why": "it says so",
        "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return Correction(**{**fields, **changes})


def record(value: Correction | None, offset: int = 0, key: bytes | None = None) -> InputRecord:
    name = key if value is None else correction_key(value.pair, value.article_id)
    return InputRecord(offset, name, None if value is None else encode(value))


# -- what is one -------------------------------------------------------------------------------------------------------


def test_a_correction_comes_back_as_it_was_also_with_a_bar_in_the_id() -> None:
    written = correction("BLR-RUS", "hedging", article_id="feed|42")
    assert read_correction(record(written)) == ("BLR-RUS", "feed|42", written)
    assert read_correction(record(None, key=b"|article-1")) == ("", "article-1", None)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"labels": ["friendship"]}, "'friendship' is no label"),
        ({"labels": ["hedging", "hedging"]}, "stands there twice"),
        ({"domains": ["sports"]}, "'sports' is no domain"),
        ({"pair": "", "labels": ["hedging"]}, "labels and no pair"),
        ({"pair": "BLR-BLR"}, "not the key of a correction"),
        ({"by": ""}, "`by` is empty"),
        ({"why": "two\nlines"}, "no plain line"),
        ({"at": "yesterday"}, "its time can't be used"),
        ({"sentence": "x" * (MAX_SENTENCE_CHARS + 1)}, "too long"),
    ],
)
def test_what_can_not_be_laid_over_a_fact_is_refused_by_name(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(RecordError, match=what) as caught:
        read_correction(record(correction(**{"labels": ["hedging"], **changes})))
    assert caught.value.reason == "not-a-correction"


def test_a_key_that_names_another_article_is_refused() -> None:
    value = encode(correction("BLR-RUS", "hedging"))
    with pytest.raises(RecordError, match="name different articles"):
        read_correction(InputRecord(0, b"BLR-RUS|article-2", value))


# -- which hold --------------------------------------------------------------------------------------------------------

said = st.one_of(
    st.builds(
        correction, st.sampled_from(["BLR-RUS", "BLR-CHN"]), st.sampled_from(["hedging", "cooperation"]), number=st.integers(1, 2)
    ),
    st.builds(correction, st.just(""), number=st.integers(1, 2)),
    st.builds(correction, st.sampled_from(["", "BLR-RUS"]), number=st.integers(1, 2), withdrawn=st.just(True)),
    st.sampled_from([b"|article-1", b"BLR-RUS|article-1", b"no key"]),
)


def kept(records: Iterable[InputRecord], folder: str) -> dict[str, dict[str, Correction]]:
    store = PartitionStore(Path(folder) / "store.sqlite", SCHEMA, "origin")
    log = list(records)
    corrections = Corrections(
        store, lambda start: [[r for r in log if r.offset >= start]] if log and log[-1].offset >= start else []
    )
    corrections.catch_up()
    found = {f"article-{number}": corrections.of(f"article-{number}") for number in (1, 2)}
    store.close()
    return {article: of_article for article, of_article in found.items() if of_article}


@settings(deadline=None, max_examples=60)
@given(st.lists(said, max_size=8))
def test_what_holds_is_the_same_in_the_store_and_in_the_list_and_after_compaction(script: list[Correction | bytes]) -> None:
    log = [
        record(None, offset, one) if isinstance(one, bytes) else record(one, offset) for offset, one in enumerate(script)
    ]  # fmt: skip
    newest = {entry.key: entry for entry in log}
    compacted = [entry for entry in log if newest[entry.key] is entry]
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        assert kept(log, first) == fold(log) == kept(compacted, second) == fold(compacted)


def test_the_newest_word_on_an_article_takes_the_place_of_what_was_said_of_its_pairs() -> None:
    log = [record(correction("BLR-RUS", "hedging"), 0), record(correction(""), 1), record(correction("BLR-CHN", "hedging"), 2)]
    assert {pair: one.labels for pair, one in fold(log)["article-1"].items()} == {"": [], "BLR-CHN": ["hedging"]}
    assert fold([*log, record(correction("", withdrawn=True), 3)]) == {}


def test_the_mark_changes_with_what_changes_facts_and_with_nothing_else() -> None:
    one = correction("BLR-RUS", "hedging")
    same = [msgspec.structs.replace(one, at="2027-01-01T00:00:00Z", why="another reason", digest="e")]
    changes: list[dict[str, Any]] = [{"labels": []}, {"by": "Bo"}, {"sentence": "this"}, {"domains": ["economy"]}]
    others = [msgspec.structs.replace(one, **change) for change in changes]
    assert mark_of(same) == mark_of([one])
    assert len({mark_of([one]), *(mark_of([other]) for other in others), mark_of([])}) == 6


def test_what_is_no_correction_is_a_dead_letter_once_and_holds_nothing_up(tmp_path: Path) -> None:
    log = [
        InputRecord(0, b"no key", b"{}"),
        record(correction("BLR-RUS", "hedging"), 1),
        InputRecord(2, b"BLR-RUS|article-1", b"{"),
    ]

    def memory(partition: int) -> ArticleMemory:
        store = PartitionStore(tmp_path / "store.sqlite", SCHEMA, "origin")
        return ArticleMemory(
            store, partition, nothing_to_read, nothing_to_read, lambda start: [log[start:]] if log[start:] else []
        )

    stage = ClassifyStage(None, memory, seconds=lambda: 0.0)  # type: ignore[arg-type]
    stage.open(0)
    assert stage.is_due(0)
    letters = [decode(DeadLetter, output.value or b"") for output in stage.refresh(0)]
    assert [(letter.where, letter.reason) for letter in letters] == [
        ("corrections/0/0", "not-a-correction"), ("corrections/0/2", "not-json"),
    ]  # fmt: skip
    stage.commit(0)
    assert not stage.is_due(0)
    stage.close(0)


# -- reading articles again --------------------------------------------------------------------------------------------


def test_an_article_whose_record_is_compacted_away_is_read_where_it_came_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words later; but not other words, nor an article that is dated by its arrival."""
    undated = article(2, date_origin="missing", published="2020-01-01T00:00:00Z")
    came_again = article(2, date_origin="missing", published="2020-02-02T00:00:00Z")
    later = [
        article_record(8, article(1, author="Bo")),
        article_record(9, came_again),
        article_record(10, article(3, title="edited")),
    ]
    monkeypatch.setattr(lookup, "read_one", lambda *_places, timeout_seconds: None)
    monkeypatch.setattr(
        lookup, "read_to_end", lambda _consumer, _topic, _partition, start: iter([later]) if start == 3 else iter([])
    )
    places = {
        "article-1": Known(article(1).digest(), 3, ()), "article-2": Known(undated.digest(), 4, ()), "article-3": Known(article(3).digest(), 5, ())
    }  # fmt: skip
    found = lookup.Lookup(None, None, "articles", "classifications").revisions(0, places)  # type: ignore[arg-type]
    assert found == {"article-1": article(1, author="Bo")}


# -- what they do to facts ---------------------------------------------------------------------------------------------


def test_a_corrected_fact_has_the_labels_that_were_given_is_sure_and_names_who_said_so() -> None:
    [found] = corrected_facts(
        [fact(1, labels=("cooperation",))], {"BLR-RUS": correction("BLR-RUS", "hedging", "cooperation")}, CITED
    )
    assert (list(found.labels), found.corrected) == (["cooperation", "hedging"], "Ann")
    assert {label.probability for label in found.labels.values()} == {1.0}
    assert found.labels["cooperation"].evidence == "sentence 1", "the model's own citation stays"
    assert found.labels["hedging"].evidence == CITED["hedging"][0]


def test_what_was_given_as_the_sentence_is_cited_and_its_domains_count() -> None:
    word = correction("BLR-RUS", "hedging", sentence="Minsk waits.", domains=["politics", "economy"])
    [found] = corrected_facts([fact(1)], {"BLR-RUS": word}, CITED)
    assert (found.labels["hedging"].evidence, found.domains) == ("Minsk waits.", ["economy", "politics"])


def test_the_word_on_a_pair_comes_before_the_word_on_the_article_and_others_stay() -> None:
    facts = [fact(1), fact(1, partner="CHN"), fact(1, source="RUS", partner="BLR")]
    both = {"": correction(""), "BLR-CHN": correction("BLR-CHN", "hedging")}
    assert [sorted(found.labels) for found in corrected_facts(facts, both, CITED)] == [[], ["hedging"], []]
    assert corrected_facts(facts, {"ARM-RUS": correction("ARM-RUS")}, CITED) == facts


def test_a_pair_that_the_model_has_missed_is_one_that_the_article_is_about() -> None:
    result = with_corrected_pairs(classified(pair_signal()), [correction("CHN-BLR"), correction("RUS-BLR"), correction("")])
    assert result.pairs == (("BLR", "RUS"), ("BLR", "CHN"))


def test_evidence_says_who_corrected_it_also_when_its_week_is_sealed() -> None:
    word = correction("BLR-RUS", "cooperation")
    [found] = corrected_facts([fact(1)], {"BLR-RUS": word}, CITED)
    again = unseal(seal(found, 7, cited=True))
    for shown in (found, again):
        trend = count_week("BLR-RUS", "2017-W31", [shown, fact(2)])
        assert [(item.article_id, item.corrected) for item in trend.evidence["cooperation"]] == [
            ("article-1", "Ann"),
            ("article-2", ""),
        ]


def test_facts_and_evidence_of_before_there_were_corrections_are_read() -> None:
    value = encode(fact(1)).replace(b',"corrected":""', b"")
    assert b"corrected" not in value
    assert decode(Signal, value) == fact(1)
    assert Evidence(
        article_id="a", title="", outlet="", url="", published="", probability=1.0, sentence="", terms=[]
    ).corrected == ""  # fmt: skip


# -- what can be said --------------------------------------------------------------------------------------------------

FOUND = Classification(
    article_id="article-1", digest="d1", offset=0, pairs=["BLR-RUS", "RUS-BLR"], language="en", labels={}, decided=[], domains={}, model="1",
)  # fmt: skip


def test_labels_without_a_pair_are_those_of_every_pair_that_carries_a_signal() -> None:
    made = as_corrections(Said("Ann", "so", labels=("hedging",)), FOUND, ["BLR-CHN", "BLR-RUS"])
    assert [(one.pair, one.labels, one.digest) for one in made] == [
        ("BLR-CHN", ["hedging"], "d1"),
        ("BLR-RUS", ["hedging"], "d1"),
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (Said("Ann", "so"), "one of them"),
        (Said("Ann", "so", "BLR-RUS", labels=("hedging",), is_withdrawn=True), "one of them"),
        (Said("Ann", "so", labels=("hedging",)), "BLR-RUS or RUS-BLR"),
        (Said("Ann", "so", "BLR-XYZ", labels=("hedging",)), "BLR, RUS"),
        (Said("Ann", "so", "Belarus", is_none=True), "BLR-RUS"),
        (Said(" ", "so", "BLR-RUS", is_none=True), "in one line"),
    ],
)
def test_what_is_unclear_is_refused_with_what_would_be_clear(words: Said, expected: str) -> None:
    with pytest.raises(RecordError) as caught:
        as_corrections(words, FOUND, [])
    assert expected in caught.value.expected


# -- who, and how often ------------------------------------------------------------------------------------------------


def test_attempts_are_bounded_by_name_and_come_back_with_time() -> None:
    now = [0.0]
    attempts = Attempts(2, 30, clock=lambda: now[0])
    for _ in range(2):
        assert attempts.wait_seconds("Ann") == 0
        attempts.take("Ann")
    assert (attempts.wait_seconds("Ann"), attempts.wait_seconds("Bo")) == (2, 0)
    now[0] = 2.0
    assert attempts.wait_seconds("Ann") == 0


def test_names_beyond_the_bound_push_out_the_one_that_tried_longest_ago() -> None:
    attempts = Attempts(1, 1, clock=lambda: 0.0)
    for number in range(1_001):
        attempts.take(f"name-{number}")
    assert (attempts.wait_seconds("name-0"), attempts.wait_seconds("name-1")) == (0, 60)


def test_a_token_is_good_for_its_roles_and_one_without_may_push(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    ann, both = file.add("Ann", ["correct"]), file.add("both", ["push", "correct"])
    check = TokenCheck(file)
    assert [check.name_of(token, role) for token in (ann, both) for role in ("push", "correct")] == ["", "Ann", "both", "both"]
    assert (check.names(), check.names("correct"), file.has_any("push")) == (
        frozenset({"both"}),
        frozenset({"Ann", "both"}),
        True,
    )
    old = file.path.read_text().replace('"correct"', '"push"')
    file.path.write_text(old)
    without = tmp_path / "old.json"
    without.write_text('{"v":1,"tokens":[{"name":"desk","sha256":"00","created":"2026-01-01T00:00:00Z"}]}')
    assert [token.roles for token in TokenFile(without).tokens()] == [["push"]]
    with pytest.raises(ConfigError):
        file.add("Ann", ["correct"])
