"""The accounts' rights: what the topology says and no more; and the credentials that go with them."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]  # public, and not marked as exported

from deploy.cluster.access import ACCOUNTS, bindings, edition_rights, read_passwords, rights_of
from deploy.cluster.credentials import make_credentials
from streams import topology
from streams.errors import KafkaError

GROUP = "bellwether"


def topics_with(account: str, operation: str) -> set[str]:
    return {right.name for right in rights_of(account, GROUP) if right.resource == "topic" and operation in right.operations}


def test_everybody_writes_what_the_topology_says_and_nothing_else() -> None:
    assert topics_with("worker", "Write") == {spec.name for stage in topology.STAGES for spec in stage.writes.values()}
    assert topics_with("ingest", "Write") == {spec.name for spec in topology.PRODUCERS["ingest"]}
    assert topics_with("board", "Write") == topics_with("analyst", "Write") == {s.name for s in topology.PRODUCERS["analyst"]}
    assert topics_with("topics", "Write") == topics_with("lag", "Write") == set()


def test_deliveries_read_what_a_bulletin_is_made_of_and_see_nothing_else() -> None:
    assert (
        topics_with("deliver", "Read")
        == topics_with("deliver", "Describe")
        == {spec.name for spec in topology.READERS["deliver"]}
    )
    assert topics_with("deliver", "Write") == set()


def test_who_brings_articles_reads_nothing_and_who_makes_topics_neither() -> None:
    assert topics_with("ingest", "Read") == topics_with("topics", "Read") == topics_with("lag", "Read") == set()
    assert topics_with("topics", "Create") == {spec.name for spec in topology.TOPICS}
    assert all(topics_with(account, "Create") == set() for account in ACCOUNTS if account != "topics")


def test_records_are_given_up_on_signals_alone_and_by_workers_alone() -> None:
    assert {account: topics_with(account, "Delete") for account in ACCOUNTS if topics_with(account, "Delete")} == {
        "worker": {topology.SIGNALS.name}
    }


def test_an_edition_has_the_rights_of_live_on_its_own_names_and_none_on_what_is_shared() -> None:
    of_worker = {(right.resource, right.name): right for right in edition_rights("worker", GROUP, "b")}
    assert ("topic", "articles") not in of_worker
    assert {name for resource, name in of_worker if resource == "topic"} == {
        f"{spec.name}.b" for spec in topology.TOPICS if spec not in topology.SHARED
    }
    assert "Delete" in of_worker["topic", "signals.b"].operations
    assert of_worker["group", "bellwether.b-worker"].operations == ("Read",)
    assert of_worker["transactionalId", "bellwether.b-classify-"].prefixed
    assert edition_rights("ingest", GROUP, "b") == []
    assert set(bindings("worker", GROUP, ["b"])) > set(bindings("worker", GROUP))


def test_a_worker_writes_under_the_transactional_ids_of_its_group_only() -> None:
    ids = {right.name for right in rights_of("worker", "desk") if right.resource == "transactionalId"}
    assert ids == {f"desk-{stage.name}-" for stage in topology.STAGES}
    assert all(right.prefixed for right in rights_of("worker", "desk") if right.resource == "transactionalId")
    assert not any(
        r.resource == "transactionalId" for account in ACCOUNTS if account != "worker" for r in rights_of(account, GROUP)
    )


def test_nobody_may_do_everything() -> None:
    for account in ACCOUNTS:
        assert all(binding.operation not in (AclOperation.ALL, AclOperation.ALTER) for binding in bindings(account, GROUP))
        assert all("*" not in right.name for right in rights_of(account, GROUP))


def test_credentials_are_made_once_and_closed_to_other_users(tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    make_credentials(folder, ["kafka"])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    make_credentials(folder, ["kafka"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert set(before) == {
        "ca.pem",
        "authority-key.pem",
        "kafka.pem",
        "admin.pem",
        *(f"{account}.password" for account in ACCOUNTS),
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "authority-key.pem").stat().st_mode) == 0o600
    assert len(set(read_passwords(folder).values())) == len(ACCOUNTS)


def test_a_certificate_is_good_for_its_broker_and_signed_by_the_authority(tmp_path: Path) -> None:
    make_credentials(tmp_path, ["kafka-7"], ["localhost", "127.0.0.1"])
    command = ["openssl", "verify", "-CAfile", "ca.pem", "-verify_hostname", "kafka-7", "kafka-7.pem"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    command[5] = "kafka-8"
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_an_account_without_a_password_is_named(tmp_path: Path) -> None:
    make_credentials(tmp_path, ["kafka"])
    (tmp_path / "board.password").unlink()
    with pytest.raises(KafkaError, match=r"board\.password"):
        read_passwords(tmp_path)
