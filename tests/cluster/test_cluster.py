"""Three brokers with TLS, accounts and rights: what is not granted is refused, and what goes away changes no count.

`make cluster` is the long form: every kind of fault, and the figures of docs/scaling.md.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # public, and not marked as exported
from pydantic import SecretStr

from streams import topology
from streams.kafka.clients import rdkafka_security
from tests.cluster.kinds import KINDS
from tests.cluster.stack import ClusterStack, running_cluster
from tests.faults.inputs import make_input
from tests.faults.scene import Scene
from tests.faults.truth import RememberingPredictor
from tests.helpers.stack import fetch, wait_for

pytestmark = [pytest.mark.long, pytest.mark.kafka, pytest.mark.timeout(400)]

RECORDS, SEED = 600, 5


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterStack]:
    with running_cluster(tmp_path_factory.mktemp("cluster"), batch_articles=128) as running:
        yield running


def refused(cluster: ClusterStack, **changes: object) -> str:
    """What a worker says that does not start."""
    own = cluster.settings
    cluster.settings = own.model_copy(update=changes)
    try:
        done = super(ClusterStack, cluster).run("worker", ok=False)
    finally:
        cluster.settings = own
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_a_worker_under_an_account_without_its_rights_is_refused_with_the_reason(cluster: ClusterStack) -> None:
    # What makes topics may look at them, and read none.
    said = refused(cluster, kafka_username="topics", kafka_password_file=cluster.brokers.credentials / "topics.password")
    assert "'topics'" in said or "uthoriz" in said
    assert "docs/deployment.md" in said


def test_a_worker_with_a_wrong_password_is_refused_with_the_reason(cluster: ClusterStack) -> None:
    said = refused(cluster, kafka_username="worker", kafka_password_file=cluster.brokers.credentials / "board.password")
    assert "a wrong password of the account 'worker'" in said
    assert "BELLWETHER_KAFKA_PASSWORD" in said


def test_a_producer_may_write_and_neither_read_nor_make_topics(cluster: ClusterStack) -> None:
    settings = cluster.settings.model_copy(
        update={"kafka_username": "ingest", "kafka_password": _password(cluster, "ingest")}
    )  # fmt: skip
    ingest = AdminClient({"bootstrap.servers": settings.kafka_servers, **rdkafka_security(settings)})
    assert topology.ARTICLES.name in ingest.list_topics(timeout=20).topics
    for future in ingest.create_topics([NewTopic("made-by-a-stranger", 1, 3)], request_timeout=20).values():
        with pytest.raises(KafkaException, match=r"(?i)authoriz"):
            future.result(30)
    consumer = Consumer({"bootstrap.servers": settings.kafka_servers, "group.id": "unused", **rdkafka_security(settings)})
    consumer.assign([TopicPartition(topology.ARTICLES.name, 0, 0)])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None
    assert message.error() is not None
    assert "uthoriz" in str(message.error())


def _password(cluster: ClusterStack, account: str) -> SecretStr:
    return SecretStr((cluster.brokers.credentials / f"{account}.password").read_text(encoding="utf-8").strip())


def test_nobody_without_a_certificate_gets_to_the_brokers_own_listener(cluster: ClusterStack) -> None:
    stranger = AdminClient(
        {
            "bootstrap.servers": cluster.brokers.admin_servers, "security.protocol": "SSL", "log_level": 0,
            "ssl.ca.location": str(cluster.brokers.credentials / "ca.pem"),
        }
    )  # fmt: skip
    with pytest.raises(KafkaException):
        stranger.list_topics(timeout=3)


def surveyed(metrics: str) -> str:
    """The metrics once they tell of all brokers."""
    return metrics if "bellwether_kafka_brokers 3.0" in metrics else ""


def test_the_board_reads_everything_that_it_shows_under_its_own_account(cluster: ClusterStack) -> None:
    address = cluster.start_board()
    metrics = wait_for("the survey", lambda: surveyed(fetch(f"{address}/metrics")))
    assert "bellwether_kafka_disk" in str(metrics), "the board may not see the brokers' disks"
    assert cluster.end("board", signal.SIGTERM) == 0


def test_a_broker_killed_under_load_loses_no_article_and_changes_no_count(cluster: ClusterStack) -> None:
    scene = Scene(cluster, make_input(SEED, RECORDS), random.Random(SEED), RememberingPredictor(), rounds=2)
    findings = KINDS["SIGKILL of a broker under load"](scene)
    assert findings.differing == 0, str(findings)
    assert scene.faults == 1
