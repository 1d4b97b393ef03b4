"""Receivers of alerts for tests, and Prometheus and Alertmanager with the shipped rules and routes, only by the second."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from streams.clock import monotonic_seconds
from tests.helpers.monitoring import find_tool, free_port, running

REPOSITORY = Path(__file__).resolve().parents[2]
SHIPPED_ROUTES = REPOSITORY / "deploy" / "alertmanager" / "alertmanager.yml"
_TELEGRAM_SAYS = {"ok": True, "result": {"message_id": 1, "date": 1, "chat": {"id": -1, "type": "group"}}}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that came in, and when, on the clock of `monotonic_seconds`."""

    path: str
    body: dict[str, Any]
    at: float


class Hook:
    """A small HTTP server that keeps what is posted to it, whatever the path; it answers as Telegram's API does."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.deliveries.append(Delivery(self.path, body, monotonic_seconds()))
                answer = json.dumps(_TELEGRAM_SAYS).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def at(self, path: str) -> list[dict[str, Any]]:
        """What was posted to one path."""
        return [delivery.body for delivery in list(self.deliveries) if delivery.path == path]

    def alerts(self, status: str, **labels: str) -> list[dict[str, Any]]:
        """The alerts in one state, of all webhook messages, that have the labels."""
        return [
            alert
            for delivery in list(self.deliveries)
            for alert in delivery.body.get("alerts", [])
            if alert["status"] == status and labels.items() <= alert["labels"].items()
        ]


@contextmanager
def listening() -> Iterator[Hook]:
    """A hook, from its start to its end."""
    hook = Hook()
    try:
        yield hook
    finally:
        hook.server.shutdown()
        hook.server.server_close()


def by_the_second(config: dict[str, Any]) -> dict[str, Any]:
    """The routes of a configuration with a second in the place of each wait."""
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    return config


@contextmanager
def alertmanager(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    """An Alertmanager over a configuration, which is written beside the shipped templates; yields its address (host:port)."""
    templates = folder / "templates"
    if not templates.exists():
        templates.symlink_to(SHIPPED_ROUTES.parent / "templates")
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [
        find_tool("alertmanager", "prometheus-alertmanager"), f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}", f"--web.listen-address={address}", "--cluster.listen-address=",
    ]  # fmt: skip
    with running(command, folder / "alertmanager.log", f"http://{address}/-/ready"):
        yield address


def routed_to(hook: Hook, *receivers: str) -> dict[str, Any]:
    """The shipped routes, by the second, with a hook as the webhook of some receivers."""
    config = by_the_second(yaml.safe_load(SHIPPED_ROUTES.read_text(encoding="utf-8")))
    for receiver in config["receivers"]:
        if receiver["name"] in receivers:
            receiver["webhook_configs"] = [{"url": f"{hook.address}/{receiver['name']}"}]
    return config


def prometheus_files(folder: Path, targets: Mapping[str, str], *, board_url: str = "", keeps_seconds: int | None = None) -> Path:
    """The shipped configuration and rules by the second; returns the configuration's path.

    Args:
        targets: address (host:port) -> component.
        keeps_seconds: for how long alerts that are kept firing are kept.
    """
    source = REPOSITORY / "deploy" / "prometheus"
    config = yaml.safe_load((source / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    if board_url:
        config["global"]["external_labels"]["board_url"] = board_url
    groups = [{"targets": [address], "labels": {"component": component}} for address, component in targets.items()]
    rules = yaml.safe_load((source / "rules.yml").read_text(encoding="utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "keep_firing_for" in rule):
        rule["keep_firing_for"] = f"{keeps_seconds}s" if keeps_seconds is not None else rule["keep_firing_for"]
    for name, content in (("prometheus.yml", config), ("targets.yml", groups), ("rules.yml", rules)):
        (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder / "prometheus.yml"


@contextmanager
def prometheus(
    folder: Path, targets: Mapping[str, str], *, board_url: str = "", keeps_seconds: int | None = None
) -> Iterator[str]:
    """A Prometheus over targets, one of which may be an Alertmanager; yields its own address with the scheme."""
    config = prometheus_files(folder, targets, board_url=board_url, keeps_seconds=keeps_seconds)
    address = f"127.0.0.1:{free_port()}"
    command = [
        find_tool("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
        # The first notification comes before Alertmanager was discovered; the next one a minute later, unless told otherwise.
        "--rules.alert.resend-delay=1s",
    ]  # fmt: skip
    with running(command, folder / "prometheus.log", f"http://{address}/-/ready"):
        yield f"http://{address}"


@contextmanager
def monitored(folder: Path, board: str, hook: Hook, *, keeps_seconds: int) -> Iterator[None]:
    """Prometheus and Alertmanager beside a board (host:port), its breaks told to a hook."""
    with ExitStack() as stack:
        routes = stack.enter_context(alertmanager(folder, routed_to(hook, "breaks")))
        targets = {board: "board", routes: "alertmanager"}
        stack.enter_context(prometheus(folder, targets, board_url=f"http://{board}", keeps_seconds=keeps_seconds))
        yield
