"""Bulletins by mail to a real SMTP server: what arrives, how it is protected, and what a refusal leads to."""

from __future__ import annotations

import io
from email.message import EmailMessage
from pathlib import Path

import pypdf
import pytest

from streams.bulletin.build import Stands, build
from streams.bulletin.render import to_html
from streams.delivery.config import MailTarget
from streams.delivery.issue import delivery_key
from streams.delivery.rounds import Wish
from tests.helpers.bulletins import LAST, eventful
from tests.helpers.delivering import PASSWORD, USER, log_of_rounds, mail_server, make_certificate, rounds_in, targets_of

MAIL = """[[target]]
name = "desk"
kind = "mail"
host = "localhost"
port = {port}
sender = "bulletins@news.invalid"
to = ["first@news.invalid", "second@news.invalid"]
"""
PLAIN = MAIL + 'security = "none"\n'


@pytest.fixture(scope="module")
def stands() -> Stands:
    return eventful()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def test_each_recipient_gets_a_message_of_plain_text_html_and_a_pdf(tmp_path: Path, stands: Stands) -> None:
    with mail_server() as box, rounds_in(tmp_path) as rounds:
        (target,) = targets_of(tmp_path, PLAIN.format(port=box.port) + 'language = "ru"\nattach = ["pdf"]\n')
        done = rounds.deliver(stands, [target])
    assert [entry.state for entry in done] == ["sent", "sent"]
    assert [address for address, _ in box.taken] == ["first@news.invalid", "second@news.invalid"]
    for address, message in box.taken:
        assert message["To"] == address
        assert message["From"] == "bulletins@news.invalid"
        assert message["Subject"] == f"Куда склонялись государства: неделя {LAST}"
        assert message["Message-ID"] == f"<{delivery_key(target, address, LAST)}@news.invalid>"
        assert message["Auto-Submitted"] == "auto-generated"
        assert "Беларусь — Россия" in part(message, "plain")
        assert part(message, "html").strip() == to_html(build(stands, LAST), "ru").strip()
        (attached,) = message.iter_attachments()
        assert attached.get_filename() == f"bellwether-{LAST}-ru.pdf"
        assert "Беларусь" in pypdf.PdfReader(io.BytesIO(attached.get_content())).pages[0].extract_text()
    assert len({message["Message-ID"] for _, message in box.taken}) == 2


def test_a_recipient_that_is_refused_for_good_is_left_and_the_other_served(tmp_path: Path, stands: Stands) -> None:
    with mail_server() as box, rounds_in(tmp_path) as rounds:
        box.refused = {"first@news.invalid": 550}
        targets = targets_of(tmp_path, PLAIN.format(port=box.port))
        refused, sent = rounds.deliver(stands, targets)
        assert (refused.state, sent.state) == ("refused", "sent")
        assert "550 no such desk" in refused.problem
        assert "\x1b" not in refused.problem
        assert rounds.deliver(stands, targets) == []


def test_a_recipient_that_is_put_off_waits_and_the_other_gets_no_second_message(tmp_path: Path, stands: Stands) -> None:
    with mail_server() as box, rounds_in(tmp_path) as rounds:
        box.refused = {"first@news.invalid": 451}
        targets = targets_of(tmp_path, PLAIN.format(port=box.port))
        assert [entry.state for entry in rounds.deliver(stands, targets)] == ["waiting", "sent"]
        box.refused = {}
        assert rounds.deliver(stands, targets) == []
        (entry,) = rounds.deliver(stands, targets, Wish(at_once=True))
        assert (entry.recipient, entry.state) == ("first@news.invalid", "sent")
    assert [address for address, _ in box.taken] == ["second@news.invalid", "first@news.invalid"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # it has TLS from the start
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_login_travels_under_tls_that_is_checked(
    tmp_path: Path, stands: Stands, certificate: tuple[Path, Path], security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_PASSWORD", PASSWORD)
    with mail_server(certificate, needs_login=True, tls_at_once=security == "tls") as box, rounds_in(tmp_path) as rounds:
        text = MAIL.format(port=box.port) + f'security = "{security}"\nusername = "{USER}"\npassword_env = "DESK_PASSWORD"\n'
        untrusted = rounds.deliver(stands, targets_of(tmp_path, text))
        assert {entry.state for entry in untrusted} == {"waiting"}
        assert "certificate is not trusted" in untrusted[0].problem
        assert box.logins == []
        trusted = targets_of(tmp_path, text.replace("desk", "trusted") + f'ca_file = "{certificate[0]}"\n')
        assert {entry.state for entry in rounds.deliver(stands, trusted)} == {"sent"}
    assert box.logins == ["good"]


def test_a_wrong_password_is_said_without_it(
    tmp_path: Path, stands: Stands, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("hunter2", encoding="utf-8")
    logged = log_of_rounds(monkeypatch)
    with mail_server(certificate, needs_login=True) as box, rounds_in(tmp_path) as rounds:
        text = (
            MAIL.format(port=box.port)
            + f'ca_file = "{certificate[0]}"\nusername = "{USER}"\npassword_file = "{tmp_path}/password"\n'
        )
        done = rounds.deliver(stands, targets_of(tmp_path, text))
    assert {entry.state for entry in done} == {"waiting"}
    assert "the login was refused: 535" in done[0].problem
    assert "bulletin_not_delivered" in logged.getvalue()
    assert "hunter2" not in logged.getvalue() + repr(done)


def test_a_server_without_tls_is_never_written_to_in_the_clear(tmp_path: Path, stands: Stands) -> None:
    with mail_server() as box, rounds_in(tmp_path) as rounds:
        (target,) = targets_of(tmp_path, MAIL.format(port=box.port))
        assert isinstance(target, MailTarget)
        assert target.security == "starttls"
        assert {entry.state for entry in rounds.deliver(stands, [target])} == {"waiting"}
    assert box.taken == []
