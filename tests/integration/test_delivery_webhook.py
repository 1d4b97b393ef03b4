"""Bulletins by HTTP POST to a real receiver: what it gets, how it is signed, and what its answers lead to."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from streams.bulletin.build import Stands
from streams.delivery.config import WebhookTarget
from streams.delivery.issue import delivery_key
from streams.delivery.rounds import Wish
from tests.helpers.bulletins import LAST, eventful
from tests.helpers.delivering import NOW, log_of_rounds, receiver, rounds_in, targets_of

HOOK = '[[target]]\nname = "hook"\nkind = "webhook"\nurl = "{url}"\nallow_private = true\n'


@pytest.fixture(scope="module")
def stands() -> Stands:
    return eventful()


def test_the_receiver_gets_the_text_and_the_figures_and_can_check_who_sent_them(
    tmp_path: Path, stands: Stands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "correct horse")
    with receiver() as found, rounds_in(tmp_path) as rounds:
        (target,) = targets_of(
            tmp_path, HOOK.format(url=found.url) + 'secret_env = "HOOK_SECRET"\npair = "BLR-RUS"\nlanguage = "be"\n'
        )
        (entry,) = rounds.deliver(stands, [target])
    assert entry.state == "sent"
    (post,) = found.posts
    told = json.loads(post.body)
    assert (told["type"], told["week"], told["pair"], told["language"]) == ("bellwether.bulletin", LAST, "BLR-RUS", "be")
    assert told["markdown"].startswith("# Беларусь")
    assert told["figures"]["pairs"][0]["pair"] == "BLR-RUS"
    assert post.headers["Idempotency-Key"] == told["key"] == delivery_key(target, "", LAST)
    stamp = post.headers["X-Bellwether-Timestamp"]
    assert stamp == str(int(NOW.timestamp()))
    signed = hmac.new(b"correct horse", stamp.encode() + b"." + post.body, hashlib.sha256).hexdigest()
    assert post.headers["X-Bellwether-Signature"] == f"sha256={signed}"


def test_a_repetition_has_the_same_key_and_the_same_body(tmp_path: Path, stands: Stands) -> None:
    with receiver(answers=[503, 200]) as found, rounds_in(tmp_path) as rounds:
        targets = targets_of(tmp_path, HOOK.format(url=found.url))
        (failed,) = rounds.deliver(stands, targets)
        assert (failed.state, failed.problem) == ("waiting", "the receiver answered 503 (127.0.0.1)")
        (sent,) = rounds.deliver(stands, targets, Wish(at_once=True))
    assert (sent.state, sent.tries) == ("sent", 2)
    first, second = found.posts
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body
    assert "X-Bellwether-Signature" not in first.headers


@pytest.mark.parametrize(
    ("status", "state"), [(204, "sent"), (302, "waiting"), (404, "waiting"), (410, "refused"), (422, "refused"), (500, "waiting")]
)
def test_an_answer_is_taken_tried_again_or_final(tmp_path: Path, stands: Stands, status: int, state: str) -> None:
    with receiver(answers=[status]) as found, rounds_in(tmp_path) as rounds:
        (entry,) = rounds.deliver(stands, targets_of(tmp_path, HOOK.format(url=found.url)))
    assert entry.state == state
    assert len(found.posts) == 1


def test_no_private_address_is_reached_unless_the_target_may_be_private(tmp_path: Path, stands: Stands) -> None:
    with receiver() as found, rounds_in(tmp_path) as rounds:
        (target,) = targets_of(tmp_path, HOOK.format(url=found.url))
        assert isinstance(target, WebhookTarget)
        (entry,) = rounds.deliver(stands, [target.model_copy(update={"allow_private": False})])
    assert "in a private network" in entry.problem
    assert found.posts == []


def test_the_cloud_s_own_address_is_reached_by_no_target(tmp_path: Path, stands: Stands) -> None:
    with rounds_in(tmp_path) as rounds:
        (entry,) = rounds.deliver(stands, targets_of(tmp_path, HOOK.format(url="http://169.254.169.254/latest")))
    assert "in a private network" in entry.problem


def test_neither_log_nor_ledger_holds_the_address_or_the_secret(
    tmp_path: Path, stands: Stands, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("hunter2", encoding="utf-8")
    logged = log_of_rounds(monkeypatch)
    with receiver(answers=[500]) as found, rounds_in(tmp_path) as rounds:
        (entry,) = rounds.deliver(
            stands, targets_of(tmp_path, HOOK.format(url=found.url) + f'secret_file = "{tmp_path}/secret"\n')
        )
    assert entry.state == "waiting"
    assert "bulletin_not_delivered" in logged.getvalue()
    assert not any(secret in logged.getvalue() + repr(entry) for secret in ("s3cret-path", "hunter2"))


def test_a_missing_secret_fails_this_target_and_no_other(tmp_path: Path, stands: Stands) -> None:
    with receiver() as found, rounds_in(tmp_path) as rounds:
        text = (
            HOOK.format(url=found.url)
            + 'secret_env = "NOT_SET_ANYWHERE"\n'
            + HOOK.format(url=found.url).replace('"hook"', '"other"')
        )
        done = rounds.deliver(stands, targets_of(tmp_path, text))
    assert [entry.state for entry in done] == ["waiting", "sent"]
    assert "NOT_SET_ANYWHERE" in done[0].problem
