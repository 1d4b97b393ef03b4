"""delivery.toml: what may stand in it, and that every fault is named at once without showing a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.delivery.config import MOST_RECIPIENTS, FeedTarget, FileTarget, MailTarget, WebhookTarget, load_targets
from streams.errors import ConfigError
from streams.settings import read_secret
from tests.helpers.delivering import targets_of

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = '[[target]]\nname = "{name}"\nkind = "file"\nfolder = "out"\n'
MAIL = '[[target]]\nname = "desk"\nkind = "mail"\nhost = "mail.invalid"\nsender = "bw@news.invalid"\nto = ["a@news.invalid"]\n'
HOOK = '[[target]]\nname = "hook"\nkind = "webhook"\nurl = "{url}"\n'


def problem_of(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        targets_of(folder, text)
    return str(raised.value)


def test_the_example_that_ships_is_right() -> None:
    kinds = {type(target) for target in load_targets(REPOSITORY / "deploy" / "delivery.example.toml")}
    assert kinds == {FileTarget, MailTarget, WebhookTarget, FeedTarget}


def test_every_fault_of_the_file_is_named_at_once(tmp_path: Path) -> None:
    text = (
        FILE.format(name="a") + 'forms = ["doc"]\n' + MAIL + 'lang = "en"\n' + '[[target]]\nname = "x"\nkind = "fax"\n[extra]\n'
    )
    said = problem_of(tmp_path, text)
    assert "target 1, forms.0" in said
    assert "target 2, lang" in said
    assert "target 3" in said
    assert "[extra]" in said


@pytest.mark.parametrize(
    "line",
    [
        'to = ["a@news.invalid\\nBcc: b@news.invalid"]', 'to = ["-oQ@news.invalid"]', 'to = ["Name <a@news.invalid>"]', 'to = []',
        f'to = [{", ".join(f"{chr(34)}a{n}@news.invalid{chr(34)}" for n in range(MOST_RECIPIENTS + 1))}]', 'to = ["a@news.invalid", "a@news.invalid"]',
    ],
)  # fmt: skip
def test_a_recipient_can_end_no_header_and_there_are_not_too_many(tmp_path: Path, line: str) -> None:
    assert "target 1" in problem_of(tmp_path, MAIL.replace('to = ["a@news.invalid"]', line))


def test_a_password_is_never_sent_without_tls_and_never_stands_in_the_file(tmp_path: Path) -> None:
    login = 'username = "u"\npassword_env = "P"\n'
    assert "without TLS" in problem_of(tmp_path, MAIL + 'security = "none"\n' + login)
    assert "hunter2" not in problem_of(tmp_path, MAIL + 'password = "hunter2"\n')
    (target,) = targets_of(tmp_path, MAIL + login)
    assert isinstance(target, MailTarget)
    assert target.smtp_port == 587


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.invalid/x", "use https"), ("file:///etc/passwd", "no http or https"), ("https://u:hunter2@hooks.invalid/", "user name"),
        ("javascript:alert(1)", "no http or https"),
    ],
)  # fmt: skip
def test_a_webhook_is_https_unless_it_may_be_private(tmp_path: Path, url: str, said: str) -> None:
    text = problem_of(tmp_path, HOOK.format(url=url))
    assert said in text
    assert "hunter2" not in text
    assert targets_of(tmp_path, HOOK.format(url="http://10.0.0.7/x") + "allow_private = true\n")


@pytest.mark.parametrize(
    "pattern",
    [
        "../{week}.{form}",
        "/etc/{week}.{form}",
        "{week}",
        "a.{form}",
        "{week.__class__}.{form}",
        "{week}{x}.{form}",
        "{week}\\n.{form}",
    ],
)
def test_a_name_of_a_file_stays_below_its_folder_and_names_the_week(tmp_path: Path, pattern: str) -> None:
    assert "target 1, pattern" in problem_of(tmp_path, FILE.format(name="a") + f'pattern = "{pattern}"\n')


def test_two_targets_never_write_the_same_file(tmp_path: Path) -> None:
    assert "would write" in problem_of(tmp_path, FILE.format(name="a") + FILE.format(name="b"))
    assert targets_of(tmp_path, FILE.format(name="a") + FILE.format(name="b") + 'language = "ru"\n')
    assert "the name 'a'" in problem_of(tmp_path, FILE.format(name="a") + FILE.format(name="a") + 'language = "ru"\n')


def test_a_target_that_is_not_enabled_is_checked_and_left_out(tmp_path: Path) -> None:
    assert targets_of(tmp_path, FILE.format(name="a") + "enabled = false\n") == ()
    assert "pair" in problem_of(tmp_path, FILE.format(name="a") + 'enabled = false\npair = "BLR-XXX"\n')


def test_a_secret_comes_from_a_variable_or_a_file_and_a_missing_one_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_SECRET", " hunter2\n")
    (tmp_path / "secret").write_text("hunter3\n", encoding="utf-8")
    assert read_secret("DESK_SECRET", None) == "hunter2"
    assert read_secret("", tmp_path / "secret") == "hunter3"
    assert read_secret("", None) == ""
    for variable, file in (("NOT_SET_ANYWHERE", None), ("", tmp_path / "none")):
        with pytest.raises(ConfigError, match="a secret"):
            read_secret(variable, file)
