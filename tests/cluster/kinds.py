"""What is done to a cluster while news comes in; each leaves the scene for comparison with the truth."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

from streams import topology
from tests.cluster.brokers import NODES
from tests.cluster.stack import ClusterStack
from tests.faults.inputs import Pair
from tests.faults.scene import Findings, Scene

WORKERS = ("worker-1", "worker-2")


def _cluster(scene: Scene) -> ClusterStack:
    assert isinstance(scene.stack, ClusterStack)
    return scene.stack


def write_all(scene: Scene, chunks: Iterator[list[Pair]]) -> None:
    """Writes what is left of the input."""
    for chunk in chunks:
        scene.write(chunk)


def kill_a_broker(scene: Scene) -> Findings:
    """SIGKILL of the leader of a partition of `articles`, while archive and records come in; it comes back when all were sent."""
    stack, chunks = _cluster(scene), scene.chunks()
    for worker in WORKERS:
        scene.start(worker)
    scene.write(next(chunks))
    scene.wait_for_progress(beyond=0)
    with scene.meanwhile(scene.ingest, lambda: write_all(scene, chunks)):
        node = stack.brokers.leader_of(topology.ARTICLES.name, 0)
        stack.brokers.end(node, signal.SIGKILL)
        scene.faults += 1
    stack.brokers.start(node)
    stack.brokers.wait_until_whole()
    return scene.finish(*WORKERS)


def restart_brokers(scene: Scene) -> Findings:
    """Every broker is stopped and started, one after another, each when all copies are in step; news comes in between and meanwhile."""
    stack, chunks = _cluster(scene), scene.chunks()
    for worker in WORKERS:
        scene.start(worker)
    scene.ingest()
    scene.wait_for_progress(beyond=0)
    for node in NODES:
        with scene.meanwhile(lambda: scene.write(next(chunks, []))):
            stack.brokers.end(node, signal.SIGTERM)
            scene.faults += 1
            stack.brokers.start(node)
        stack.brokers.wait_until_whole()
    write_all(scene, chunks)
    return scene.finish(*WORKERS)


def restart_workers(scene: Scene) -> Findings:
    """Every worker is stopped in order and started, one after another, while news comes in."""
    chunks = scene.chunks()
    for worker in WORKERS:
        scene.start(worker)
    scene.ingest()
    scene.wait_for_progress(beyond=0)
    with scene.meanwhile(lambda: write_all(scene, chunks)):
        for worker in WORKERS:
            scene.stop(worker)
            scene.start(worker)
            scene.wait_for_progress()
    return scene.finish(*WORKERS)


KINDS: dict[str, Callable[[Scene], Findings]] = {
    "SIGKILL of a broker under load": kill_a_broker,
    "brokers restarted one after another": restart_brokers,
    "workers restarted one after another": restart_workers,
}
