"""Who may do what on the cluster: least privilege for each process, made from the topology, and put in force.

`python -m deploy.cluster.access --servers HOST:PORT --credentials DIR` makes the accounts and grants the rights, as often as it is
called; rights that were granted before and are no longer listed are taken back. It speaks as `admin`, by certificate. The same rights
stand as Strimzi's `KafkaUser` in `deploy/kubernetes/` (`deploy.cluster.strimzi`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are public, and not marked as exported
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)  # fmt: skip

from streams import topology
from streams.errors import KafkaError
from streams.settings import Settings

ITERATIONS = 8_192
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """Operations on one resource.

    Attributes:
        resource: `topic`, `group`, `transactionalId` or `cluster`, as Strimzi spells them.
        name: of the resource; of the cluster there is one, `kafka-cluster`.
        operations: as Strimzi spells them, such as `DescribeConfigs`.
        prefixed: whether `name` is how names begin.
    """

    resource: str
    name: str
    operations: tuple[str, ...]
    prefixed: bool = False


#: Account -> what it is for.
ACCOUNTS = {
    "worker": "workers: read articles and what they wrote themselves, write everything that is counted",
    "ingest": "producers: feeds, archives, push; they write, and read nothing",
    "board": "the board: reads what it shows, writes what people correct and erase through it",
    "deliver": "scheduled bulletins: reads the counts and what was said of them, writes nothing",
    "analyst": "a person's command line: reads everything, corrects and erases",
    "topics": "`bellwether topics --create`: makes topics, and touches no record",
    "lag": "an autoscaler: sees how far the workers are behind",
}


def rights_of(account: str, group: str) -> list[Right]:
    """The rights of an account, in the order of resources; `group` is BELLWETHER_GROUP."""
    members = f"{group}-worker"
    if account == "lag":
        return [Right("group", members, ("Describe",)), Right("topic", topology.ARTICLES.name, ("Describe",))]
    reads, writes = _reads(account), _writes(account)
    # Producers look only at what they write, deliveries at what they read. The others compare the topics with the topology, or tell of all.
    seen = {"ingest": writes, "deliver": reads}.get(account, {spec.name for spec in topology.TOPICS})
    rights = [Right("topic", name, _operations(account, name, reads, writes)) for name in seen]
    if account == "worker":
        rights.append(Right("group", members, ("Read",)))
        rights += [
            Right("transactionalId", f"{group}-{spec.name}-", ("Describe", "Write"), prefixed=True) for spec in topology.STAGES
        ]
    if account in ("worker", "board", "deliver", "analyst"):
        # The board and people look at the workers' group. Readers of whole partitions join none, but look for theirs all the same.
        rights.append(Right("group", f"{group}-", ("Describe",), prefixed=True))
    if account == "board":
        # The sizes of the brokers' disks.
        rights.append(Right("cluster", "kafka-cluster", ("Describe",)))
    return sorted(rights)


def _operations(account: str, topic: str, reads: set[str], writes: set[str]) -> tuple[str, ...]:
    found = {"Describe"}
    found |= {"DescribeConfigs"} if account in ("worker", "analyst", "topics") else set()
    found |= {"Read"} if topic in reads else set()
    found |= {"Write"} if topic in writes else set()
    found |= {"Create"} if account == "topics" else set()
    # Sealed facts are given up on `signals`: the broker calls that deleting records.
    found |= {"Delete"} if account == "worker" and topic == topology.SIGNALS.name else set()
    return tuple(sorted(found))


def _reads(account: str) -> set[str]:
    if account == "worker":
        return {spec.name for spec in topology.read_by_worker()}
    if account == "board":
        return {spec.name for spec in (*topology.READERS["board"], *topology.PRODUCERS["analyst"])}
    if account == "deliver":
        return {spec.name for spec in topology.READERS["deliver"]}
    return {spec.name for spec in topology.TOPICS} if account == "analyst" else set()


def _writes(account: str) -> set[str]:
    if account == "worker":
        return {spec.name for spec in topology.written_by_worker()}
    of = {"ingest": "ingest", "board": "analyst", "analyst": "analyst"}.get(account)
    return {spec.name for spec in topology.PRODUCERS[of]} if of else set()


def edition_rights(account: str, group: str, edition: str) -> list[Right]:
    """What an account needs besides for one more edition (docs/replay.md): the same, on the topics, the group and the ids that are its own."""
    settings = Settings.model_construct(group=group, edition=edition)
    names = {spec.name: topology.name_in(settings, spec) for spec in topology.TOPICS if spec not in topology.SHARED}
    rights = []
    for right in rights_of(account, group):
        if right.resource == "topic" and right.name in names:
            rights.append(replace(right, name=names[right.name]))
        elif right.resource in ("group", "transactionalId"):
            rights.append(replace(right, name=settings.scope + right.name.removeprefix(group)))
    # What producers could not use is no edition's.
    return [] if account == "ingest" else sorted(rights)


def bindings(account: str, group: str, editions: Iterable[str] = ()) -> Iterator[AclBinding]:
    """The rights of an account as Kafka's ACLs, from any host; `editions` are those besides `live`."""
    besides = (right for edition in editions for right in edition_rights(account, group, edition))
    for right in (*rights_of(account, group), *besides):
        for operation in right.operations:
            yield AclBinding(
                _RESOURCES[right.resource], right.name,
                ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL,
                f"User:{account}", "*", _OPERATIONS[operation], AclPermissionType.ALLOW,
            )  # fmt: skip


_RESOURCES = {
    "topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactionalId": ResourceType.TRANSACTIONAL_ID,
    "cluster": ResourceType.BROKER,
}  # fmt: skip
_OPERATIONS = {
    "Read": AclOperation.READ, "Write": AclOperation.WRITE, "Create": AclOperation.CREATE, "Delete": AclOperation.DELETE,
    "Describe": AclOperation.DESCRIBE, "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}  # fmt: skip


def admin_of(servers: str, credentials: Path) -> AdminClient:
    """A client that speaks as `admin`, by the certificate in the directory of `deploy.cluster.credentials`."""
    return AdminClient(
        {
            "bootstrap.servers": servers, "security.protocol": "SSL", "ssl.ca.location": str(credentials / "ca.pem"),
            "ssl.certificate.location": str(credentials / "admin.pem"), "ssl.key.location": str(credentials / "admin.pem"),
            # What goes wrong is raised; the client's own log would tell of each broker that is not up yet besides.
            "log_level": 2,
        }
    )  # fmt: skip


def put_in_force(admin: AdminClient, passwords: dict[str, str], group: str, editions: Collection[str] = ()) -> None:
    """Makes each account with its password, grants its rights and takes back all others; blocks.

    Args:
        editions: those besides `live` that there are, or are about to be.

    Raises:
        KafkaError: if the cluster does not answer or refuses.
    """
    try:
        _make_accounts(admin, passwords)
        for account in passwords:
            wanted = set(bindings(account, group, editions))
            standing = set(_wait(admin.describe_acls(_all_of(account), request_timeout=TIMEOUT_SECONDS)))
            if absent := sorted(wanted - standing):
                _wait_all(admin.create_acls(absent, request_timeout=TIMEOUT_SECONDS))
            if surplus := [_exactly(binding) for binding in sorted(standing - wanted)]:
                _wait_all(admin.delete_acls(surplus, request_timeout=TIMEOUT_SECONDS))
    except KafkaException as error:
        raise KafkaError(
            f"the accounts and rights could not be put in force: {error.args[0].str()}", where="the cluster's mutual-TLS listener",
            expected="brokers that answer, and a certificate of a super user", todo="look at the brokers' logs; call it again, it goes on",
        ) from error  # fmt: skip


def _make_accounts(admin: AdminClient, passwords: dict[str, str]) -> None:
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    changes: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(account, info, password.encode()) for account, password in passwords.items()
    ]
    _wait_all(admin.alter_user_scram_credentials(changes, request_timeout=TIMEOUT_SECONDS))


def _all_of(account: str) -> AclBindingFilter:
    anything: Any = None  # the types of the client do not know that a filter may leave a name open
    return AclBindingFilter(
        ResourceType.ANY, anything, ResourcePatternType.ANY, f"User:{account}", anything, AclOperation.ANY, AclPermissionType.ANY
    )


def _exactly(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype, binding.name, binding.resource_pattern_type, binding.principal, binding.host, binding.operation,
        binding.permission_type,
    )  # fmt: skip


def _wait(future: Future[Any]) -> Any:
    return future.result(TIMEOUT_SECONDS)


def _wait_all(futures: Mapping[Any, Future[Any]]) -> None:
    for future in futures.values():
        _wait(future)


def read_passwords(credentials: Path) -> dict[str, str]:
    """Account -> password, from the files `<account>.password`.

    Raises:
        KafkaError: naming the file that can't be read or is empty.
    """
    found = {}
    for account in ACCOUNTS:
        file = credentials / f"{account}.password"
        try:
            found[account] = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise _no_password(file, error.strerror or "unreadable") from error
        if not found[account]:
            raise _no_password(file, "empty")
    return found


def _no_password(file: Path, why: str) -> KafkaError:
    return KafkaError(
        f"an account has no password: {why}", where=str(file), expected="a file with the password alone",
        todo="`python -m deploy.cluster.credentials DIR` makes one for each account",
    )  # fmt: skip


@click.command()
@click.option("--servers", required=True, help="host:port of the listener that asks for certificates.")
@click.option(
    "--credentials", type=click.Path(path_type=Path), required=True, help="Directory of ca.pem, admin.pem and the passwords."
)
@click.option(
    "--group", default=Settings.model_fields["group"].default, show_default=True, help="BELLWETHER_GROUP of the workers."
)
@click.option(
    "--edition",
    "editions",
    multiple=True,
    help="An edition besides `live`; name all that there are: rights of others are taken back.",
)
def main(servers: str, credentials: Path, group: str, editions: tuple[str, ...]) -> None:
    """Makes the accounts of Bellwether's processes on a cluster, and puts their rights in force."""
    try:
        put_in_force(admin_of(servers, credentials), read_passwords(credentials), group, editions)
    except KafkaError as error:
        raise click.ClickException(str(error)) from error
    for account in ACCOUNTS:
        click.echo(f"{account}: {sum(1 for _ in bindings(account, group, editions))} rights in force")


if __name__ == "__main__":
    main()
