"""Labelled items: the corpus that the model is trained on, and files that it is measured on.

In: a folder of `*.jsonl` files, or one such file. Out: `Item`s in a fixed order. It trains nothing and scores nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.labels import DOMAINS, LABELS

LANGUAGES = ("en", "ru", "be")
STYLES = ("wire", "state-agency", "newspaper", "think-tank", "feed-summary")
#: One unit of items in `FROZEN_EVERY` is kept out of training for ever, for the quality floor.
FROZEN_EVERY = 12
_MAX_PROBLEMS_SHOWN = 20
_LABEL_NAMES = frozenset(label.value for label in LABELS)
_DOMAIN_NAMES = frozenset(domain.value for domain in DOMAINS)


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled news item.

    Attributes:
        id: unique within what was read together.
        title: headline; may be empty.
        text: body.
        labels: values of `models.labels.Label`, in the order of the enum; empty: no signal.
        source: code of the state or bloc that signals, or None when the item is not about a pair.
        partner: code of the state or bloc it signals towards, or None.
        domains: values of `models.labels.Domain`, the main one first; empty only in measured files that do not say.
        language: ISO 639-1 code.
        style: register, one of `STYLES`; "" in measured files.
        year: of the event; 0 when unknown.
        contrast: equal for items that are nearly the same news with another label; "" otherwise.
        published: ISO date, or "" when unknown.
    """

    id: str
    title: str
    text: str
    labels: tuple[str, ...]
    source: str | None = None
    partner: str | None = None
    domains: tuple[str, ...] = ()
    language: str = "en"
    style: str = ""
    year: int = 0
    contrast: str = ""
    published: str = ""

    @property
    def unit(self) -> str:
        """Items of one unit belong together: no split of the data may part them."""
        return f"contrast {self.contrast}" if self.contrast else f"item {self.id}"


def read_corpus(folder: Path) -> list[Item]:
    """Every item of the corpus, ordered by file name and line.

    Raises:
        ModelError: if the folder has no items, or naming up to 20 lines that are not valid items.
    """
    files = corpus_files(folder)
    problems: list[str] = []
    items: list[Item] = []
    seen: dict[str, str] = {}
    for path in files:
        for where, row in _rows(path, problems):
            found = list(_problems(row))
            if not found and row["id"] in seen:
                found.append(f"id {row['id']!r} stands at {seen[row['id']]} too")
            if found:
                problems.extend(f"{where}: {problem}" for problem in found)
                continue
            seen[row["id"]] = where
            items.append(_item(row))
    _refuse(problems, str(folder))
    return items


def corpus_files(folder: Path) -> list[Path]:
    """The corpus's files, by name.

    Raises:
        ModelError: if there is none.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise ModelError(
            "The corpus is missing.", where=str(folder), expected="at least one *.jsonl file of labelled items",
            todo="name the folder that holds the corpus, models/corpus in a checkout",
        )  # fmt: skip
    return files


def corpus_digest(folder: Path) -> str:
    """sha256 over the names and bytes of the corpus's files: what a model was trained on."""
    digest = hashlib.sha256()
    for path in corpus_files(folder):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def read_measured(path: Path) -> list[Item]:
    """The items of a labelled file that the model is measured on, in the file's order.

    Less is asked than of the corpus: `title`, `text` and `labels` must be there; the pair may stand as `pair` or as `source` and
    `partner`, the domain as one name, a list or null.

    Raises:
        ModelError: if the file is not there or empty, or naming up to 20 lines that cannot be used.
    """
    if not path.is_file():
        raise ModelError("The labelled file is missing.", where=str(path), expected="a JSONL file of labelled items")
    problems: list[str] = []
    items: list[Item] = []
    for where, row in _rows(path, problems):
        found = list(_measured_problems(row))
        problems.extend(f"{where}: {problem}" for problem in found)
        if not found:
            items.append(_item(row, number=len(items) + 1))
    _refuse(problems, str(path))
    if not items:
        raise ModelError("The labelled file has no items.", where=str(path), expected="at least one line")
    return items


def split_frozen(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """(items to train on, items that are never trained on), in order.

    The part of an item follows from its unit's name alone, so that it does not change when the corpus grows.
    """
    training: list[Item] = []
    frozen: list[Item] = []
    for item in items:
        part = int.from_bytes(hashlib.blake2b(item.unit.encode(), digest_size=4).digest(), "big") % FROZEN_EVERY
        (frozen if part == 0 else training).append(item)
    return training, frozen


def _rows(path: Path, problems: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        where = f"{path.name}:{number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            problems.append(f"{where}: not JSON: {error}")
            continue
        if isinstance(row, dict):
            yield where, row
        else:
            problems.append(f"{where}: not a JSON object")


def _problems(row: dict[str, Any]) -> Iterator[str]:
    needed = ("id", "title", "text", "labels", "source", "partner", "domain", "language", "style", "year")
    missing = [name for name in needed if name not in row]
    if missing:
        yield f"without {', '.join(missing)}"
        return
    yield from _measured_problems(row)
    if not isinstance(row["id"], str) or not row["id"]:
        yield "id must be a text that is not empty"
    if row["language"] not in LANGUAGES:
        yield f"language must be one of {', '.join(LANGUAGES)}"
    if row["style"] not in STYLES:
        yield f"style must be one of {', '.join(STYLES)}"
    if not isinstance(row["year"], int):
        yield "year must be a whole number"
    if not row["domain"] or not isinstance(row["domain"], list):
        yield "domain must be a list that is not empty"
    if row["labels"] and not (row["source"] and row["partner"]):
        yield "an item with a label needs a source and a partner"


def _measured_problems(row: dict[str, Any]) -> Iterator[str]:
    for name in ("title", "text"):
        if not isinstance(row.get(name), str):
            yield f"{name} must be a text"
    labels = row.get("labels")
    if not isinstance(labels, list) or set(labels) - _LABEL_NAMES:
        yield f"labels must be a list of {', '.join(sorted(_LABEL_NAMES))}"
    if set(_domains(row)) - _DOMAIN_NAMES:
        yield f"domain must be of {', '.join(sorted(_DOMAIN_NAMES))}"


def _domains(row: dict[str, Any]) -> list[str]:
    value = row.get("domain") or []
    return [value] if isinstance(value, str) else list(value)


def _item(row: dict[str, Any], number: int = 0) -> Item:
    source, partner = row.get("pair") or (row.get("source"), row.get("partner"))
    return Item(
        id=str(row.get("id", f"line {number}")),
        title=row["title"],
        text=row["text"],
        labels=tuple(label.value for label in LABELS if label.value in row["labels"]),
        source=source,
        partner=partner,
        domains=tuple(_domains(row)),
        language=row.get("language") or "en",
        style=row.get("style") or "",
        year=row.get("year") or 0,
        contrast=row.get("contrast") or "",
        published=row.get("published") or "",
    )


def _refuse(problems: list[str], where: str) -> None:
    if not problems:
        return
    shown = problems[:_MAX_PROBLEMS_SHOWN]
    rest = len(problems) - len(shown)
    raise ModelError(
        f"{len(problems)} labelled items are not valid:\n    "
        + "\n    ".join(shown)
        + (f"\n    and {rest} more" if rest else ""),
        where=where,
        expected="one JSON object a line, with the fields of models.dataset.Item",
        todo="correct these lines",
    )
