"""Which pairs of states are watched: one TOML file that a person edits.

[[pair]]
source = "BLR"
partner = "RUS"
rivals = ["CHN", "EU"]      # optional: whom the partner regards as rivals there

[discover]                  # optional: pairs that appear by themselves
min_stories = 30            # stories with a signal before a pair is shown
max_pairs = 200             # most pairs shown beyond the watched ones
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from models.actors import known_codes
from streams.errors import ConfigError
from streams.records import pair_key

MAX_WATCHED = 1_000


@dataclass(frozen=True, slots=True)
class WatchedPair:
    """A directed pair: how `source` behaves towards `partner`; `rivals` are the partner's."""

    source: str
    partner: str
    rivals: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """`BLR-RUS`."""
        return pair_key(self.source, self.partner)


@dataclass(frozen=True, slots=True)
class Watchlist:
    """The watched pairs in the order of the file, and when other pairs are shown too."""

    pairs: tuple[WatchedPair, ...]
    discover_min_stories: int = 30
    discover_max_pairs: int = 200
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", frozenset(pair.key for pair in self.pairs))


def load_watchlist(path: Path) -> Watchlist:
    """Reads and checks a watchlist.

    Raises:
        ConfigError: naming every fault of the file at once.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(path, [f"it can't be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(path, [f"it is not TOML: {error}"]) from error
    problems = [f"there is no such section: [{name}]" for name in sorted(set(data) - {"pair", "discover"})]
    pairs = _read_pairs(data.get("pair", []), problems)
    discover = data.get("discover", {})
    min_stories = _read_count(discover, "min_stories", 30, problems)
    max_pairs = _read_count(discover, "max_pairs", 200, problems)
    if problems:
        raise _wrong(path, problems)
    return Watchlist(tuple(pairs), min_stories, max_pairs)


def _read_pairs(rows: object, problems: list[str]) -> list[WatchedPair]:
    if not isinstance(rows, list) or not rows:
        problems.append("there is no [[pair]]")
        return []
    if len(rows) > MAX_WATCHED:
        problems.append(f"{len(rows)} pairs; at most {MAX_WATCHED} can be watched")
    known = known_codes()
    pairs: list[WatchedPair] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        rivals = row.get("rivals", []) if isinstance(row, dict) else []
        if not isinstance(rivals, list):
            problems.append(f"pair {number}: rivals is not a list")
            continue
        raw = [row.get("source"), row.get("partner"), *rivals] if isinstance(row, dict) else [None]
        codes = [code for code in raw if isinstance(code, str)]
        wrong = [code for code in raw if code not in known]
        unknown = sorted(set(row) - {"source", "partner", "rivals"}) if isinstance(row, dict) else []
        if wrong:
            problems.append(f"pair {number}: {wrong[0]!r} is not the code of a state or bloc, such as BLR, RUS, EU or NATO")
        elif unknown:
            problems.append(f"pair {number}: unknown key {unknown[0]!r}")
        elif codes[0] == codes[1]:
            problems.append(f"pair {number}: source and partner are both {codes[0]}")
        elif pair_key(codes[0], codes[1]) in seen:
            problems.append(f"pair {number}: {codes[0]}-{codes[1]} stands there twice")
        else:
            seen.add(pair_key(codes[0], codes[1]))
            pairs.append(WatchedPair(codes[0], codes[1], tuple(codes[2:])))
    return pairs


def _read_count(table: object, key: str, default: int, problems: list[str]) -> int:
    value = table.get(key, default) if isinstance(table, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        problems.append(f"[discover] {key}: {value!r} is not a whole number of at least 1")
        return default
    return value


def _wrong(path: Path, problems: list[str]) -> ConfigError:
    return ConfigError(
        "The watchlist is wrong:\n    " + "\n    ".join(problems), where=str(path),
        expected='[[pair]] tables such as: source = "BLR", partner = "RUS", rivals = ["CHN"]',
        todo="correct the file, or unset BELLWETHER_WATCHLIST to use the one that ships with Bellwether",
    )  # fmt: skip
