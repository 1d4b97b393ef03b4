"""Secrets from files: each may come from one, and what is wrong with one is said without showing it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from streams.errors import ConfigError
from streams.settings import Settings, child_environment, describe_settings, load_settings


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BELLWETHER_")]:
        monkeypatch.delenv(name)


def test_every_secret_has_a_setting_for_a_file_of_its_own() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    assert secrets
    assert {f"{name}_file" for name in secrets} <= set(Settings.model_fields)


def test_a_password_is_read_from_its_file_without_the_end_of_its_line(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hunter2\n", encoding="utf-8")
    settings = load_settings(kafka_password_file=file)
    assert settings.kafka_password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings) + str(describe_settings(settings))


def test_a_child_gets_the_name_of_the_file_and_never_the_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hunter2", encoding="utf-8")
    given = child_environment(load_settings(kafka_password_file=file))
    assert given["BELLWETHER_KAFKA_PASSWORD_FILE"] == str(file)
    assert "hunter2" not in given.values()


@pytest.mark.parametrize(("content", "said"), [(None, "can't be read"), (b"\n", "is empty"), (b"\xff\xfe\x00", "it is no text")])
def test_a_file_that_holds_no_password_is_refused_with_the_reason(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(kafka_password_file=file)
    assert f"BELLWETHER_KAFKA_PASSWORD_FILE: {file}" in str(caught.value)
    assert said in str(caught.value)


def test_a_password_and_a_file_of_it_are_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("hunter2", encoding="utf-8")
    monkeypatch.setenv("BELLWETHER_KAFKA_PASSWORD", "hunter3")
    with pytest.raises(ConfigError, match="set one of them"):
        load_settings(kafka_password_file=tmp_path / "password")
