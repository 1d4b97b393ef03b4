"""Settings: one reader, every wrong value at once, no secret shown."""

from __future__ import annotations

import pytest

from streams.errors import EXIT_USAGE, ConfigError
from streams.settings import child_environment, describe_settings, load_settings


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("BELLWETHER_")]:
        monkeypatch.delenv(name)


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_PARTITIONS", "12")
    assert load_settings().partitions == 12


def test_an_argument_wins_over_the_environment_and_none_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_GROUP", "from-environment")
    assert load_settings(group="given").group == "given"
    assert load_settings(group=None).group == "from-environment"


def test_all_wrong_values_and_unknown_names_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_PARTITIONS", "many")
    monkeypatch.setenv("BELLWETHER_GROUP", "with space")
    monkeypatch.setenv("BELLWETHER_PARTITION", "3")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert all(name in str(caught.value) for name in ("BELLWETHER_PARTITIONS", "BELLWETHER_GROUP", "BELLWETHER_PARTITION:"))
    assert caught.value.exit_code == EXIT_USAGE


def test_a_wrong_value_is_not_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    # It could be a secret that stands in the wrong variable.
    monkeypatch.setenv("BELLWETHER_PARTITIONS", "hunter2")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_KAFKA_PASSWORD", "hunter2")
    settings = load_settings()
    shown = {name: value for name, value, _ in describe_settings(settings)}
    assert shown["BELLWETHER_KAFKA_PASSWORD"] == "********"
    assert "hunter2" not in repr(settings)


def test_every_setting_says_what_it_means() -> None:
    assert all(len(meaning) > 10 for _, _, meaning in describe_settings(load_settings()))


def test_a_child_gets_what_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = child_environment(load_settings(partitions=7), worker_id="worker-9")
    assert environment["BELLWETHER_PARTITIONS"] == "7"
    assert environment["BELLWETHER_WORKER_ID"] == "worker-9"
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load_settings().partitions == 7
