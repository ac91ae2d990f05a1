"""E-mail over SMTP: `smtp://` with STARTTLS, `smtps://` with TLS from the start, `smtp+plain://`
without any (no password is sent over it)."""

from __future__ import annotations

import smtplib
import socket
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from monitors.alerts.client import KEPT, TIMEOUT, checked, tls
from monitors.alerts.destination import Answer, Destination
from monitors.alerts.message import RESOLVED, Message, heading, message_id, plain
from schemas.registry import register

_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


def _connected(host: str, port: int, timeout: float, allow_private: bool) -> socket.socket:
    """A connection to the first address that answers of those that were checked."""
    failed: OSError = OSError(f"{host} has no address")
    for address in checked(host, port, allow_private):
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failed = error
    raise failed


class _Smtp(smtplib.SMTP):
    """smtplib, connected to an address that was checked; the name stays for the certificate."""

    def __init__(self, host: str, port: int, allow_private: bool, context: ssl.SSLContext | None):
        self._allow_private, self._context = allow_private, context
        super().__init__(host, port, timeout=TIMEOUT)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain_socket = _connected(host, port, timeout, self._allow_private)
        if self._context is None:
            return plain_socket
        return self._context.wrap_socket(plain_socket, server_hostname=host)


def letter(destination: Destination, message: Message) -> EmailMessage:
    """The mail. Its Message-ID is the delivery's, so that a mailbox may drop a repeated one; a
    later message of the same alert, its end above all, answers the first."""
    mail = EmailMessage()
    one_line = " ".join(heading(message).split())
    mail["Subject"] = one_line[:200]
    mail["From"] = destination.sender or "assay@localhost"
    mail["To"] = ", ".join(destination.to)
    sent = datetime.fromisoformat(message.sent_at) if message.sent_at else datetime.now(UTC)
    mail["Date"] = format_datetime(sent)
    mail["Message-ID"] = f"<{message.message_id}@assay>"
    mail["Auto-Submitted"] = "auto-generated"
    first = message_id(message.key, destination.name)
    if message.state == RESOLVED or message.message_id != first:
        mail["References"] = f"<{first}@assay>"
    mail.set_content(plain(message))
    return mail


def _send(destination: Destination, mail: EmailMessage) -> None:
    parts = urlsplit(destination.url)
    host, scheme = parts.hostname or "", parts.scheme
    port = parts.port or _PORTS[scheme]
    context = tls() if scheme == "smtps" else None
    with _Smtp(host, port, destination.allow_private, context) as server:
        if scheme == "smtp":
            server.starttls(context=tls())
        if parts.username and scheme != "smtp+plain":
            server.login(unquote(parts.username), (destination.secrets or ("",))[0])
        server.send_message(mail)


@register("sink", "email")
def deliver(destination: Destination, message: Message) -> Answer:
    """SMTP's own codes as they are where they refuse; 250 where the server took it."""
    try:
        if urlsplit(destination.url).scheme not in _PORTS or not destination.to:
            return Answer(0, "it needs a url with smtp://, smtps:// or smtp+plain://, and `to`")
        _send(destination, letter(destination, message))
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return Answer(error.smtp_code if error.smtp_code > 299 else 0, text[:KEPT])
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return Answer(0, f"{type(error).__name__}: {error}"[:KEPT])
    return Answer(250)
