"""Bulletins by mail: SMTP with TLS, a message for each recipient, plain text and HTML, attachments where wished.

A recipient sees no other's address. A repeated message has the Message-ID of the first, by which mail programs fold the two into one.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from streams.bulletin.forms import MEDIA_TYPES
from streams.clock import Clock, utc_now
from streams.delivery.config import MailTarget
from streams.delivery.courier import Send
from streams.delivery.issue import Issue, NotTakenError
from streams.errors import ConfigError
from streams.printable import printable_line
from streams.settings import read_secret

#: To connect, and for each answer of the server.
TIMEOUT_SECONDS = 30.0
_REPLY_CHARS = 160


@contextmanager
def open_mail(target: MailTarget, *, clock: Clock = utc_now) -> Iterator[Send]:
    """One connection, logged in where the target says so, for all recipients of a bulletin.

    Raises:
        NotTakenError: if the server can't be reached, has no TLS, or does not take the login.
        ConfigError: if the password or the certificate's authority can't be read.
    """
    password = read_secret(target.password_env, target.password_file)
    where = f"{target.host}:{target.smtp_port}"
    with _said(where):
        server = _connected(target)
    try:
        with _said(where):
            if target.security == "starttls":
                server.starttls(context=_context(target))
            if target.username:
                server.login(target.username, password)

        def send(issue: Issue, recipient: str, key: str) -> None:
            message = message_of(target, issue, recipient, key, clock())
            with _said(where):
                server.send_message(message, from_addr=target.sender, to_addrs=[recipient])

        yield send
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()


def message_of(target: MailTarget, issue: Issue, recipient: str, key: str, now: datetime) -> EmailMessage:
    """The message. What strangers wrote stands in its bodies only, never in a header."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = target.sender
    message["To"] = recipient
    message["Subject"] = issue.document.title
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{key}@{target.sender.rpartition('@')[2]}>"
    message["Content-Language"] = issue.language
    # RFC 3834: no answering machine is to answer.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(issue.text("md").decode(), cte="quoted-printable")
    message.add_alternative(issue.text("html").decode(), subtype="html", cte="quoted-printable")
    for form in target.attach:
        kind, _, subtype = MEDIA_TYPES[form].partition(";")[0].partition("/")
        name = f"bellwether-{issue.week}-{issue.language}.{form}"
        message.add_attachment(issue.text(form), maintype=kind, subtype=subtype, filename=name)
    return message


def _connected(target: MailTarget) -> smtplib.SMTP:
    if target.security == "tls":
        return smtplib.SMTP_SSL(target.host, target.smtp_port, timeout=TIMEOUT_SECONDS, context=_context(target))
    return smtplib.SMTP(target.host, target.smtp_port, timeout=TIMEOUT_SECONDS)


def _context(target: MailTarget) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=target.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "the authority of the mail server's certificate can't be read", where=str(target.ca_file), expected="a PEM file", todo="check ca_file"
        ) from error  # fmt: skip


@contextmanager
def _said(where: str) -> Iterator[None]:
    """Turns what a mail server, or the way to it, may answer into a `NotTakenError`. No answer to a login is repeated."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, reply = next(iter(error.recipients.values()))
        raise NotTakenError(f"the recipient was refused: {code} {_reply(reply)}", where=where, is_final=code >= 500) from error
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
        raise NotTakenError(
            f"the message was refused: {code} {_reply(error.smtp_error)}", where=where, is_final=code >= 500
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        raise NotTakenError(
            f"the login was refused: {error.smtp_code}", where=where, todo="check username and password"
        ) from error
    except smtplib.SMTPResponseException as error:
        raise NotTakenError(f"the server refused: {error.smtp_code} {_reply(error.smtp_error)}", where=where) from error
    except ssl.SSLCertVerificationError as error:
        raise NotTakenError(
            f"the server's certificate is not trusted: {error.verify_message}", where=where, todo="set ca_file, or use the host's proper name"
        ) from error  # fmt: skip
    except (smtplib.SMTPException, OSError) as error:
        raise NotTakenError(
            f"no mail server answers as it should: {type(error).__name__}: {_reply(str(error))}", where=where
        ) from error


def _reply(text: bytes | str) -> str:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return printable_line(" ".join(shown.split()))[:_REPLY_CHARS]
