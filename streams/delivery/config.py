"""Where bulletins go: one TOML file that a person edits, checked as a whole before anything is sent. See `docs/delivery.md`.

Secrets never stand in it: it names a variable of the environment, or a file, that holds them.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from models.actors import known_codes
from streams.bulletin.wording import Language
from streams.errors import ConfigError
from streams.ingest.urls import web_address
from streams.metrics import DELIVERY_KINDS

MOST_TARGETS, MOST_RECIPIENTS = 50, 100
Form = Literal["md", "html", "pdf", "json"]
#: An address that can't end a header, name a second one, or be taken for an option; quoted local parts are not needed here.
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_FILE_NAME = re.compile(r"[\w .()+{}-]{1,120}(?:/[\w .()+{}-]{1,120}){0,4}")
_HOLES = frozenset({"week", "year", "language", "pair", "form"})
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text) or text.startswith("-"):
        raise ValueError(f"{text[:80]!r} is no mail address, such as desk@example.org")
    return text


def _pattern(text: str) -> str:
    holes = set(re.findall(r"\{(\w*)\}", text))
    is_odd = not _FILE_NAME.fullmatch(text) or any(part.strip(". ") == "" for part in text.split("/"))
    if is_odd or holes - _HOLES or re.sub(r"\{\w+\}", "", text).strip("{}") != re.sub(r"\{\w+\}", "", text):
        raise ValueError(
            f"{text[:80]!r} is no name of a file below the folder, with {{week}}, {{year}}, {{language}}, {{pair}}, {{form}}"
        )
    if "week" not in holes or "form" not in holes:
        raise ValueError("{week} and {form} must stand in it, or one bulletin would take another's place")
    return text


def _pair(text: str) -> str:
    source, _, partner = text.partition("-")
    if text and (source == partner or not {source, partner} <= set(known_codes())):
        raise ValueError(f"{text[:40]!r} is no pair of states or blocs, such as BLR-RUS")
    return text


def _web(text: str) -> str:
    if not web_address(text) or urlsplit(text).username or urlsplit(text).password:
        raise ValueError("this is no http or https address without a user name in it")
    return web_address(text)


Address = Annotated[str, AfterValidator(_address)]


class _Target(BaseModel):
    """What every target has.

    Attributes:
        name: what it is called in the ledger, the log and commands.
        language: of the text.
        pair: the only pair that is told of; empty for all.
        oldest_weeks: a week that ended longer ago is not sent by itself, so that an archive that is read in floods nobody; 0: no limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")
    language: Language = "en"
    pair: Annotated[str, AfterValidator(_pair)] = ""
    enabled: bool = True
    oldest_weeks: int = Field(8, ge=0, le=5_200)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who is told, each by a delivery of its own; the target itself unless it is mail."""
        return ("",)


class FileTarget(_Target):
    """Files in a folder, named by `pattern`."""

    kind: Literal["file"]
    folder: Path
    pattern: Annotated[str, AfterValidator(_pattern)] = "{week}.{language}.{form}"
    forms: list[Form] = Field(["html"], min_length=1, max_length=4)

    def file_name(self, week: str, form: str) -> str:
        """The name below the folder."""
        return self.pattern.format(week=week, year=week[:4], language=self.language, pair=self.pair or "all", form=form)


class MailTarget(_Target):
    """Mail by SMTP: a message for each recipient, plain and HTML, with attachments where wished."""

    kind: Literal["mail"]
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")
    port: int = Field(0, ge=0, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    username: str = ""
    password_env: str = ""
    password_file: Path | None = None
    sender: Address
    to: list[Address] = Field(min_length=1, max_length=MOST_RECIPIENTS)
    attach: list[Form] = Field([], max_length=4)

    @model_validator(mode="after")
    def _has_a_safe_login(self) -> MailTarget:
        if bool(self.username) != _is_named(self.password_env, self.password_file):
            raise ValueError("username needs password_env or password_file, and they need username")
        if self.username and self.security == "none":
            raise ValueError("a password is never sent without TLS: set security to starttls or tls")
        if len(set(self.to)) < len(self.to):
            raise ValueError("a recipient stands there twice")
        return self

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses."""
        return tuple(self.to)

    @property
    def smtp_port(self) -> int:
        """The port, or the usual one of its kind of security."""
        return self.port or _PORTS[self.security]


class WebhookTarget(_Target):
    """JSON by HTTP POST, signed where there is a secret."""

    kind: Literal["webhook"]
    url: Annotated[str, AfterValidator(_web)]
    secret_env: str = ""
    secret_file: Path | None = None
    allow_private: bool = False

    @model_validator(mode="after")
    def _is_encrypted(self) -> WebhookTarget:
        _is_named(self.secret_env, self.secret_file)
        if not self.allow_private and urlsplit(self.url).scheme != "https":
            raise ValueError("http is for a private network only: use https, or set allow_private = true")
        return self


class FeedTarget(_Target):
    """A folder of pages with a news feed (Atom) of them, which the board shows under /bulletins.

    Attributes:
        folder: None for the one that the board shows.
        address: by which readers reach the folder, such as `https://board.example.org/bulletins`.
        with_pdf: whether a PDF stands beside each page.
    """

    kind: Literal["feed"]
    folder: Path | None = None
    address: Annotated[str, AfterValidator(_web)]
    with_pdf: bool = False

    @property
    def forms(self) -> list[Form]:
        """The forms of a bulletin in the folder, the page first."""
        return ["html", "pdf"] if self.with_pdf else ["html"]


Target = FileTarget | MailTarget | WebhookTarget | FeedTarget
_target: TypeAdapter[Target] = TypeAdapter(Annotated[Target, Field(discriminator="kind")])


def _is_named(variable: str, file: Path | None) -> bool:
    if variable and file is not None:
        raise ValueError("a variable and a file for one secret; name one of them")
    return bool(variable) or file is not None


def load_targets(path: Path) -> tuple[Target, ...]:
    """Reads and checks the file; the targets that are enabled, in its order.

    Raises:
        ConfigError: naming every fault of the file at once; what stands in it is not repeated where it might be a secret.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _wrong(path, [f"it can't be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(path, [f"it is not TOML: {error}"]) from error
    problems = [f"there is no such section: [{name}]" for name in sorted(set(data) - {"target"})]
    rows = data.get("target", [])
    if not isinstance(rows, list) or not rows or len(rows) > MOST_TARGETS:
        raise _wrong(path, [*problems, f"expected 1 to {MOST_TARGETS} [[target]] tables"])
    targets = [found for number, row in enumerate(rows, 1) if (found := _read(number, row, problems)) is not None]
    for name, count in Counter(target.name for target in targets).items():
        if count > 1:
            problems.append(f"the name {name!r} is given to {count} targets")
    for place, count in Counter(place for target in targets for place in _places(target)).items():
        if count > 1:
            problems.append(f"{count} targets would write {place}")
    if problems:
        raise _wrong(path, problems)
    return tuple(target for target in targets if target.enabled)


def _read(number: int, row: Any, problems: list[str]) -> Target | None:
    try:
        return _target.validate_python(row)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            field = ".".join(str(part) for part in item["loc"] if part not in DELIVERY_KINDS)
            problems.append(f"target {number}{f', {field}' if field else ''}: {item['msg'].removeprefix('Value error, ')}")
        return None


def forms_of(target: Target) -> list[Form]:
    """The forms that a target is sent."""
    if isinstance(target, FileTarget):
        return target.forms
    if isinstance(target, MailTarget):
        return ["md", "html", *target.attach]
    if isinstance(target, FeedTarget):
        return target.forms
    return ["md", "json"]


def _places(target: Target) -> list[str]:
    """What a target writes, for the comparison with others."""
    if isinstance(target, FeedTarget):
        return [str(target.folder or "the folder that the board shows")]
    if isinstance(target, FileTarget):
        return [str(target.folder / target.file_name("{week}", form)) for form in target.forms]
    return []


def _wrong(path: Path, problems: list[str]) -> ConfigError:
    return ConfigError(
        "The list of deliveries is wrong:\n    " + "\n    ".join(problems), where=str(path),
        expected='[[target]] tables such as: name = "desk", kind = "file", folder = "bulletins"; docs/delivery.md has all fields',
        todo="correct the file; `bellwether deliver --dry-run` checks it",
    )  # fmt: skip
