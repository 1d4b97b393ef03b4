"""The board's state: absolute records in, exact sums out, within bounds."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.actors.lexicon import lexicon
from models.labels import LABELS
from streams.board.counts import ARTICLES, BOARD_DOMAINS, ROWS, STORIES
from streams.board.evidence import EvidenceStore, pack, unpack
from streams.board.model import BoardModel
from streams.board.weeks import week_number
from streams.errors import RecordError
from streams.records import Count, Trend, encode, trend_key
from tests.helpers.board_data import evidence, feed, feed_progress, trend, watchlist

WATCHED = [("BLR", "RUS"), ("ARM", "RUS")]
W31 = week_number("2017-W31")


def make_model(**options: int) -> BoardModel:
    return BoardModel(watchlist(WATCHED), **options)


def stories(model: BoardModel, pair: str, row: str, domain: str = "all") -> int:
    return int(model.totals(pair)[ROWS.index(row), BOARD_DOMAINS.index(domain), STORIES])


def remove(model: BoardModel, pair: str, week: str) -> None:
    model.apply_trend(trend_key(pair, week), None)


def test_watched_pairs_stand_there_with_zeros_before_any_record() -> None:
    model = make_model()
    assert model.pairs_shown() == ("BLR-RUS", "ARM-RUS")
    assert not model.totals("BLR-RUS").any()
    assert not model.window("BLR-RUS", W31, 52).any()
    assert model.newest_week("BLR-RUS") == -1


def test_a_record_replaces_the_one_before_it_and_nothing_is_added_up() -> None:
    model = make_model()
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 5}, about=9))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 2}, about=7))
    assert stories(model, "BLR-RUS", "cooperation") == 2
    assert stories(model, "BLR-RUS", "exposure") == 7
    assert int(model.totals("BLR-RUS")[0, 0, ARTICLES]) == 14


def test_a_tombstone_takes_the_week_back() -> None:
    model = make_model()
    feed(model, trend("BLR-RUS", "2017-W30", {"hedging": 1}, about=3))
    feed(
        model,
        trend("BLR-RUS", "2017-W31", {"hedging": 4}, about=6, evidence={"hedging": [evidence(1, "hedging", "2017-W31", 0.9)]}),
    )
    remove(model, "BLR-RUS", "2017-W31")
    assert stories(model, "BLR-RUS", "hedging") == 1
    assert model.newest_week("BLR-RUS") == week_number("2017-W30")
    assert model.evidence("BLR-RUS", W31, 10) == []
    assert model.evidence_size == 0


def test_a_pair_that_is_not_watched_goes_with_its_last_week() -> None:
    model = make_model()
    feed(model, trend("KAZ-CHN", "2017-W31", {"cooperation": 4}, about=6))
    assert model.pairs_shown() == ("BLR-RUS", "ARM-RUS", "KAZ-CHN")
    remove(model, "KAZ-CHN", "2017-W31")
    assert model.pairs_shown() == ("BLR-RUS", "ARM-RUS")
    assert model.weeks("KAZ-CHN") == []


def test_weeks_land_at_their_place_in_a_window_over_the_turn_of_the_year() -> None:
    model = make_model()
    feed(model, trend("BLR-RUS", "2020-W53", {"cooperation": 1}, about=2))
    feed(model, trend("BLR-RUS", "2021-W02", {"cooperation": 3}, about=4))
    window = model.window("BLR-RUS", week_number("2021-W02"), 4)
    assert window[:, ROWS.index("cooperation"), 0, STORIES].tolist() == [0, 1, 0, 3]


@pytest.mark.parametrize("pair", ["BLR-G7", "G20-RUS", "BLR-COUNCILOFEUROPE", "WARSAWPACT-NATO"])
def test_every_kind_of_code_that_the_lexicon_has_is_taken(pair: str) -> None:
    model = make_model()
    feed(model, trend(pair, "2017-W31", {"cooperation": 2}, about=3))
    assert stories(model, pair, "cooperation") == 2


def test_every_code_of_the_lexicon_can_stand_in_a_key() -> None:
    model = make_model()
    for code in sorted(lexicon().codes - {"RUS"}):
        feed(model, trend(f"{code}-RUS", "2017-W31", {}, about=1))
    assert len(model.pairs_held()) >= len(lexicon().codes) - 1


def test_counts_above_a_byte_are_exact_and_mix_with_small_ones() -> None:
    model = make_model()
    feed(model, trend("BLR-RUS", "2017-W30", {"cooperation": 255}, about=100_000))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 3}, about=4))
    assert model.window("BLR-RUS", W31, 2)[:, 0, 0].tolist() == [[100_000, 200_000], [4, 8]]
    assert stories(model, "BLR-RUS", "exposure") == 100_004


def test_labels_and_domains_of_a_newer_writer_are_left_out() -> None:
    model = make_model()
    record = Trend(
        source="BLR", partner="RUS", week="2017-W31", exposure={"all": Count(2, 2), "sport": Count(2, 2)},
        counts={"rupture": {"all": Count(1, 1)}, "hedging": {"all": Count(1, 1), "sport": Count(1, 1)}}, evidence={},
    )  # fmt: skip
    feed(model, record)
    assert int(model.totals("BLR-RUS").sum()) == 6


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"{}"),
        (b"BLR-RUS", None),
        (b"BLR-RUS|2017-W60", None),
        (b"BLR-RUS|2017-W31", b"no json"),
        (b"BLR-RUS|2017-W31", b"{}"),
        (b"BLR-RUS|2017-W32", encode(trend("BLR-RUS", "2017-W31", {}, about=1))),
        (b"ARM-RUS|2017-W31", encode(trend("BLR-RUS", "2017-W31", {}, about=1))),
        (b"BLR-RUS|2017-W31", encode(trend("BLR-RUS", "2017-W31", {}, about=-1))),
        (b"BLR-RUS|2017-W31", encode(trend("BLR-RUS", "2017-W31", {}, about=2**32))),
        (b"BLR-RUS|2017-W31", encode(Trend(source="BLR", partner="RUS", week="2017-W31", exposure={}, counts={}, evidence={}, v=2))),
    ],
)  # fmt: skip
def test_what_is_no_record_of_a_week_is_refused_and_changes_nothing(key: bytes | None, value: bytes | None) -> None:
    model = make_model()
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 5}, about=9))
    revision = model.revision
    with pytest.raises(RecordError):
        model.apply_trend(key, value)
    assert (model.revision, stories(model, "BLR-RUS", "cooperation")) == (revision, 5)


def test_other_pairs_are_bounded_by_the_watchlist_and_ties_fall_to_the_lesser_key() -> None:
    model = BoardModel(watchlist(WATCHED, max_pairs=2))
    for pair, number in (("KAZ-CHN", 4), ("UZB-RUS", 9), ("GEO-USA", 4), ("AZE-TUR", 1)):
        feed(model, trend(pair, "2017-W31", {"cooperation": number}, about=20))
    assert model.pairs_shown() == ("BLR-RUS", "ARM-RUS", "UZB-RUS", "GEO-USA")
    assert model.pairs_left_out() == 2
    feed(model, trend("AZE-TUR", "2017-W30", {"hedging": 50}, about=60))
    assert model.pairs_shown() == ("BLR-RUS", "ARM-RUS", "AZE-TUR", "UZB-RUS")


def test_a_record_that_says_the_same_again_is_no_change() -> None:
    model = make_model()
    record = trend(
        "BLR-RUS",
        "2017-W31",
        {"cooperation": 5},
        about=9,
        evidence={"cooperation": [evidence(1, "cooperation", "2017-W31", 0.8)]},
    )
    feed(model, record)
    revision = model.revision
    feed(model, record)
    assert model.revision == revision
    assert model.changed_since(revision) == []


def test_changed_pairs_are_named_in_the_order_in_which_they_are_shown() -> None:
    model = make_model()
    revision = model.revision
    feed(model, trend("ARM-RUS", "2017-W31", {"cooperation": 1}, about=1))
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 1}, about=1))
    assert model.changed_since(revision) == ["BLR-RUS", "ARM-RUS"]


def test_the_progress_of_partitions_adds_up_and_each_replaces_its_own() -> None:
    model = make_model()
    feed_progress(model, 0, 10, 2, 1)
    feed_progress(model, 1, 5)
    feed_progress(model, 0, 12, 3, 1)
    found = model.articles()
    assert (found.read, found.classified, found.duplicates, found.dead_letters) == (21, 17, 3, 1)
    model.apply_progress(b"1", None)
    assert [part.partition for part in model.progress()] == [0]


def test_progress_without_a_partition_is_refused() -> None:
    with pytest.raises(RecordError, match="partition's progress"):
        make_model().apply_progress(b"zero", None)


def test_clearing_forgets_everything_and_tells_readers_of_it() -> None:
    model = make_model()
    feed(model, trend("BLR-RUS", "2017-W31", {"cooperation": 5}, about=9))
    feed_progress(model, 0, 10)
    revision = model.revision
    model.clear()
    assert stories(model, "BLR-RUS", "cooperation") == 0
    assert model.articles().read == 0
    assert model.changed_since(revision) == ["BLR-RUS", "ARM-RUS"]


def test_evidence_survives_packing_but_for_what_no_page_shows() -> None:
    item = evidence(1, "cooperation", "2017-W31", 0.9, title="T" * 1_000, sentence="S" * 5_000, url="https://x.example/" + "u" * 5_000,
                    terms=["term"] * 50)  # fmt: skip
    found = unpack(pack({"cooperation": [item], "hedging": []}))
    assert list(found) == ["cooperation"]
    kept = found["cooperation"][0]
    assert (len(kept.title), len(kept.sentence), kept.url, len(kept.terms)) == (300, 600, "", 8)
    assert (kept.article_id, kept.probability, kept.published) == (item.article_id, 0.9, item.published)


def test_evidence_never_exceeds_its_budget_and_watched_pairs_keep_theirs_longest() -> None:
    store = EvidenceStore(frozenset({"BLR-RUS"}), budget=100)
    for week in range(1, 6):
        store.put("BLR-RUS", week, b"x" * 10)
        store.put("KAZ-CHN", week, b"y" * 20)
        assert store.size <= 100
    assert store.weeks("BLR-RUS", 10) == [5, 4, 3, 2, 1]
    assert store.weeks("KAZ-CHN", 10) == [5, 4]
    assert (store.floor("BLR-RUS"), store.floor("KAZ-CHN")) == (0, 4)
    store.put("KAZ-CHN", 2, b"y")
    assert store.get("KAZ-CHN", 2) == b""


def test_an_item_larger_than_the_whole_budget_is_not_kept() -> None:
    store = EvidenceStore(frozenset(), budget=10)
    store.put("KAZ-CHN", 3, b"y" * 11)
    assert store.size == 0
    assert store.newest_weeks(10, {"KAZ-CHN"}, 1) == {}


def test_counts_stay_when_evidence_has_to_go() -> None:
    model = make_model(evidence_bytes=2_000)
    for week in range(10, 50):
        name = f"2017-W{week}"
        feed(model, trend("BLR-RUS", name, {"hedging": 2}, about=3, evidence={"hedging": [evidence(week, "hedging", name, 0.9)]}))
    assert model.evidence_size <= 2_000
    assert stories(model, "BLR-RUS", "hedging") == 80
    assert model.evidence_floor("BLR-RUS") > week_number("2017-W10")


_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["BLR-RUS", "ARM-RUS", "KAZ-CHN"]), st.integers(1, 6),
        st.none() | st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(1, 700)),
    ),
    max_size=40,
)  # fmt: skip


@given(_CHANGES)
def test_totals_are_the_sum_over_the_newest_record_of_each_week(
    changes: list[tuple[str, int, tuple[int, int, int] | None]],
) -> None:
    model = make_model()
    latest: dict[tuple[str, int], tuple[int, int, int]] = {}
    for pair, number, numbers in changes:
        if numbers is None:
            remove(model, pair, f"2017-W{number:02d}")
            latest.pop((pair, number), None)
        else:
            told = {"cooperation": numbers[0], "hedging": numbers[1]}
            feed(model, trend(pair, f"2017-W{number:02d}", told, about=numbers[2]))
            latest[pair, number] = numbers
    expected: Counter[tuple[str, str]] = Counter()
    for (pair, _), (cooperation, hedging, about) in latest.items():
        expected += Counter({(pair, "cooperation"): cooperation, (pair, "hedging"): hedging, (pair, "exposure"): about})
    for pair in ("BLR-RUS", "ARM-RUS", "KAZ-CHN"):
        for row in ROWS:
            assert stories(model, pair, row) == expected[pair, row]
        assert model.newest_week(pair) == max(
            (week_number(f"2017-W{number:02d}") for name, number in latest if name == pair), default=-1
        )  # fmt: skip


def test_a_reader_never_sees_totals_and_weeks_of_two_moments() -> None:
    model = make_model()
    done = threading.Event()

    def write() -> None:
        chance = random.Random(7)
        for _ in range(3_000):
            told = {str(label): chance.randrange(300) for label in LABELS}
            feed(model, trend("BLR-RUS", f"2017-W{chance.randrange(1, 30):02d}", told, about=300))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    looks = 0
    while not done.is_set() or looks == 0:
        with model.reading():
            window = model.window("BLR-RUS", week_number("2017-W30"), 40)
            assert (window.sum(axis=0) == model.totals("BLR-RUS")).all()
        looks += 1
    writer.join()
    assert model.totals("BLR-RUS").any()
