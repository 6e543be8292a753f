"""``postmaster send --api``: the same message by the HTTP API."""

import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

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
from angarium.client import ApiError, Client, ConnectionFailedError, Email, File, Sent
from angarium.smtp.reply import clean_text

KEY_VARIABLE: Final = "ANGARIUM_API_KEY"


def find_key(*, from_stdin: bool) -> str:
    """Of stdin's first line, the environment, or a person. Raises CommandError."""
    given = sys.stdin.readline().strip() if from_stdin else os.environ.get(KEY_VARIABLE, "")
    key = given if given or from_stdin else getpass.getpass("API key: ")
    if not key.isascii() or not key.isprintable() or not key:
        raise CommandError("the key is empty, or has characters that no key has", EX_USAGE)
    return key


def compose(
    sender: str,
    recipients: Sequence[str],
    subject: str,
    text: str | None,
    html: Path | None,
    files: Sequence[Path],
) -> Email:
    """Raises CommandError."""
    try:
        return Email(
            sender=sender,
            to=recipients,
            subject=subject,
            text=text or "",
            html="" if html is None else html.read_text(encoding="utf-8"),
            attachments=[File(content=each.read_bytes(), filename=each.name) for each in files],
        )
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}", EX_NOINPUT) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{html} is not UTF-8 text", EX_DATAERR) from error


def send_by_api(
    url: str, key: str, message: Email | bytes, sender: str, to: Sequence[str], timeout_s: float
) -> int:
    """Send it, print its ids, and return the exit code. Raises CommandError."""
    if not url.startswith(("http://", "https://")):
        raise CommandError("--api is a URL, as https://mail.example.com", EX_USAGE)
    try:
        with Client(url, key, timeout_s=timeout_s) as client:
            return _report(
                client.send(message)
                if isinstance(message, Email)
                else client.send_raw(message, to, sender=sender)
            )
    except ConnectionFailedError as error:
        raise CommandError(clean_text(str(error)), EX_TEMPFAIL) from error
    except ApiError as error:
        raise CommandError(f"{error.status} {clean_text(str(error))}", code_of(error)) from error


def _report(sent: Sent) -> int:
    click.echo(f"{sent.email_id} {sent.status}, Message-ID {clean_text(sent.message_id)}")
    for each in sent.suppressed:
        click.echo(f"{clean_text(each)}: suppressed, it is not sent there", err=True)
    return EX_UNAVAILABLE if sent.suppressed else EX_OK


def code_of(error: ApiError) -> int:
    if error.status in (401, 403):
        return EX_NOPERM
    if error.status in (429, 503, 507) or error.status >= 500:
        return EX_TEMPFAIL
    return EX_DATAERR if error.status in (400, 413) else EX_UNAVAILABLE
