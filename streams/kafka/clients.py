"""Clients of the broker, made from the settings in one place: kafka-python for producers and admin, confluent-kafka where a
worker writes or the board reads in bulk (40 to 80 times as fast there; see docs/adr).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import AuthorizationError, SaslAuthenticationFailedError
from kafka.errors import KafkaError as KafkaClientError

from streams.errors import KafkaError
from streams.settings import Settings

REQUEST_TIMEOUT_MS = 15_000
#: The client's own default lets a person wait half a minute to hear that nobody listens.
BOOTSTRAP_TIMEOUT_MS = 10_000
#: The broker aborts a transaction that was open for so long. Until then whoever reads committed records waits where it stands, unless
#: a successor ends it, so: longer than a broker's restart, and no longer.
TRANSACTION_TIMEOUT_SECONDS = 60


def unreachable(settings: Settings, error: Exception) -> KafkaError:
    """The error for a broker that does not answer, or that refuses this account."""
    if isinstance(error, AuthorizationError | SaslAuthenticationFailedError):
        return KafkaError(
            f"the Kafka broker refuses the account {settings.kafka_username!r}: {error}", where=settings.kafka_servers,
            expected="an account with its right password, and the rights that docs/deployment.md lists",
            todo="look at BELLWETHER_KAFKA_USERNAME and its password; `python -m deploy.cluster.access` puts the rights in force",
        )  # fmt: skip
    todo = "`bellwether kafka start`, or set BELLWETHER_KAFKA_SERVERS to a broker that runs"
    if settings.kafka_username:
        # kafka-python goes on to the next broker after a refusal, and in the end tells of none.
        todo += f"; a wrong password of the account {settings.kafka_username!r} looks the same: compare BELLWETHER_KAFKA_PASSWORD[_FILE]"
    return KafkaError(
        f"the Kafka broker can't be reached: {error}", where=settings.kafka_servers or "no servers are set",
        expected="a running broker", todo=todo,
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


def rdkafka_security(settings: Settings) -> dict[str, Any]:
    """The options by which confluent-kafka's clients prove who they are."""
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


def _bulk_options(settings: Settings, client_id: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.kafka_servers, "client.id": client_id, "acks": "all", "enable.idempotence": True,
        "compression.type": "lz4", "linger.ms": 2, "queue.buffering.max.messages": 100_000,
        "queue.buffering.max.kbytes": 131_072, "message.max.bytes": settings.max_article_bytes * 2 + 100_000,
        "delivery.timeout.ms": TRANSACTION_TIMEOUT_SECONDS * 1000, "socket.keepalive.enable": True, **rdkafka_security(settings),
    }  # fmt: skip


def bulk_producer(settings: Settings, client_id: str) -> Producer:
    """confluent-kafka's producer: idempotent, acknowledged by all replicas, bounded queue."""
    return Producer(_bulk_options(settings, client_id))


def transactional_producer(settings: Settings, client_id: str, transactional_id: str) -> Producer:
    """The same for a stage's outputs: whoever is the last to initialise a transactional id is the only one who can write under it."""
    return Producer(
        {
            **_bulk_options(settings, client_id), "transactional.id": transactional_id,
            "transaction.timeout.ms": TRANSACTION_TIMEOUT_SECONDS * 1000,
            # What goes wrong is raised; the client's own log would tell of each retry at a take-over besides.
            "log_level": 2,
        }
    )  # fmt: skip


def bulk_consumer(
    settings: Settings, client_id: str, *, tells_end: bool = False, wait_ms: int = 100, committed: bool = True
) -> Consumer:
    """confluent-kafka's consumer for reading whole partitions by assignment; it joins no group and commits nothing.

    Args:
        tells_end: whether the end of a partition comes as an event (`_PARTITION_EOF`), which `read_to_end` needs.
        wait_ms: how long the broker waits for records before it says that there are none.
        committed: whether to see committed records only, and to take for a partition's end where the first open transaction begins.
    """
    options = {
        "enable.partition.eof": tells_end, "queued.max.messages.kbytes": 32_768, "fetch.wait.max.ms": wait_ms,
        "isolation.level": "read_committed" if committed else "read_uncommitted",
    }  # fmt: skip
    return _assigned_consumer(settings, client_id, options)


def point_consumer(settings: Settings, client_id: str) -> Consumer:
    """The same for reading single records (`streams.kafka.reading.read_one`): it fetches next to nothing ahead, and tells the end."""
    options = {
        "enable.partition.eof": True, "queued.min.messages": 1, "queued.max.messages.kbytes": 1_024,
        # A queue that is full with one record puts off the next fetch by this time: by default a second, for whichever partition.
        "fetch.queue.backoff.ms": 1,
    }  # fmt: skip
    return _assigned_consumer(settings, client_id, options)


def _assigned_consumer(settings: Settings, client_id: str, options: dict[str, Any]) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": settings.kafka_servers, "client.id": client_id, "group.id": f"{client_id}-unused",
            "enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100, "isolation.level": "read_committed",
            "socket.keepalive.enable": True, **options, **rdkafka_security(settings),
        }
    )  # fmt: skip
