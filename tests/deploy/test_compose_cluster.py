"""docker-compose.cluster.yml laid over docker-compose.yml: valid, as safe as it, and in step with deploy/cluster/.

The files are merged here by the rules of the Compose Specification that they use: mappings key by key, lists joined, commands replaced.
"""

from __future__ import annotations

import importlib
import json
import re
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cluster.access import ACCOUNTS
from streams.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
OVERLAY: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.cluster.yml").read_text(encoding="utf-8"))
REPLACED = {"command", "entrypoint", "test"}


def merged(base: Any, over: Any, key: str = "") -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return {name: merged(base.get(name), over.get(name), name) for name in {**base, **over}}
    if isinstance(base, list) and isinstance(over, list) and key not in REPLACED:
        return base + [entry for entry in over if entry not in base]
    return base if over is None else over


COMPOSE: dict[str, Any] = merged(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")), OVERLAY)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BROKERS = ("kafka", "kafka-2", "kafka-3")
OWN = sorted(name for name, service in SERVICES.items() if service["image"].startswith("bellwether:"))


@pytest.mark.parametrize("document", [OVERLAY, COMPOSE], ids=["overlay", "merged"])
def test_the_file_is_valid_by_the_compose_specification(document: dict[str, Any]) -> None:
    found = next(entry for entry in files("check-jsonschema") or [] if entry.name == "compose-spec.json")
    jsonschema = importlib.import_module("jsonschema")
    schema = json.loads(found.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(document)] == []


def properties(name: str) -> dict[str, str]:
    """A broker's environment as the properties that the image makes of it."""
    given = {
        key.removeprefix("KAFKA_"): str(value) for key, value in SERVICES[name]["environment"].items() if key.startswith("KAFKA_")
    }
    given.pop("HEAP_OPTS")
    return {key.replace("___", "-").replace("_", ".").lower(): value.replace("$$", "$") for key, value in given.items()}


@pytest.mark.parametrize("name", BROKERS)
def test_a_broker_has_the_settings_that_the_tests_of_the_cluster_run_with(name: str) -> None:
    lines = (ROOT / "deploy/cluster/broker.properties").read_text(encoding="utf-8").splitlines()
    wanted = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    wanted = {key: value.replace("$$", "$") for key, value in wanted.items()}
    found = properties(name)
    own = {"node.id", "controller.quorum.voters", "listeners", "advertised.listeners", "log.dirs", "super.users"}
    own |= {"listener.security.protocol.map", "ssl.keystore.location", "ssl.truststore.location"}
    assert {key: value for key, value in wanted.items() if key not in own} == {
        key: found.get(key) for key in wanted if key not in own
    }
    assert found["super.users"] == ";".join(f"User:{broker}" for broker in (*BROKERS, "admin"))
    assert "PLAINTEXT" not in json.dumps(found)
    assert {entry.partition("@")[2] for entry in found["controller.quorum.voters"].split(",")} == {f"{b}:9093" for b in BROKERS}


def test_every_broker_has_a_number_a_name_a_port_and_a_volume_of_its_own() -> None:
    assert [SERVICES[name]["environment"]["KAFKA_NODE_ID"] for name in BROKERS] == [1, 2, 3]
    for name in BROKERS:
        advertised = properties(name)["advertised.listeners"]
        published = SERVICES[name]["ports"][0].rpartition(":")[0]
        assert f"CLIENTS://{name}:9092" in advertised
        assert f"HOST://{published}" in advertised
        assert {"source": name, "target": "broker.pem"} in SERVICES[name]["secrets"]
    assert len({SERVICES[name]["volumes"][0] for name in BROKERS}) == 3


@pytest.mark.parametrize("name", [name for name in OWN if name != "accounts"])
def test_a_process_has_an_account_of_its_own_and_its_password_from_a_file(name: str) -> None:
    given = SERVICES[name]["environment"]
    account = given["BELLWETHER_KAFKA_USERNAME"]
    assert account in ACCOUNTS
    assert name.startswith(account)
    assert given["BELLWETHER_KAFKA_PASSWORD_FILE"] == f"/run/secrets/{account}.password"
    given_by_overlay = {secret for secret in SERVICES[name]["secrets"] if isinstance(secret, str)}
    assert given_by_overlay == {"ca.pem", f"{account}.password"}
    assert {key for key in given if key.startswith(PREFIX)} <= {PREFIX + field.upper() for field in Settings.model_fields}
    assert given["BELLWETHER_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert given["BELLWETHER_REPLICATION_FACTOR"] == 3


def test_accounts_are_made_before_topics_and_topics_before_all_else() -> None:
    assert SERVICES["accounts"]["restart"] == "no"
    assert set(SERVICES["accounts"]["depends_on"]) == set(BROKERS)
    assert SERVICES["topics"]["depends_on"]["accounts"] == {"condition": "service_completed_successfully"}
    needed = {"ca.pem", "admin.pem", *(f"{account}.password" for account in ACCOUNTS)}
    assert set(SERVICES["accounts"]["secrets"]) == needed


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_limited_and_published_on_the_loopback_only(name: str) -> None:
    service = SERVICES[name]
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", []))


def test_every_secret_is_a_file_that_is_not_in_the_repository() -> None:
    for secret in OVERLAY["secrets"].values():
        assert secret["file"].startswith("${CREDENTIALS:-./credentials}/")
    assert "credentials/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not (ROOT / "credentials").exists()
