"""The watchlist: read from a file that a person edits, and refused with every fault named."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import ConfigError
from streams.settings import SHIPPED_WATCHLIST
from streams.watchlist import load_watchlist


def written(folder: Path, text: str) -> Path:
    path = folder / "watchlist.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_watchlist_has_belarus_and_russia_first_and_a_dozen_pairs_more() -> None:
    watchlist = load_watchlist(SHIPPED_WATCHLIST)
    assert watchlist.pairs[0].key == "BLR-RUS"
    assert "CHN" in watchlist.pairs[0].rivals
    assert len(watchlist.pairs) >= 12


def test_pairs_and_discovery_are_read(tmp_path: Path) -> None:
    text = '[[pair]]\nsource="VNM"\npartner="CHN"\nrivals=["USA"]\n[discover]\nmin_stories=5\nmax_pairs=7\n'
    watchlist = load_watchlist(written(tmp_path, text))
    assert watchlist.keys == frozenset({"VNM-CHN"})
    assert (watchlist.discover_min_stories, watchlist.discover_max_pairs) == (5, 7)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("not toml at all [", "it is not TOML"),
        ("", r"there is no \[\[pair\]\]"),
        ('[[pair]]\nsource="Belarus"\npartner="RUS"', "pair 1: 'Belarus' is not the code of a state"),
        ('[[pair]]\nsource="BRL"\npartner="RUS"', "pair 1: 'BRL' is not the code of a state"),
        ('[[pair]]\nsource="BLR"', "pair 1: None is not the code of a state"),
        ('[[pair]]\nsource="BLR"\npartner="BLR"', "pair 1: source and partner are both BLR"),
        ('[[pair]]\nsource="BLR"\npartner="RUS"\n' * 2, "pair 2: BLR-RUS stands there twice"),
        ('[[pair]]\nsource="BLR"\npartner="RUS"\nrival=["CHN"]', "pair 1: unknown key 'rival'"),
        ('[[pair]]\nsource="BLR"\npartner="RUS"\nrivals="CHN"', "pair 1: rivals is not a list"),
        ('[[pair]]\nsource="BLR"\npartner="RUS"\n[discovery]\nx=1', r"there is no such section: \[discovery\]"),
        ('[[pair]]\nsource="BLR"\npartner="RUS"\n[discover]\nmin_stories=0', "min_stories: 0 is not a whole number"),
    ],
)
def test_each_fault_is_named(tmp_path: Path, text: str, fault: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=fault) as caught:
        load_watchlist(path)
    assert str(path) in str(caught.value)


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    path = written(tmp_path, '[[pair]]\nsource="x"\npartner="RUS"\n[[pair]]\nsource="BLR"\npartner="BLR"\n[nothing]\n')
    with pytest.raises(ConfigError) as caught:
        load_watchlist(path)
    assert all(fault in str(caught.value) for fault in ("pair 1", "pair 2", "[nothing]"))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        load_watchlist(tmp_path / "none.toml")
