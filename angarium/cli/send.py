"""``postmaster send``: send one message through a submission listener, and say what it answered."""

import asyncio
import getpass
import mimetypes
import secrets
import ssl
import sys
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import aiosmtplib
import click

from angarium.cli.config_option import config_option
from angarium.cli.exit import (
    EX_DATAERR,
    EX_NOINPUT,
    EX_NOPERM,
    EX_OK,
    EX_TEMPFAIL,
    EX_UNAVAILABLE,
    EX_USAGE,
    CommandError,
)
from angarium.config.address import HostPort, is_ip, parse_host_port
from angarium.config.loader import load
from angarium.config.schema import Listener
from angarium.content.building import build
from angarium.content.letter import Attachment, Letter, LetterError, Mailbox
from angarium.smtp.address import parse_mailbox
from angarium.smtp.client.command import ArgumentError, path
from angarium.smtp.date import render_date
from angarium.smtp.reply import clean_text

_IMPLICIT_TLS_PORT: Final = 465  # RFC 8314 section 3.3
_ANY: Final = ("0.0.0.0", "::", "")  # a listener on all addresses is reached on loopback


@click.command(
    help="Send one message through a submission listener, or by the HTTP API, and say what it answered."
)
@click.option("--from", "sender", required=True, help="Sender: of the envelope and the From field.")
@click.option(
    "--to", "recipients", multiple=True, required=True, help="Recipient; may be repeated."
)
@click.option("--subject", default="", help="Subject field.")
@click.option("--body", help="Text of the message.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file with the message as HTML, in UTF-8; beside --body or alone.",
)
@click.option(
    "--attach",
    "attached",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file to attach; may be repeated.",
)
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A whole message, header and body, sent as it is; - reads stdin.",
)
@click.option(
    "--server", help="HOST:PORT (default: the configuration's first submission listener)."
)
@click.option(
    "--api",
    metavar="URL",
    help="Send by the HTTP API there, with the key in ANGARIUM_API_KEY; without that it is asked for.",
)
@click.option("--user", help="Log in as this user; the password is asked for, or see below.")
@click.option(
    "--password-stdin", is_flag=True, help="Read the password, or the key, from stdin's first line."
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 600),
    default=60.0,
    show_default=True,
    help="Seconds for each reply.",
)
@config_option
def send(
    sender: str,
    recipients: tuple[str, ...],
    subject: str,
    body: str | None,
    html: Path | None,
    attached: tuple[Path, ...],
    file: Path | None,
    server: str | None,
    api: str | None,
    user: str | None,
    password_stdin: bool,
    timeout_s: float,
    config_file: Path,
) -> int:
    is_composed = body is not None or html is not None
    if is_composed == (file is not None):
        raise CommandError("give either --body, --html, or both, or --file", EX_USAGE)
    if attached and file is not None:
        raise CommandError("--file is sent as it is: --attach goes with --body or --html", EX_USAGE)
    if password_stdin and file == Path("-"):
        raise CommandError("stdin cannot be both the password and the message", EX_USAGE)
    try:
        for each in (sender, *recipients):
            path(each)
    except ArgumentError as error:
        raise CommandError(str(error), EX_USAGE) from error
    if api is not None:
        if server is not None or user is not None:
            raise CommandError("--api goes without --server and --user", EX_USAGE)
        # Who sends by SMTP need not wait for it
        from angarium.cli import send_by_api as by_api

        key = by_api.find_key(from_stdin=password_stdin)
        message = (
            _read(file)
            if file is not None
            else by_api.compose(sender, recipients, subject, body, html, attached)
        )
        return by_api.send_by_api(api, key, message, sender, recipients, timeout_s)
    content = (
        _read(file)
        if file is not None
        else _compose(sender, recipients, subject, body, html, attached)
    )
    to, implicit_tls = _find_server(server, config_file)
    password = None if user is None else _password(user, from_stdin=password_stdin)
    submission = _Submission(to, implicit_tls=implicit_tls, timeout_s=timeout_s)
    return asyncio.run(submission.run(sender, recipients, content, user, password))


class _Submission:
    """One message to one server."""

    def __init__(self, to: HostPort, *, implicit_tls: bool, timeout_s: float) -> None:
        context = ssl.create_default_context()
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as the server's own deliveries do
        self._is_local = is_ip(to.host) and ip_address(to.host).is_loopback
        if self._is_local:  # a certificate names the server's public name, not loopback
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._to = to
        self._smtp = aiosmtplib.SMTP(
            hostname=to.host,
            port=to.port,
            use_tls=implicit_tls,
            start_tls=False,
            tls_context=context,
            timeout=timeout_s,
        )

    async def run(
        self,
        sender: str,
        recipients: tuple[str, ...],
        content: bytes,
        user: str | None,
        password: str | None,
    ) -> int:
        """Send, print what became of each recipient, and return the exit code."""
        smtp = self._smtp
        try:
            await smtp.connect()
            await smtp.ehlo()
            if smtp.supports_extension("starttls") and not smtp.get_transport_info("sslcontext"):
                await smtp.starttls()
                await smtp.ehlo()
            if user is not None and password is not None:
                await self._login(user, password)
            refused, reply = await smtp.sendmail(
                sender,
                recipients,
                content,
                mail_options=self._mail_options(sender, recipients, content),
            )
            await smtp.quit()
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _report_refused({each.recipient: each for each in error.recipients})
        except aiosmtplib.SMTPResponseException as error:
            code = EX_TEMPFAIL if 400 <= error.code < 500 else EX_UNAVAILABLE
            if isinstance(error, aiosmtplib.SMTPAuthenticationError) and error.code >= 500:
                code = EX_NOPERM
            text = f"{self._to}: {error.code} {clean_text(error.message)}"
            raise CommandError(text, code) from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise CommandError(f"{self._to}: {clean_text(str(error))}", EX_TEMPFAIL) from error
        finally:
            smtp.close()
        click.echo(f"250 {clean_text(reply)}")  # the server's id of the message is in it
        return _report_refused(refused) if refused else EX_OK

    async def _login(self, user: str, password: str) -> None:
        if not self._smtp.get_transport_info("sslcontext") and not self._is_local:
            raise CommandError(
                f"{self._to} offers no TLS: the password is not sent in the clear", EX_NOPERM
            )
        await self._smtp.login(user, password)

    def _mail_options(self, sender: str, recipients: tuple[str, ...], content: bytes) -> list[str]:
        options = []
        if not content.isascii() and self._smtp.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        if not all(each.isascii() for each in (sender, *recipients)):
            options.append("SMTPUTF8")
        return options


def _report_refused(refused: object) -> int:
    """Print each recipient's refusal; the exit code is of the worst."""
    assert isinstance(refused, dict)
    codes = []
    for recipient, reply in refused.items():
        click.echo(f"{recipient}: {reply.code} {clean_text(reply.message)}", err=True)
        codes.append(reply.code)
    return EX_UNAVAILABLE if any(code >= 500 for code in codes) else EX_TEMPFAIL


def _compose(
    sender: str,
    recipients: tuple[str, ...],
    subject: str,
    text: str | None,
    html: Path | None,
    files: tuple[Path, ...],
) -> bytes:
    try:
        letter = Letter(
            author=Mailbox(address=parse_mailbox(sender)),
            to=tuple(Mailbox(address=parse_mailbox(each)) for each in recipients),
            subject=subject,
            text=text,
            html=None if html is None else html.read_text(encoding="utf-8"),
            attachments=tuple(_attachment(each) for each in files),
            date=render_date(int(time.time())),
        )
        return build(letter, f"=_{secrets.token_hex(15)}").content
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}", EX_NOINPUT) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{html} is not UTF-8 text", EX_DATAERR) from error
    except LetterError as error:  # a line break in a field, above all (C1)
        raise CommandError(f"cannot build the message: {error}", EX_DATAERR) from error


def _attachment(file: Path) -> Attachment:
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    return Attachment(content=file.read_bytes(), content_type=kind, filename=file.name)


def _read(file: Path) -> bytes:
    """The message with CRLF line ends: files have the system's own."""
    try:
        content = sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}", EX_NOINPUT) from error
    if not content:
        raise CommandError(f"{file} is empty", EX_DATAERR)
    return b"\r\n".join(content.replace(b"\r\n", b"\n").split(b"\n"))


def _find_server(server: str | None, config_file: Path) -> tuple[HostPort, bool]:
    """Where to send, and whether TLS comes first."""
    if server is not None:
        try:
            to = parse_host_port(server, default_port=587)
        except ValueError as error:
            raise CommandError(str(error), EX_USAGE) from error
        return to, to.port == _IMPLICIT_TLS_PORT
    listener = _first_submission(load(config_file).listener)
    at = parse_host_port(listener.address)
    host = ("::1" if at.host == "::" else "127.0.0.1") if at.host in _ANY else at.host
    return HostPort(host, at.port), listener.tls == "implicit"


def _first_submission(listeners: tuple[Listener, ...]) -> Listener:
    for listener in listeners:
        if listener.kind == "submission":
            return listener
    raise CommandError("the configuration has no submission listener; give --server", EX_USAGE)


def _password(user: str, *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass(f"Password of {user}: ")
