"""Receivers for deliveries: a real SMTP server with TLS and logins, a real HTTP server, and rounds over the weeks of `bulletins.py`."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from prometheus_client import CollectorRegistry

from streams.clock import week_start
from streams.delivery.config import Target, load_targets
from streams.delivery.ledger import Ledger
from streams.delivery.rounds import Rounds
from streams.metrics import DeliveryMetrics
from tests.helpers.bulletins import LAST

LATENESS = timedelta(hours=48)
#: Some days after the last week of `bulletins.py` has closed.
NOW = datetime.combine(week_start(LAST), time(9), UTC) + timedelta(days=10)
USER, PASSWORD = "bulletins", "correct horse"


def targets_of(folder: Path, text: str) -> tuple[Target, ...]:
    """The targets of a delivery.toml with that text."""
    path = folder / "delivery.toml"
    path.write_text(text, encoding="utf-8")
    return load_targets(path)


@contextmanager
def rounds_in(folder: Path, now: Callable[[], datetime] = lambda: NOW) -> Iterator[Rounds]:
    """Rounds over a ledger in the folder."""
    ledger = Ledger(folder / "deliveries.sqlite")
    try:
        yield Rounds(ledger, DeliveryMetrics(CollectorRegistry()), LATENESS, folder / "bulletins", now)
    finally:
        ledger.close()


def log_of_rounds(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What rounds log from now on, as JSON lines, whatever another test has set logging up to be."""
    stream = io.StringIO()
    logger = structlog.wrap_logger(structlog.PrintLogger(stream), processors=[structlog.processors.JSONRenderer()])
    monkeypatch.setattr("streams.delivery.rounds.log", logger)
    return stream


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) for localhost, signed by itself."""
    certificate, key = folder / "server.pem", folder / "server.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return certificate, key


@dataclass
class Mailbox:
    """What a mail server took; `refused` are recipients that it answers with a code, such as 550."""

    port: int = 0
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Takes a recipient, unless it is to be refused."""
        if address in self.refused:
            return f"{self.refused[address]} no such desk\x1b[31m"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps a message."""
        message = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
        assert isinstance(message, EmailMessage)
        self.taken += [(address, message) for address in envelope.rcpt_tos]
        return "250 kept"

    def authenticate(self, _server: object, _session: object, _envelope: object, _mechanism: str, found: object) -> AuthResult:
        """One user with one password."""
        is_good = isinstance(found, LoginPassword) and (found.login, found.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append("good" if is_good else "bad")
        return AuthResult(success=is_good, handled=False)


@contextmanager
def mail_server(
    certificate: tuple[Path, Path] | None = None, *, needs_login: bool = False, tls_at_once: bool = False
) -> Iterator[Mailbox]:
    """An SMTP server on a free port of localhost; with a certificate it has STARTTLS, or TLS from the start."""
    box = Mailbox()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    controller = Controller(
        box, hostname="127.0.0.1", port=0, ssl_context=context if tls_at_once else None, ready_timeout=20.0,
        tls_context=None if tls_at_once else context, require_starttls=context is not None and not tls_at_once,
        authenticator=box.authenticate, auth_required=needs_login, auth_require_tls=not tls_at_once,
    )  # fmt: skip
    # The controller looks whether it answers at the port that it was given, which is 0 here.
    controller._trigger_server = lambda: socket.create_connection(("127.0.0.1", _port(controller))).close()  # type: ignore[method-assign]
    controller.start()
    box.port = _port(controller)
    try:
        yield box
    finally:
        controller.stop()


def _port(controller: Controller) -> int:
    assert isinstance(controller.server, asyncio.Server)
    return int(controller.server.sockets[0].getsockname()[1])


@dataclass(frozen=True, slots=True)
class Post:
    """A request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An HTTP receiver; `answers` are the status codes of the next requests, 200 when there is none left."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@contextmanager
def receiver(answers: Sequence[int] = ()) -> Iterator[Receiver]:
    """A receiver on a free port of localhost."""
    found = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.posts.append(Post(self.path, dict(self.headers), body))
            self.send_response(found.answers.pop(0) if found.answers else 200)
            self.send_header("Location", "http://169.254.169.254/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *_arguments: object) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook/s3cret-path"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
