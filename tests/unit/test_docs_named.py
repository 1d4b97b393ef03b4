"""What the documents name is there: files, modules, links, commands with their options, settings, make targets."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import click
import pytest

from streams.cli import cli
from streams.settings import PREFIX, Settings

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted(REPOSITORY.glob("docs/**/*.md")),
    *sorted(REPOSITORY.glob("models/**/*.md")),
    *sorted(REPOSITORY.glob("deploy/**/*.md")),
]
#: Where a path may be given from. A superseded decision, or a changelog, may speak of what is gone.
ROOTS = ("", "docs", "streams", "models", "deploy", "tests")
PAST = {"CHANGELOG.md", *(path.name for path in REPOSITORY.glob("docs/adr/*.md"))}
_CODE = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|toml|yml|yaml)")
_MODULE = re.compile(r"(?:streams|models|deploy|tests)(?:\.\w+)+")
_LINK = re.compile(r"\]\(([^)\s#]*)(#[\w-]+)?\)")
#: A path is ours, and not another project's or a person's, where it begins with one of these.
OUR_FOLDERS = {"docs", "streams", "models", "deploy", "tests", ".ci", "adr", "requirements"}
#: Written by a command that takes too long to be run for each change.
MADE = {"benchmarks.json"}
#: Names of variables that Bellwether itself does not read.
_NOT_SETTINGS = {PREFIX + "CACHE_DIR"}


def named(text: str) -> list[str]:
    """What stands as code in a document: in backticks, and line by line in blocks."""
    lines = [line.split("#")[0].strip() for block in _BLOCK.findall(text) for line in block.splitlines()]
    return [*_CODE.findall(_BLOCK.sub("", text)), *lines]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def all_names() -> frozenset[str]:
    """The names of all files of the repository."""
    tops = ("docs", "streams", "models", "deploy", "tests", ".ci")
    return frozenset(path.name for top in tops for path in (REPOSITORY / top).rglob("*")) | {
        path.name for path in REPOSITORY.iterdir()
    }


def is_there(path: str, document: Path) -> bool:
    """Whether a path leads somewhere, from the root, the document or one of our packages; a bare name anywhere."""
    name = path.rstrip("/")
    if "/" not in name:
        return name in all_names()
    return any((base / name).exists() for base in (document.parent, *(REPOSITORY / root for root in ROOTS)))


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(document: Path) -> None:
    text = read(document)
    links = [(path, anchor) for path, anchor in _LINK.findall(text) if "://" not in path and not path.startswith("mailto:")]
    broken = [path for path, _ in links if path and path not in MADE and not (document.parent / path).exists()]
    for path, anchor in links:
        target = document.parent / path if path else document
        if anchor and target.suffix == ".md" and anchor[1:] not in anchors(read(target)):
            broken.append(path + anchor)
    assert broken == []


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as they are made where it is read."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "document", [path for path in DOCS if path.name not in PAST], ids=lambda path: str(path.relative_to(REPOSITORY))
)
def test_files_and_modules_that_are_named_exist(document: Path) -> None:
    missing = []
    for code in named(read(document)):
        if "bellwether " in code:
            # The files of a command line are its reader's.
            continue
        for path in (word for word in code.split() if _PATH.fullmatch(word) and word.split("/")[0] in OUR_FOLDERS):
            missing += [] if is_there(path, document) else [path]
        if _MODULE.fullmatch(code):
            missing += [] if is_module(code) else [code]
    assert missing == []


def is_module(dotted: str) -> bool:
    """Whether `a.b.c` is a package, a module, or a name in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 1, -1):
        base = REPOSITORY.joinpath(*parts[:length])
        file = base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"
        if file.exists():
            return length == len(parts) or parts[length] in read(file)
    return False


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_settings_that_are_named_exist(document: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _NOT_SETTINGS
    found = set(re.findall(rf"\b{PREFIX}[A-Z_]+\b(?![*\[])", read(document)))
    assert {name for name in found - known if not name.endswith("_")} == set()


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_commands_and_their_options_exist(document: Path) -> None:
    wrong = []
    for code in named(read(document)):
        for part in re.split(r"[;|&]+|\$\(", code):
            words = [word for word in part.replace(")", " ").split() if not re.match(r"[A-Z_]+=", word)]
            if words[:1] == ["bellwether"] and (problem := problem_of(words[1:])):
                wrong.append(f"{part.strip()}: {problem}")
    assert wrong == []


def problem_of(words: list[str]) -> str:
    """What is wrong with a command line, by the names of its commands and options alone; empty for nothing."""
    command: click.Command = cli
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        for name in words[0].split("/")[0].split("|"):
            if not re.fullmatch(r"[a-z-]+", name):
                return ""
            if name not in command.commands:
                return f"no command {name!r}"
        command, words = command.commands[words[0].split("/")[0].split("|")[0]], words[1:]
    known = {option for one in (command, cli) for parameter in one.params for option in parameter.opts} | {"--help", "--version"}
    for word in words:
        option = word.strip("[],.").split("=")[0]
        if re.fullmatch(r"--[a-z-]+", option) and option not in known:
            return f"no option {option}"
    return ""


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_make_targets_that_are_named_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(REPOSITORY / "Makefile"), re.MULTILINE))
    found = {match[1] for code in named(read(document)) if (match := re.match(r"make ([a-z-]+)", code))}
    assert found <= targets
