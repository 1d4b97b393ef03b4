"""What the audit tells of beside Kafka: the journal of tokens, and marks instead of addresses."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from streams.deeds import an_act, article_mark, note, operator_name, read_journal
from streams.errors import StateError
from streams.push.tokens import TokenFile
from streams.settings import Settings


def test_what_is_done_with_tokens_is_noted_in_its_order_without_the_token(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    tokens = TokenFile(settings.push_tokens_file)
    secret = tokens.add("ann", ["read", "correct"])
    tokens.revoke("ann")
    found = [(act.by, act.did, act.subject) for act in read_journal(settings.tokens_journal)]
    assert found == [(operator_name(), "made", "token ann (read, correct)"), (operator_name(), "revoked", "token ann")]
    assert secret.encode() not in settings.tokens_journal.read_bytes()
    assert stat.S_IMODE(settings.tokens_journal.stat().st_mode) == 0o600


def test_what_can_not_be_noted_is_not_done(tmp_path: Path) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")
    (tmp_path / "tokens.json.audit.jsonl").mkdir()
    with pytest.raises(StateError, match="noted"):
        tokens.add("ann")
    assert tokens.tokens() == []


def test_a_journal_only_grows_and_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    assert read_journal(journal) == []
    note(journal, an_act("made", "token a", by="ann"))
    before = journal.read_bytes()
    journal.write_bytes(before + b'{"at":"20\n')
    note(journal, an_act("revoked", "token a", by="ann"))
    assert journal.read_bytes().startswith(before)
    assert [act.did for act in read_journal(journal)] == ["made", "revoked"]


def test_the_operator_is_whom_the_system_says_whatever_the_environment_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    before = operator_name()
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "the-editor")
    assert operator_name() == before
    assert operator_name().endswith(f"@{os.uname().nodename}")


def test_a_mark_is_the_same_for_an_article_and_does_not_hold_its_address() -> None:
    assert article_mark("https://news.example/1") == article_mark("https://news.example/1")
    assert article_mark("https://news.example/1") != article_mark("https://news.example/2")
    assert "news" not in article_mark("https://news.example/1")
