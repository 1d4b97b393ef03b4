"""docker-compose.yml and the image: valid, safe by default, and in step with the settings, the commands and Kafka's own file.

No container is started here; what the files say is held against what Bellwether is.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import tomllib
from fnmatch import fnmatch
from importlib.metadata import files
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from streams.cli import cli
from streams.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
OWN = sorted(name for name, service in SERVICES.items() if service["image"].startswith("bellwether:"))
LONG_RUNNING = sorted(set(SERVICES) - {"topics"})
each_service = pytest.mark.parametrize("name", sorted(SERVICES))
each_own = pytest.mark.parametrize("name", OWN)


def mounts(service: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """(source, target, whether it is read-only) of each mount."""
    found = []
    for volume in service.get("volumes", []):
        if isinstance(volume, dict):
            found.append((volume["source"], volume["target"], volume.get("read_only", False)))
        else:
            source, target, *mode = volume.split(":")
            found.append((source, target, mode == ["ro"]))
    return found


def environment_of_image() -> dict[str, str]:
    """What the Dockerfile's last stage sets."""
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1].replace("\\\n", " ")
    lines = re.findall(r"^ENV (.+)$", last, re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def test_the_file_is_valid_by_the_compose_specification() -> None:
    # The schema is read by itself: the command beside it needs a newer click than Faust allows.
    found = next(entry for entry in files("check-jsonschema") or [] if entry.name == "compose-spec.json")
    jsonschema = importlib.import_module("jsonschema")
    schema = json.loads(found.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(COMPOSE)] == []
    assert list(validator.iter_errors({"services": {"a": {"imagee": "b"}}})) != []


def test_the_services_are_kafka_the_three_processes_and_the_monitoring() -> None:
    assert OWN == ["board", "deliver", "ingest-feeds", "ingest-push", "topics", "worker"]
    assert set(SERVICES) - set(OWN) == {"kafka", "prometheus", "alertmanager", "grafana"}
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["ingest-feeds", "ingest-push", "deliver"]


@each_own
def test_a_process_starts_after_its_topics_were_made(name: str) -> None:
    needs = {other: need["condition"] for other, need in SERVICES[name]["depends_on"].items()}
    assert needs["kafka"] == "service_healthy"
    if name == "topics":
        assert SERVICES[name]["command"] == ["topics", "--create"]
        assert SERVICES[name]["restart"] == "no"
    else:
        assert needs["topics"] == "service_completed_successfully"


@each_own
def test_a_command_is_one_that_bellwether_has(name: str) -> None:
    command: click.Command = cli
    context = click.Context(command, info_name="bellwether")
    for word in SERVICES[name]["command"]:
        if word.startswith("--"):
            assert word in {option for parameter in command.params for option in parameter.opts}
            continue
        assert isinstance(command, click.Group), f"{command.name} has no commands beneath it"
        found = command.get_command(context, word)
        assert found is not None, f"bellwether {word}"
        command, context = found, click.Context(found, parent=context, info_name=word)


@each_own
def test_the_settings_accept_the_environment_of_a_service(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [variable for variable in os.environ if variable.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    wanted = {**environment_of_image(), **SERVICES[name]["environment"]}
    for variable, value in wanted.items():
        if variable.startswith(PREFIX):
            # What stands there unless somebody says otherwise.
            monkeypatch.setenv(variable, re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)))
    settings = load_settings()
    assert settings.kafka_servers == "kafka:9092"
    assert settings.log_json is True
    assert str(settings.watchlist) in {target for _, target, _ in mounts(SERVICES[name])}


def test_ports_are_the_defaults_of_the_settings() -> None:
    probed = {
        "worker": "worker_metrics_port", "board": "board_port", "ingest-feeds": "ingest_metrics_port", "ingest-push": "push_port",
        "deliver": "delivery_metrics_port",
    }  # fmt: skip
    for name, field in probed.items():
        port = Settings.model_fields[field].default
        assert f"http://127.0.0.1:{port}/" in SERVICES[name]["healthcheck"]["test"][-1]
    for name, field in {"board": "board_port", "ingest-push": "push_port"}.items():
        port = Settings.model_fields[field].default
        assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


@pytest.mark.parametrize("file", ["targets.yml", "targets.compose.yml"])
def test_prometheus_reads_every_process_where_it_tells_of_itself(file: str) -> None:
    groups = yaml.safe_load((ROOT / "deploy/prometheus" / file).read_text(encoding="utf-8"))
    ports = {int(group["targets"][0].rpartition(":")[2]) for group in groups}
    told = ("board_port", "worker_metrics_port", "ingest_metrics_port", "push_metrics_port", "delivery_metrics_port")
    assert {Settings.model_fields[field].default for field in told} <= ports


def test_what_prometheus_reads_listens_beyond_its_own_container() -> None:
    for name in ("worker", "ingest-feeds", "ingest-push", "deliver"):
        assert SERVICES[name]["environment"]["BELLWETHER_METRICS_HOST"] == "0.0.0.0"
    assert SERVICES["board"]["environment"]["BELLWETHER_BOARD_HOST"] == "0.0.0.0"
    assert SERVICES["ingest-push"]["environment"]["BELLWETHER_PUSH_HOST"] == "0.0.0.0"


@each_service
def test_ports_are_published_on_the_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_service_that_stays_has_a_health_check_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])


@each_service
def test_a_service_is_limited_and_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service
    if name in OWN:
        assert service["read_only"] is True


@each_service
def test_an_image_is_named_with_its_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert image
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


@each_service
def test_no_secret_stands_in_the_file(name: str) -> None:
    for variable in SERVICES[name].get("environment", {}):
        assert not re.search(r"(PASSWORD|SECRET|TOKEN|KEY)$", variable)


@each_service
def test_what_is_mounted_is_there_and_read_only_unless_it_is_a_volume(name: str) -> None:
    for source, _, read_only in mounts(SERVICES[name]):
        if "${" in source:
            assert read_only
        elif source.startswith("./"):
            assert (ROOT / source).exists()
            assert read_only
        else:
            assert source in COMPOSE["volumes"]


def test_each_volume_is_written_by_one_service() -> None:
    used = [mount for service in SERVICES.values() for mount in mounts(service) if mount[0] in COMPOSE["volumes"]]
    assert sorted(source for source, _, read_only in used if not read_only) == sorted(COMPOSE["volumes"])


def test_the_board_shows_the_bulletins_that_are_delivered_and_the_image_has_their_folder() -> None:
    folder = f"{environment_of_image()['BELLWETHER_DATA_DIR']}/bulletins"
    assert ("bulletins", folder, False) in mounts(SERVICES["deliver"])
    assert ("bulletins", folder, True) in mounts(SERVICES["board"])
    assert f"-o bellwether -g bellwether -m 0750 /var/lib/bellwether {folder} " in DOCKERFILE


def test_who_has_no_secret_for_deliveries_gives_none() -> None:
    assert {secret["source"] for secret in SERVICES["deliver"]["secrets"]} == set(COMPOSE["secrets"])
    assert all(re.fullmatch(r"\$\{[A-Z_]+:-/dev/null\}", secret["file"]) for secret in COMPOSE["secrets"].values())


def test_a_process_is_given_longer_to_stop_than_it_takes() -> None:
    stop = Settings.model_fields["stop_timeout_seconds"].default
    assert all(int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > stop for name in OWN)


def test_grafana_has_no_account_and_no_form_to_log_in() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_a_board_without_tokens_is_open_only_because_its_port_is_on_the_loopback() -> None:
    board = SERVICES["board"]
    assert board["environment"]["BELLWETHER_BOARD_READERS"] == "${BOARD_READERS:-anyone}"
    assert board["ports"] == ["127.0.0.1:8600:8600"]


def test_prometheus_finds_each_service_that_its_targets_name() -> None:
    groups = yaml.safe_load((ROOT / "deploy/prometheus/targets.compose.yml").read_text(encoding="utf-8"))
    for group in groups:
        host = group["targets"][0].partition(":")[0]
        assert host in SERVICES or (host, group["labels"]["component"]) == ("127.0.0.1", "prometheus")


def test_kafka_is_the_version_and_has_the_settings_of_the_embedded_one() -> None:
    version = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([\d.]+)<", (ROOT / "deploy/kafka/pom.xml").read_text())
    assert version
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{version[1]}"
    lines = (ROOT / "deploy/kafka/server.properties").read_text(encoding="utf-8").splitlines()
    embedded = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    given = SERVICES["kafka"]["environment"].items()
    settings = {name.removeprefix("KAFKA_").lower().replace("_", "."): str(value) for name, value in given}
    own = {"heap.opts", "node.id", "log.dirs"} | {name for name in settings if "listener" in name or "quorum" in name}
    assert {name: embedded.get(name) for name in settings if name not in own} == {
        name: value for name, value in settings.items() if name not in own
    }
    assert settings["auto.create.topics.enable"] == "false"


def test_the_image_is_pinned_runs_as_nobody_special_and_installs_by_hash() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", bases[0])
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]
    installs = re.findall(r"pip install (.+?)(?: \\)?$", DOCKERFILE, re.MULTILINE)
    assert len(installs) == 3
    assert all("--require-hashes -r requirements/" in line or "--no-deps --no-build-isolation" in line for line in installs)
    assert "://" not in DOCKERFILE


def test_the_image_has_the_version_of_the_package() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {SERVICES[name]["image"] for name in OWN} == {f"bellwether:{version}"}


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    rules = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    assert rules[0] == "*"
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        source.rstrip("/")
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / path).exists() for path in copied)
    for hidden in ("streams/__pycache__", "deploy/.env"):
        assert any(fnmatch(hidden, rule) for rule in rules[1:] if not rule.startswith("!"))
