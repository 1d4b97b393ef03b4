"""A Bellwether on the three brokers: every process under its own account, with no more rights than `deploy.cluster.access` lists."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from streams.settings import Settings
from tests.cluster.brokers import NODES, Brokers, running_brokers
from tests.helpers.stack import Stack, cache_dir, free_port

#: First word of a command -> the account that it runs under; everything else is a person's.
ACCOUNT_OF = {"worker": "worker", "ingest": "ingest", "board": "board", "topics": "topics"}


@dataclass
class ClusterStack(Stack):
    """What runs for one test; `settings` are a person's, who may read everything."""

    brokers: Brokers = field(kw_only=True)

    def account(self, name: str) -> dict[str, str]:
        """The settings that make a process speak as an account."""
        return {"kafka_username": name, "kafka_password_file": str(self.brokers.credentials / f"{name}.password")}

    def start(self, name: str, *arguments: str, **changes: str) -> subprocess.Popen[bytes]:
        """As `Stack.start`, under the account of the command."""
        return super().start(name, *arguments, **{**self.account(ACCOUNT_OF.get(arguments[0], "analyst")), **changes})

    def run(self, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """As `Stack.run`, under the account of the command."""
        account = self.account(ACCOUNT_OF.get(arguments[0], "analyst"))
        own = self.settings
        self.settings = own.model_copy(update={**account, "kafka_password_file": Path(account["kafka_password_file"])})
        try:
            return super().run(*arguments, ok=ok)
        finally:
            self.settings = own

    def close(self) -> None:
        """Ends the processes; the brokers are not its own."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(10)


def person(brokers: Brokers, folder: Path, **changes: object) -> Settings:
    """The settings of a person at the command line."""
    file = brokers.credentials / "analyst.password"
    fields: dict[str, object] = {
        "data_dir": folder / "data", "cache_dir": cache_dir(), "board_port": free_port(), "worker_metrics_port": 0, "log_json": True,
        "encoder": False, "kafka_servers": brokers.servers, "kafka_security_protocol": "SASL_SSL",
        "kafka_ca_file": brokers.credentials / "ca.pem", "kafka_username": "analyst", "kafka_password_file": file,
        "kafka_password": SecretStr(file.read_text(encoding="utf-8").strip()), "replication_factor": len(NODES),
    }  # fmt: skip
    return Settings(**{**fields, **changes})  # type: ignore[arg-type]


@contextlib.contextmanager
def running_cluster(folder: Path, **changes: object) -> Iterator[ClusterStack]:
    """Three brokers with accounts, rights and topics; workers are the test's to start."""
    with running_brokers(folder) as brokers:
        stack = ClusterStack(person(brokers, folder, **changes), folder, brokers=brokers)
        with contextlib.closing(stack):
            stack.run("topics", "--create")
            brokers.wait_until_whole()
            yield stack
