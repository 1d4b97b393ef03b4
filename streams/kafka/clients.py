"""Clients of the broker, made from the settings in one place: kafka-python for producers and admin, confluent-kafka where a
worker writes or the board reads in bulk (40 to 80 times as fast there; see docs/adr).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError as KafkaClientError

from streams.errors import KafkaError
from streams.settings import Settings

REQUEST_TIMEOUT_MS = 15_000
#: The client's own default lets a person wait half a minute to hear that nobody listens.
BOOTSTRAP_TIMEOUT_MS = 10_000


def unreachable(settings: Settings, error: Exception) -> KafkaError:
    """The error for a broker that does not answer."""
    return KafkaError(
        f"the Kafka broker can't be reached: {error}", where=settings.kafka_servers or "no servers are set",
        expected="a running broker", todo="`bellwether kafka start`, or set BELLWETHER_KAFKA_SERVERS to a broker that runs",
    )  # fmt: skip


def _python_security(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_username
        options["sasl_plain_password"] = settings.kafka_password.get_secret_value()
    if settings.kafka_security_protocol.endswith("SSL") and settings.kafka_ca_file:
        options["ssl_cafile"] = str(settings.kafka_ca_file)
    return options


def _rdkafka_security(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {"security.protocol": settings.kafka_security_protocol}
    if settings.kafka_security_protocol.startswith("SASL"):
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.username"] = settings.kafka_username
        options["sasl.password"] = settings.kafka_password.get_secret_value()
    if settings.kafka_security_protocol.endswith("SSL") and settings.kafka_ca_file:
        options["ssl.ca.location"] = str(settings.kafka_ca_file)
    return options


@contextmanager
def admin_client(settings: Settings) -> Iterator[KafkaAdminClient]:
    """kafka-python's admin client, closed at the end.

    Raises:
        KafkaError: if no broker answers.
    """
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=settings.kafka_servers.split(","), client_id="bellwether-admin", request_timeout_ms=REQUEST_TIMEOUT_MS,
            bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS, **_python_security(settings),
        )  # fmt: skip
    except KafkaClientError as error:
        raise unreachable(settings, error) from error
    try:
        yield admin
    except KafkaClientError as error:
        raise unreachable(settings, error) from error
    finally:
        admin.close()


def article_producer(settings: Settings) -> KafkaProducer:
    """kafka-python's producer for articles: idempotent, acknowledged by all replicas, compressed. Its buffer has no bound of its own.

    Raises:
        KafkaError: if no broker answers.
    """
    try:
        return KafkaProducer(
            bootstrap_servers=settings.kafka_servers.split(","), client_id="bellwether-ingest", acks="all", enable_idempotence=True,
            compression_type="lz4", linger_ms=20, batch_size=131_072, max_block_ms=60_000,
            max_request_size=settings.max_article_bytes * 2 + 100_000, delivery_timeout_ms=120_000,
            request_timeout_ms=REQUEST_TIMEOUT_MS, bootstrap_timeout_ms=BOOTSTRAP_TIMEOUT_MS, **_python_security(settings),
        )  # fmt: skip
    except KafkaClientError as error:
        raise unreachable(settings, error) from error


def bulk_producer(settings: Settings, client_id: str) -> Producer:
    """confluent-kafka's producer for a stage's outputs: idempotent, acknowledged by all replicas, bounded queue."""
    return Producer(
        {
            "bootstrap.servers": settings.kafka_servers, "client.id": client_id, "acks": "all", "enable.idempotence": True,
            "compression.type": "lz4", "linger.ms": 2, "queue.buffering.max.messages": 100_000,
            "queue.buffering.max.kbytes": 131_072, "message.max.bytes": settings.max_article_bytes * 2 + 100_000,
            "delivery.timeout.ms": 60_000, "socket.keepalive.enable": True, **_rdkafka_security(settings),
        }
    )  # fmt: skip


def bulk_consumer(settings: Settings, client_id: str, *, tells_end: bool = False) -> Consumer:
    """confluent-kafka's consumer for reading whole partitions by assignment; it joins no group and commits nothing.

    Args:
        tells_end: whether the end of a partition comes as an event (`_PARTITION_EOF`), which `read_to_end` needs.
    """
    return Consumer(
        {
            "bootstrap.servers": settings.kafka_servers, "client.id": client_id, "group.id": f"{client_id}-unused",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "enable.partition.eof": tells_end,
            "queued.max.messages.kbytes": 32_768, "fetch.wait.max.ms": 100, "socket.keepalive.enable": True,
            **_rdkafka_security(settings),
        }
    )  # fmt: skip
