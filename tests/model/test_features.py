"""What of a masked text the classifiers see; the contract of our text transformers."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.utils.estimator_checks import (
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_parameters_default_constructible,
    check_set_params,
)

from models.cues import CUES_FILE, Cues, load_cues
from models.errors import ModelError
from models.features import MAX_TOKENS, CueTokens, TokenTfidf, WordTokens, mask_names, surface_words, words_of

TEXTS = [
    "actorxa refused to host a base",
    "",
    "actorxb will not sign; namex won't wait 3 days",
    "Сторона отказалась принять базу",
]
TRANSFORMERS = [WordTokens(), WordTokens(letters=3), CueTokens()]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_a_transformer_keeps_scikit_learns_rules_of_parameters(transformer: Any) -> None:
    name = type(transformer).__name__
    check_parameters_default_constructible(name, type(transformer)())
    check_no_attributes_set_in_init(name, type(transformer)())
    check_get_params_invariance(name, transformer)
    check_set_params(name, clone(transformer))


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_a_transformer_gives_one_text_for_each_in_order_whatever_stands_beside_it(transformer: Any) -> None:
    together = transformer.transform(TEXTS)
    assert together == [transformer.transform([text])[0] for text in TEXTS]
    assert together == clone(transformer).fit_transform(TEXTS)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_a_transformer_learns_nothing_and_leaves_its_input_alone(transformer: Any) -> None:
    texts, before = list(TEXTS), dict(vars(transformer))
    transformer.fit(texts).transform(texts)
    assert texts == TEXTS
    assert vars(transformer) == before


@given(st.text(max_size=300))
def test_any_text_gives_tokens_that_single_spaces_part(text: str) -> None:
    for transformer in TRANSFORMERS:
        (tokens,) = transformer.transform([text])
        assert tokens == " ".join(tokens.split())


@given(st.text(max_size=300))
def test_plain_and_surface_words_go_together(text: str) -> None:
    assert len(words_of(text)) == len(surface_words(text))


def test_words_beyond_the_bound_are_not_read() -> None:
    assert len(words_of("word " * (MAX_TOKENS + 10))) == MAX_TOKENS


def test_forms_of_a_word_fall_together_and_masks_stay_whole() -> None:
    assert WordTokens(letters=5).transform(["cooperating cooperates actorxa"]) == ["coope coope actorxa"]


def test_names_within_a_sentence_are_masked_and_its_first_word_is_not() -> None:
    assert mask_names("Troops of General Ivan Petrov left Brest.") == "Troops of namex left namex."


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("They declined the request", "refuse"),
        ("Ереван отказался от учений", "refuse"),
        ("Мінск адмовіўся ад вучэнняў", "refuse"),
        ("The talks were postponed", "delay"),
        ("Визит отложили", "delay"),
        ("Minsk abstained", "neutral"),
        ("устрымаліся пры галасаванні", "neutral"),
        ("They put the deliveries on hold", "supply"),
        ("The deal was put on hold", "suspend"),
        ("They will not join", "wont"),
        ("They wont join", "wont"),
        ("They won't join", "wont"),
        ("laid a wreath", "wreath"),
        ("возложил венок", "wreath"),
        ("denied that", "deny"),
    ],
)
def test_acts_denials_and_reservations_are_cues_in_every_language(text: str, cue: str) -> None:
    assert cue in CueTokens().transform([text])[0].split()


@pytest.mark.parametrize(
    ("text", "not_cue"),
    [
        ("several states", "expel"),
        ("the opposition", "oppose"),
        ("close cooperation", "shut"),
        ("a train", "exercise"),
        ("rivals", "refuse"),
    ],
)
def test_look_alikes_are_no_cues(text: str, not_cue: str) -> None:
    assert not_cue not in CueTokens().transform([text])[0].split()


def test_every_cue_has_words_in_every_language() -> None:
    cues = load_cues()
    assert len(cues.names) == len(set(cues.names))
    import tomllib

    for name, languages in tomllib.loads(CUES_FILE.read_text(encoding="utf-8")).items():
        assert set(languages) == {"en", "ru", "be"}, name
        assert all(words.split() for words in languages.values()), name
        assert all(words == words.lower() for words in languages.values()), name


def test_a_phrase_is_a_cue_only_as_a_whole() -> None:
    cues = Cues({"hold": {"en": "put_on_hold"}})
    assert cues.find(["they", "put", "it", "on", "hold"]) == []
    assert cues.find(["they", "put", "on", "hold"]) == [(1, "hold")]


def test_a_word_of_a_hundred_thousand_letters_takes_no_memory() -> None:
    cues = Cues({"deal": {"en": "sign*"}})
    tracemalloc.start()
    assert cues.find(["signs", "sign" * 25_000]) == [(0, "deal"), (1, "deal")]
    assert words_of("Ъ" * 100_000) == ["ъ" * 100_000]
    taken = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken[0] < 100_000 < taken[1] < 2_000_000


def test_damaged_cues_are_refused(tmp_path: Any) -> None:
    path = tmp_path / "cues.toml"
    path.write_text("[sign\n", encoding="utf-8")
    with pytest.raises(ModelError, match="cues can't be read"):
        load_cues(path)


def test_a_vectorizer_of_learned_terms_transforms_as_the_one_that_learned_them() -> None:
    learned = TokenTfidf(longest=2, min_df=1).fit(["a b", "b c"])
    told = TokenTfidf.of(learned.get_feature_names_out().tolist(), learned.idf_, longest=2)
    assert told.vocabulary_ == learned.vocabulary_
    assert np.array_equal(told.transform(["b c c"]).toarray(), learned.transform(["b c c"]).toarray())


def test_a_vectorizer_is_not_made_of_terms_that_repeat_or_lack_their_frequency() -> None:
    with pytest.raises(ValueError, match="twice"):
        TokenTfidf.of(["a", "a"], np.ones(2, np.float32), longest=1)
    with pytest.raises(ValueError, match="idf length"):
        TokenTfidf.of(["a", "b"], np.ones(3, np.float32), longest=1)


def test_the_vectorizer_agrees_with_scikit_learns() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = ["a b a c", "b c d", "d a b", "c"]
    theirs = TfidfVectorizer(token_pattern=r"\S+", lowercase=False, ngram_range=(1, 2), sublinear_tf=True, min_df=1)
    ours = TokenTfidf(longest=2, min_df=1)
    assert np.allclose(ours.fit_transform(texts).toarray(), theirs.fit_transform(texts).toarray(), atol=1e-6)
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()
