"""A process that is killed between a target's acknowledgement and the ledger: sent again, and recognised as the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streams.delivery.config import load_targets
from streams.delivery.issue import delivery_key
from streams.delivery.ledger import Ledger
from tests.helpers.bulletins import LAST
from tests.helpers.delivering import mail_server, receiver
from tests.helpers.stack import REPOSITORY

MAIL = '[[target]]\nname = "desk"\nkind = "mail"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "bw@news.invalid"\nto = ["a@news.invalid"]\n'
HOOK = '[[target]]\nname = "hook"\nkind = "webhook"\nurl = "{url}"\nallow_private = true\n'
FILES = '[[target]]\nname = "files"\nkind = "file"\nfolder = "{folder}"\nforms = ["md", "pdf"]\n'
NEWS = '[[target]]\nname = "news"\nkind = "feed"\naddress = "https://board.invalid/bulletins"\n'


def run_child(folder: Path, *flags: str) -> int:
    command = [sys.executable, "-m", "tests.helpers.delivery_child", str(folder), *flags]
    return subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, timeout=120).returncode


def states(folder: Path) -> list[tuple[str, int]]:
    ledger = Ledger(folder / "deliveries.sqlite")
    try:
        return [(entry.state, entry.tries) for entry in ledger.entries()]
    finally:
        ledger.close()


def test_a_mail_comes_again_with_the_same_message_id_and_then_no_more(tmp_path: Path) -> None:
    with mail_server() as box:
        (tmp_path / "delivery.toml").write_text(MAIL.format(port=box.port), encoding="utf-8")
        assert run_child(tmp_path, "dies") == -signal.SIGKILL
        assert len(box.taken) == 1
        assert states(tmp_path) == [("begun", 1)]
        assert run_child(tmp_path) == 0
        assert states(tmp_path) == [("sent", 2)]
        assert run_child(tmp_path) == 0
    (target,) = load_targets(tmp_path / "delivery.toml")
    key = delivery_key(target, "a@news.invalid", LAST)
    assert [message["Message-ID"] for _, message in box.taken] == [f"<{key}@news.invalid>"] * 2


def test_a_post_comes_again_with_the_same_key_and_then_no_more(tmp_path: Path) -> None:
    with receiver() as found:
        (tmp_path / "delivery.toml").write_text(HOOK.format(url=found.url), encoding="utf-8")
        assert run_child(tmp_path, "dies") == -signal.SIGKILL
        assert [run_child(tmp_path), run_child(tmp_path)] == [0, 0]
    first, second = found.posts
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (FILES, ["out/{week}.en.md", "out/{week}.en.pdf"]),
        (NEWS, ["bulletins/feed.xml", "bulletins/index.json", "bulletins/{week}.html"]),
    ],
    ids=["files", "news feed"],
)
def test_a_folder_is_the_same_after_a_kill(tmp_path: Path, text: str, names: list[str]) -> None:
    (tmp_path / "delivery.toml").write_text(text.format(folder=tmp_path / "out"), encoding="utf-8")
    expected = [tmp_path / name.format(week=LAST) for name in names]
    assert run_child(tmp_path, "dies") == -signal.SIGKILL
    before = [path.read_bytes() for path in expected]
    assert run_child(tmp_path) == 0
    assert states(tmp_path) == [("sent", 2)]
    assert [path.read_bytes() for path in expected] == before
    assert sorted(expected[0].parent.iterdir()) == sorted(expected)
