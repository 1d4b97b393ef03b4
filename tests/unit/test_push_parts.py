"""Push's parts by themselves: tokens, limits, the reading of bodies, its OpenAPI document."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from streams import up
from streams.clock import parse_utc
from streams.errors import ConfigError, StateError
from streams.ingest.article import KNOWN_FIELDS
from streams.json_text import MAX_DEPTH
from streams.push.items import MAX_ITEMS, BodyKind, read_items
from streams.push.limits import Budget, RateLimit
from streams.push.openapi import openapi_document
from streams.push.problems import PROBLEMS, PushError
from streams.push.tokens import MAX_TOKENS, TokenCheck, TokenFile
from streams.settings import Settings

NOW = parse_utc("2017-08-02T12:00:00Z")
GOOD = '{"title": "A", "text": "B"}'


class Seconds:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def read(body: str | bytes, kind: BodyKind = "json") -> list[str]:
    given = body if isinstance(body, bytes) else body.encode()
    reading = read_items(given, kind, now=NOW, settings=Settings())
    return [article.title for article in reading.articles] + [
        f"{error.item}:{error.field}:{error.reason}" for error in reading.errors
    ]


def test_the_token_is_not_in_its_file_and_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "deep" / "tokens.json")
    token = file.add("desk")
    assert token not in file.path.read_text(encoding="utf-8")
    assert token.removeprefix("bwt_") not in file.path.read_text(encoding="utf-8")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert TokenCheck(file).name_of(token) == "desk"
    assert TokenCheck(file).name_of(token[:-1]) == ""


def test_no_two_tokens_are_alike_and_names_are_given_once(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    assert file.add("desk") != file.add("wire")
    with pytest.raises(ConfigError, match="already"):
        file.add("desk")
    with pytest.raises(ConfigError, match="no token"):
        file.revoke("nobody")
    assert [token.name for token in file.tokens()] == ["desk", "wire"]


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "\x1b[31m", "x" * 41, "-x", "../x"])
def test_a_name_that_could_forge_a_line_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        TokenFile(tmp_path / "tokens.json").add(name)


def test_there_is_a_bound_on_tokens(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    for number in range(MAX_TOKENS):
        file.add(f"t{number}")
    with pytest.raises(ConfigError, match=str(MAX_TOKENS)):
        file.add("one-more")


@pytest.mark.parametrize("content", ["{", "[]", '{"tokens": [{"name": 1}]}', "[" * 100_000])
def test_a_damaged_file_is_an_error_for_the_command_and_no_token_for_the_server(tmp_path: Path, content: str) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    token = file.add("desk")
    check = TokenCheck(file)
    assert check.name_of(token) == "desk"
    file.path.write_text(content, encoding="utf-8")
    with pytest.raises(StateError):
        file.tokens()
    assert check.name_of(token) == ""


def test_every_token_is_compared_in_full_whichever_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    first, _ = file.add("first"), file.add("second")
    compared: list[str] = []

    def compare(given: str, kept: str) -> bool:
        compared.append(kept)
        return given == kept

    monkeypatch.setattr("streams.push.tokens.hmac.compare_digest", compare)
    check = TokenCheck(file)
    assert [check.name_of(first), check.name_of("wrong")] == ["first", ""]
    assert len(compared) == 4


def test_a_bucket_refuses_when_it_is_in_debt_and_fills_with_time() -> None:
    clock = Seconds()
    rate = RateLimit(10, burst_seconds=1, clock=clock)
    assert rate.wait_seconds("desk") == 0
    rate.take("desk", 40)
    assert rate.wait_seconds("desk") == 3
    assert rate.wait_seconds("wire") == 0
    clock.now += 3.1
    assert rate.wait_seconds("desk") == 0
    clock.now += 1_000
    rate.take("desk", 10)
    assert rate.wait_seconds("desk") == 1


def test_a_token_that_is_gone_leaves_no_bucket() -> None:
    rate = RateLimit(1, clock=Seconds())
    rate.take("gone", 100)
    rate.keep_only({"desk"})
    assert rate.wait_seconds("gone") == 0


def test_the_budget_takes_all_or_nothing() -> None:
    used: list[float] = []
    budget = Budget(100, used.append)
    assert budget.take(80)
    assert not budget.take(21)
    budget.give_back(80)
    assert budget.take(100)
    assert used == [80, 0, 100]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (GOOD, ["A"]),
        (f" [ {GOOD} , {GOOD} ] ", ["A", "A"]),
        (f'\ufeff[{{"title": "a, ]}}\\"[", "extra": {{"x": [1, [2]]}}}}, {GOOD}]', ['a, ]}"[', "A"]),
        ("[]", []),
        ("[1, null, [], true]", ["0::not-an-article", "1::not-an-article", "2::not-an-article", "3::not-an-article"]),
        ('{"title": true, "language": {}, "id": 1.5}', ["0:title:not-an-article", "0:language:not-an-article", "0:id:not-an-article"]),
        ('{"id": 7, "title": null, "summary": "x", "date": 1501666200.5}', [""]),
        ('{"title": "\\ud800"}', ["\ufffd"]),
        (json.dumps({"title": "x", "text": "y" * 950_000}), ["0::too-large"]),
    ],
)  # fmt: skip
def test_json_is_read_item_by_item(body: str, found: list[str]) -> None:
    assert read(body) == found


@pytest.mark.parametrize(
    "body",
    [
        "", " ", "{", "[", f"[{GOOD}", f"[{GOOD},]", f"[,{GOOD}]", f"[{GOOD} {GOOD}]", f"{GOOD}{GOOD}", f"[{GOOD}]]", "]", "nonsense",
        '["', '{"title": "A", "title": "B"}', '{"title": "A", "x": NaN}', '{"x": -Infinity}', '{"x": 1e999}', '{"x": ' + "9" * 5_000 + "}",
        "[" * 100_000, '{"x":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), "'title'", "[{]}", b'{"title": "\xff"}', b"\x00\x01",
    ],
)  # fmt: skip
def test_what_is_not_strict_json_is_refused_as_a_whole(body: str | bytes) -> None:
    with pytest.raises(PushError) as caught:
        read(body)
    assert caught.value.status == 400


def test_lines_are_read_one_by_one_and_blank_ones_passed_over() -> None:
    body = f"{GOOD}\n\n \r\n{{\n{GOOD}\n[]"
    assert read(body, "json-lines") == ["A", "A", "1::not-json", "3::not-an-article"]
    assert read(b'{"title": "\xff"}\n', "json-lines") == ["0::not-utf8"]


@pytest.mark.parametrize(
    "body", ["[" + "0," * MAX_ITEMS + "0]", "[{" + '"a":[' + "[]," * 200_000 + "[]]}]", "[" + '"",' * 2_000_000]
)
def test_a_body_of_too_many_things_is_refused_before_they_are_built(body: str) -> None:
    with pytest.raises(PushError) as caught:
        read(body)
    assert caught.value.status == 413


def test_too_many_lines_are_refused() -> None:
    for body in ("0\n" * (MAX_ITEMS + 1), "\n" * 4_000_000):
        with pytest.raises(PushError) as caught:
            read(body, "json-lines")
        assert caught.value.status == 413


def test_the_openapi_document_names_every_field_status_and_schema() -> None:
    document = json.loads(json.dumps(openapi_document(Settings())))
    schemas = document["components"]["schemas"]
    assert set(schemas["Article"]["properties"]) == KNOWN_FIELDS
    statuses = set(document["paths"]["/v1/articles"]["post"]["responses"])
    assert statuses == {"202"} | {str(status) for status, _ in PROBLEMS.values()} - {"404", "405"}
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references == set(schemas)


def test_up_runs_push_only_where_there_are_tokens(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert "ingest-push" not in [child.name for child in up._children(settings, demo=False)]
    TokenFile(settings.push_tokens_file).add("desk")
    assert ["ingest", "push"] in [child.arguments for child in up._children(settings, demo=False)]
