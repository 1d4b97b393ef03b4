"""deploy/kubernetes/: every file valid by itself, safe, and in step with the settings, the topology and the rights.

The overlays as kustomize renders them are looked at too, where `kubectl` is; every field of a CRD that is used is listed here.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.cluster import strimzi
from deploy.cluster.access import ACCOUNTS
from streams import topology
from streams.settings import PREFIX, Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
FILES = sorted(path for path in FOLDER.glob("*/*.yaml") if path.name != "kustomization.yaml")
Thing = dict[str, Any]


def read(path: Path) -> list[Thing]:
    return [thing for thing in yaml.safe_load_all(path.read_text(encoding="utf-8")) if thing]


THINGS = [(path, thing) for path in FILES for thing in read(path)]
PODS = [thing for _, thing in THINGS if thing["kind"] in ("Deployment", "StatefulSet", "Job")]
OWN = [thing for thing in PODS if thing["spec"]["template"]["spec"]["containers"][0]["image"] == "bellwether"]
LONG_RUNNING = [thing for thing in PODS if thing["kind"] != "Job"]

#: CRD -> the fields of its `spec` that are used, to the depth at which they are free.
CRDS: dict[str, set[str]] = {
    "kafka.strimzi.io/v1 KafkaTopic": {"partitions", "replicas", "config"},
    "kafka.strimzi.io/v1 KafkaUser": {"authentication", "authorization"},
    "kafka.strimzi.io/v1 KafkaNodePool": {"replicas", "roles", "storage", "resources", "template"},
    "kafka.strimzi.io/v1 Kafka": {"kafka", "entityOperator"},
    "keda.sh/v1alpha1 ScaledObject": {
        "scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod", "advanced", "triggers",
    },
    "keda.sh/v1alpha1 TriggerAuthentication": {"secretTargetRef"},
}  # fmt: skip


def name_of(thing: Thing) -> str:
    return f"{thing['kind']}-{thing['metadata']['name']}"


def spec_of(thing: Thing) -> Thing:
    spec: Thing = thing["spec"]["template"]["spec"]
    return spec


def the(kind: str, name: str) -> Thing:
    return next(thing for _, thing in THINGS if thing["kind"] == kind and thing["metadata"]["name"] == name)


def validate(thing: Thing) -> None:
    """By the schema of Kubernetes, unknown fields refused; by the list above for the kinds of others."""
    kind = f"{thing['apiVersion']} {thing['kind']}"
    if kind in CRDS:
        assert set(thing["spec"]) <= CRDS[kind], name_of(thing)
    else:
        kubernetes_validate.validate(thing, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_is_valid_by_itself(path: Path) -> None:
    assert read(path)
    for thing in read(path):
        validate(thing)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        validate({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}, "automountToken": False})


def render(overlay: Path) -> list[Thing]:
    """What `kubectl apply -k` would apply."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl renders overlays, and is not on this machine")
    done = subprocess.run(["kubectl", "kustomize", str(overlay)], capture_output=True, text=True, check=True, timeout=60)
    return [thing for thing in yaml.safe_load_all(done.stdout) if thing]


def with_deliver(overlay: str, folder: Path) -> Path:
    """A copy of an overlay with the component `deliver`, as its head says to add it."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    file = folder / overlay / "kustomization.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "components: [../deliver]\n", encoding="utf-8")
    return folder / overlay


@pytest.mark.parametrize("with_bulletins", [False, True], ids=["", "with deliver"])
@pytest.mark.parametrize("overlay", ["small", "cluster"])
def test_an_overlay_is_rendered_to_valid_things_each_named_once(overlay: str, with_bulletins: bool, tmp_path: Path) -> None:
    rendered = render(with_deliver(overlay, tmp_path) if with_bulletins else FOLDER / overlay)
    assert with_bulletins == any(name_of(thing) == "StatefulSet-deliver" for thing in rendered)
    for thing in rendered:
        validate(thing)
    assert len({name_of(thing) for thing in rendered}) == len(rendered)
    assert all(thing["metadata"].get("namespace") == "bellwether" for thing in rendered if thing["kind"] != "Namespace")
    for thing in (thing for thing in rendered if thing["kind"] in ("Deployment", "StatefulSet", "Job")):
        # What the network policies select by.
        assert thing["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/part-of"] == "bellwether"
        _is_connected(thing, secured=overlay == "cluster")


def _is_connected(thing: Thing, *, secured: bool) -> None:
    spec = spec_of(thing)
    container = spec["containers"][0]
    if not container["image"].startswith("bellwether:"):
        return
    given = {entry["name"]: entry.get("value") for entry in container.get("env", [])}
    account = given.get("BELLWETHER_KAFKA_USERNAME")
    assert (account in ACCOUNTS) == secured, name_of(thing)
    mounted = {volume["name"]: volume.get("secret", {}).get("secretName") for volume in spec["volumes"]}
    assert mounted.get("account") == account


@pytest.mark.parametrize(("overlay", "mode"), [("small", "ReadWriteOnce"), ("cluster", "ReadWriteMany")])
def test_bulletins_are_written_by_deliver_and_only_read_by_the_board(overlay: str, mode: str, tmp_path: Path) -> None:
    rendered = {name_of(thing): thing for thing in render(with_deliver(overlay, tmp_path))}
    found = {}
    for name in ("StatefulSet-deliver", "Deployment-board"):
        [mount] = [one for one in spec_of(rendered[name])["containers"][0]["volumeMounts"] if one["name"] == "bulletins"]
        assert mount["mountPath"] == "/var/lib/bellwether/bulletins"
        found[name] = mount.get("readOnly", False)
    assert found == {"StatefulSet-deliver": False, "Deployment-board": True}
    assert rendered["PersistentVolumeClaim-bulletins"]["spec"]["accessModes"] == [mode]


def test_deliveries_go_out_encrypted_and_not_into_private_networks() -> None:
    [way] = the("NetworkPolicy", "deliver-to-mail-and-web")["spec"]["egress"]
    assert {port["port"] for port in way["ports"]} == {443, 465, 587}
    assert way["to"] == the("NetworkPolicy", "feeds-to-web")["spec"]["egress"][0]["to"]


def test_every_kustomization_lists_what_is_beside_it() -> None:
    for folder in ("base", "small", "cluster", "deliver"):
        listed = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
        assert sorted(name for name in listed if name != "../base") == [path.name for path in FILES if path.parent.name == folder]


@pytest.mark.parametrize("thing", PODS, ids=name_of)
def test_a_pod_has_no_rights_and_no_room_that_it_does_not_need(thing: Thing) -> None:
    spec = spec_of(thing)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {"cpu", "memory", "ephemeral-storage"} <= set(container["resources"]["limits"])
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    for volume in spec.get("volumes", []):
        assert "hostPath" not in volume
        assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""})


@pytest.mark.parametrize("thing", OWN, ids=name_of)
def test_the_image_may_write_where_the_settings_say_and_nowhere_else(thing: Thing) -> None:
    if thing["kind"] == "Job":
        return  # it makes topics, and writes no file
    places = {mount["mountPath"] for mount in spec_of(thing)["containers"][0]["volumeMounts"] if not mount.get("readOnly")}
    dockerfile = (FOLDER.parent / "Dockerfile").read_text(encoding="utf-8")
    bulletins = {"/var/lib/bellwether/bulletins"} if thing["metadata"]["name"] == "deliver" else set()
    assert places == {"/var/lib/bellwether", "/var/cache/bellwether", "/tmp"} | bulletins
    assert "BELLWETHER_DATA_DIR=/var/lib/bellwether" in dockerfile
    assert "BELLWETHER_CACHE_DIR=/var/cache/bellwether" in dockerfile


@pytest.mark.parametrize("thing", LONG_RUNNING, ids=name_of)
def test_a_process_that_stays_is_probed_where_it_listens(thing: Thing) -> None:
    container = spec_of(thing)["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        way = container[probe].get("httpGet") or container[probe]["tcpSocket"]
        assert way["port"] in ports


@pytest.mark.parametrize(
    ("kind", "name", "ports"),
    [
        ("StatefulSet", "worker", {"metrics": "worker_metrics_port"}),
        ("Deployment", "board", {"http": "board_port"}),
        ("StatefulSet", "ingest-feeds", {"metrics": "ingest_metrics_port"}),
        ("StatefulSet", "deliver", {"metrics": "delivery_metrics_port"}),
        ("Deployment", "ingest-push", {"http": "push_port", "metrics": "push_metrics_port"}),
    ],
)
def test_ports_are_the_defaults_of_the_settings(kind: str, name: str, ports: dict[str, str]) -> None:
    found = {port["name"]: port["containerPort"] for port in spec_of(the(kind, name))["containers"][0]["ports"]}
    assert found == {port: Settings.model_fields[field].default for port, field in ports.items()}
    assert {port["name"]: port["port"] for port in the("Service", name)["spec"]["ports"]} == found
    scraped = the("NetworkPolicy", "prometheus-to-metrics")["spec"]["ingress"][0]["ports"]
    annotation = the(kind, name)["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"]
    assert int(annotation) in found.values()
    assert int(annotation) in {port["port"] for port in scraped}


def test_every_setting_that_is_given_exists() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    text = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*/*.yaml"))
    given = {word.strip("{},:/\"'") for word in text.replace("/data/", " ").split() if PREFIX in word}
    named = {word for word in given if word.startswith(PREFIX)}
    assert len(named) > 10
    assert named <= known, named - known


def test_a_worker_is_its_pod_on_a_volume_of_its_own_and_comes_back_as_the_same_member() -> None:
    worker = the("StatefulSet", "worker")
    given = spec_of(worker)["containers"][0]["env"]
    assert {"name": "BELLWETHER_WORKER_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in given
    assert [claim["metadata"]["name"] for claim in worker["spec"]["volumeClaimTemplates"]] == ["data"]
    assert worker["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


@pytest.mark.parametrize("thing", [thing for thing in OWN if thing["kind"] != "Job"], ids=name_of)
def test_a_process_is_given_longer_to_stop_than_it_takes(thing: Thing) -> None:
    stop = float(the("ConfigMap", "bellwether-settings")["data"]["BELLWETHER_STOP_TIMEOUT_SECONDS"])
    assert spec_of(thing)["terminationGracePeriodSeconds"] > stop + 1


def test_what_runs_more_than_once_goes_one_by_one_while_nodes_are_drained_and_no_drain_is_forbidden() -> None:
    budgets = [thing["spec"] for _, thing in THINGS if thing["kind"] == "PodDisruptionBudget"]
    guarded = {budget["selector"]["matchLabels"]["app.kubernetes.io/name"] for budget in budgets}
    assert guarded == {thing["metadata"]["name"] for thing in LONG_RUNNING if thing["spec"]["replicas"] > 1}
    assert all(budget["maxUnavailable"] == 1 for budget in budgets)


def test_nobody_talks_to_anybody_but_by_a_policy() -> None:
    nobody = the("NetworkPolicy", "nobody")["spec"]
    assert nobody["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in nobody
    assert "egress" not in nobody
    web = the("NetworkPolicy", "feeds-to-web")["spec"]
    assert web["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "ingest-feeds"}
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        web["egress"][0]["to"][0]["ipBlock"]["except"]
    )


def test_topics_and_accounts_are_what_the_topology_and_the_rights_make() -> None:
    settings = Settings.model_construct(**{name: field.get_default() for name, field in Settings.model_fields.items()})
    assert (FOLDER / "cluster/topics.yaml").read_text(encoding="utf-8") == strimzi.topics_file(settings)
    assert (FOLDER / "cluster/users.yaml").read_text(encoding="utf-8") == strimzi.users_file(settings.group)
    assert {thing["metadata"]["name"] for thing in read(FOLDER / "cluster/topics.yaml")} == {
        spec.name for spec in topology.TOPICS
    }


def test_there_are_never_more_workers_than_partitions() -> None:
    scaled = the("ScaledObject", "worker")["spec"]
    partitions = {thing["spec"]["partitions"] for thing in read(FOLDER / "cluster/topics.yaml")}
    assert partitions == {strimzi.PARTITIONS}
    assert scaled["maxReplicaCount"] <= strimzi.PARTITIONS
    assert f'/data/BELLWETHER_PARTITIONS, value: "{strimzi.PARTITIONS}"' in (FOLDER / "cluster/kustomization.yaml").read_text()
    assert scaled["triggers"][0]["metadata"]["topic"] == topology.CLASSIFY_STAGE.reads.name
    assert scaled["triggers"][0]["metadata"]["consumerGroup"] == "bellwether-worker"


def test_the_cluster_keeps_three_copies_of_which_two_are_awaited() -> None:
    config = the("Kafka", "bellwether")["spec"]["kafka"]["config"]
    assert the("KafkaNodePool", "brokers")["spec"]["replicas"] == config["default.replication.factor"] == strimzi.REPLICAS
    assert config["min.insync.replicas"] == config["transaction.state.log.min.isr"] == 2
    assert config["transaction.state.log.replication.factor"] == config["offsets.topic.replication.factor"] == 3


def test_no_secret_stands_in_a_file() -> None:
    for _, thing in THINGS:
        if thing["kind"] == "Secret":
            assert set(thing["stringData"]) == {"sasl", "tls", "username"}
