"""``postmaster campaign``: a mail to each row of a file, by the HTTP API."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from angarium.cli.campaign_file import upload_file
from angarium.cli.exit import EX_NOINPUT, EX_OK, EX_TEMPFAIL, EX_USAGE, CommandError
from angarium.cli.send_by_api import code_of, find_key
from angarium.client import (
    ApiError,
    Campaign,
    CampaignState,
    Client,
    ConnectionFailedError,
    Schedule,
)
from angarium.smtp.reply import clean_text

TIMEOUT_S = 60.0
_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])
_MOMENT_HELP = "When, with its zone: 2030-05-01T09:00Z, 2030-05-01T09:00+02:00."
_UPLOAD_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FIRST = ("sent", "delivered", "bounced", "refused", "duplicate", "queued", "deferred")


def _by_api(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command its client, and have what the server refuses end it."""

    @click.option(
        "--api",
        envvar="ANGARIUM_API",
        metavar="URL",
        required=True,
        help="Of the server, or in ANGARIUM_API; the key is in ANGARIUM_API_KEY, or asked for.",
    )
    @click.option("--json", "as_json", is_flag=True, help="As JSON.")
    @wraps(command)
    def with_client(api: str, **words: Any) -> int:
        if not api.startswith(("http://", "https://")):
            raise CommandError("--api is a URL, as https://mail.example.com", EX_USAGE)
        with _told(), Client(api, find_key(from_stdin=False), timeout_s=TIMEOUT_S) as client:
            return command(client, **words)

    return with_client


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ConnectionFailedError as error:
        raise CommandError(clean_text(str(error)), EX_TEMPFAIL) from error
    except ApiError as error:
        raise CommandError(f"{error.status} {clean_text(str(error))}", code_of(error)) from error


@click.group(help="Mail to each row of a file: how far it is, and what became of it.")
def campaign() -> None:
    pass


@campaign.command(
    help="Send a mail to each row of FILE, which is uploaded first; also of an upload by its id, or of a URL."
)
@click.argument("file", metavar="FILE|UPLOAD|URL")
@click.option("--template", default="", metavar="NAME", help="Its id or alias.")
@click.option("--template-version", type=click.IntRange(min=1), help="Else the published one.")
@click.option("--from", "sender", default="", help="Else noreply@ the first verified domain.")
@click.option("--subject", default="", help="Instead of the template's.")
@click.option("--text-file", type=click.Path(path_type=Path), help="Without a template.")
@click.option("--html-file", type=click.Path(path_type=Path), help="Likewise.")
@click.option("--name", default="", help="For people.")
@click.option("--stream", default="")
@click.option("--topic", default="", help="Who has left it gets nothing.")
@click.option("--language", default="", help="Of the pages where one leaves.")
@click.option("--tag", "tags", multiple=True, metavar="NAME:VALUE")
@click.option("--at", "send_at", type=_MOMENT, help=_MOMENT_HELP)
@click.option("--callback", "callback_url", default="", metavar="URL")
@click.option("--dry-run", is_flag=True, help="Read all, and send nothing.")
@_by_api
def start(
    client: Client,
    as_json: bool,
    file: str,
    template: str,
    text_file: Path | None,
    html_file: Path | None,
    send_at: datetime | None,
    tags: tuple[str, ...],
    **more: Any,
) -> int:
    text, html = _content(text_file), _content(html_file)
    url = file if file.startswith(("https://", "http://")) else ""
    made = client.start_campaign(
        Campaign(
            upload_id="" if url else _upload(client, file),
            csv_file_url=url,
            template_id=template,
            text=text,
            html=html,
            tags=tags,
            schedule=None if send_at is None else Schedule(send_at=send_at),
            **more,
        )
    )
    return _report(made, as_json)


@campaign.command("list", help="List campaigns, the newest first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@_by_api
def list_(client: Client, as_json: bool, limit: int) -> int:
    for _, each in zip(range(limit), client.campaigns(), strict=False):
        _report(each, as_json)
    return EX_OK


@campaign.command(help="Show how far a campaign is.")
@click.argument("transaction", metavar="ID")
@_by_api
def show(client: Client, as_json: bool, transaction: str) -> int:
    return _report(client.campaign(transaction), as_json)


@campaign.command(help="List rows, and what became of each.")
@click.argument("transaction", metavar="ID")
@click.option("--status", default="", help="Of these only; failed: what can be sent again.")
@_by_api
def rows(client: Client, as_json: bool, transaction: str, status: str) -> int:
    for each in client.campaign_rows(transaction, status=status):
        if as_json:
            click.echo(msgspec.json.encode(each))
        else:
            words = (f"line {each.line}", each.status, each.address, each.reason)
            click.echo("\t".join([clean_text(word) for word in words]))
    return EX_OK


@campaign.command(help="List the rows that failed, with their lines and reasons.")
@click.argument("transaction", metavar="ID")
@_by_api
def errors(client: Client, as_json: bool, transaction: str) -> int:
    for status in ("failed", "duplicate"):
        for each in client.campaign_rows(transaction, status=status):
            if as_json:
                click.echo(msgspec.json.encode(each))
            else:
                click.echo(clean_text(f"line {each.line}: {each.reason or each.status}"))
    return EX_OK


@campaign.command(help="Send the failed rows again, as a campaign of their own.")
@click.argument("transaction", metavar="ID")
@_by_api
def resend(client: Client, as_json: bool, transaction: str) -> int:
    return _report(client.resend_failed(transaction), as_json)


@campaign.command(help="Have a campaign of which no row was read begin at another time.")
@click.argument("transaction", metavar="ID")
@click.option("--at", "send_at", type=_MOMENT, required=True, help=_MOMENT_HELP)
@_by_api
def reschedule(client: Client, as_json: bool, transaction: str, send_at: datetime) -> int:
    return _report(client.reschedule_campaign(transaction, send_at), as_json)


def _act(word: Literal["pause", "resume", "cancel"], text: str) -> None:
    @campaign.command(word, help=text)
    @click.argument("transaction", metavar="ID")
    @_by_api
    def act(client: Client, as_json: bool, transaction: str) -> int:
        return _report(client.change_campaign(transaction, word), as_json)


_act("pause", "Hold what waits of it, and read no more of its file.")
_act("resume", "Let it go on.")
_act("cancel", "Send nothing more of it.")


def _report(found: CampaignState, as_json: bool) -> int:
    if as_json:
        click.echo(msgspec.json.encode(found))
        return EX_OK
    state = f"{found.status}, paused" if found.paused else found.status
    progress = found.progress
    click.echo(f"{found.transaction_id} {state}: {progress.rows} rows, {_counts(found.summary)}")
    for why in (found.waiting_for, found.reason):
        if why:
            click.echo(clean_text(f"  {why}"))
    if found.callback_secret:
        click.echo(f"  callbacks are signed with {found.callback_secret}")
    return EX_OK


def _counts(summary: Mapping[str, int]) -> str:
    named = [*_FIRST, *(each for each in summary if each not in _FIRST)]
    shown = [
        f"{summary[name]} {name}" for name in named if summary.get(name) and name != "totalMessages"
    ]
    return ", ".join(shown) or "nothing sent yet"


def _upload(client: Client, file: str) -> str:
    """Return the upload that is meant: of a file, once it is there."""
    if _UPLOAD_ID.fullmatch(file) and not Path(file).exists():
        return file
    return upload_file(client, Path(file))


def _content(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", EX_NOINPUT) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text", EX_NOINPUT) from error
