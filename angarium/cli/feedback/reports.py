"""``postmaster feedback list``, ``show``, ``forget`` and ``import``: mails that came back."""

import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_OK, EX_TEMPFAIL, EX_USAGE, CommandError

if TYPE_CHECKING:
    from angarium.config.schema import Config
    from angarium.queue import MessageId
    from angarium.queue.lmdb.administration.report_operator import ReportOperator
    from angarium.queue.reports import ReportedMail, Shelf

SHELVES: Final = ("review", "dmarc", "tls-rpt", "waiting")
_BATCH: Final = 50

_shelf_option = click.option(
    "--shelf",
    type=click.Choice(SHELVES),
    default="review",
    show_default=True,
    help="review: not known to be about mail of ours; waiting: not read yet.",
)


@click.command("list", help="List mails that came back and are kept, the oldest first.")
@config_option
@_shelf_option
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def list_reports(config_file: Path, shelf: str, limit: int, as_json: bool) -> int:
    from angarium.insight.units import octets_text, time_text

    with _reports(config_file) as (_, reports):
        after, left = b"", limit
        while left and (page := reports.kept(_shelf(shelf), after, min(left, 100))):
            after, left = page[-1].id, left - len(page)
            for each in page:
                told = _told(each)
                if as_json:
                    click.echo(json.dumps(told))
                    continue
                about = ", ".join(str(address) for address in told["addresses"][:3]) or "nobody"
                click.echo(
                    f"{told['id']}  {time_text(each.received)}  {told['kind']} about {about},"
                    f" {octets_text(len(each.content))}, from {each.client or each.via}"
                )
    return EX_OK


@click.command(help="Show what a mail that came back says, and what its references come to.")
@config_option
@_shelf_option
@click.option("--content", is_flag=True, help="The mail itself instead, as it came.")
@click.argument("report")
def show(config_file: Path, shelf: str, content: bool, report: str) -> int:
    with _reports(config_file) as (config, reports):
        found = reports.find(_shelf(shelf), _report_id(report))
        if found is None:
            raise CommandError(f"no report {report} is on the shelf {shelf}", EX_NOINPUT)
        told = {} if content else {**_told(found), **_verified(config, found)}
    if content:
        note_act(config_file, "report.content_shown", report, shelf=shelf)
        click.echo(found.content, nl=False)
        return EX_OK
    click.echo(json.dumps(told, indent=2))
    return EX_OK


@click.command(help="Delete mails that are kept: those that are named, or all of a shelf.")
@config_option
@_shelf_option
@click.option("--all", "everything", is_flag=True, help="All of the shelf.")
@click.argument("reports", nargs=-1)
def forget(config_file: Path, shelf: str, everything: bool, reports: tuple[str, ...]) -> int:
    from angarium.insight.units import count_text

    if everything == bool(reports):
        raise CommandError("name the reports, or give --all", EX_USAGE)
    if shelf == "waiting":
        raise CommandError("what waits is read by the server first", EX_USAGE)
    ids = [_report_id(each) for each in reports]
    with _reports(config_file) as (_, kept):
        forgotten = kept.forget(_shelf(shelf), ids) if ids else 0
        while everything and (page := kept.kept(_shelf(shelf), b"", 100)):
            forgotten += kept.forget(_shelf(shelf), [each.id for each in page])
    if forgotten:
        note_act(config_file, "report.forgotten", count_text(forgotten, "report"), shelf=shelf)
    click.echo(f"{count_text(forgotten, 'report')} forgotten")
    return EX_OK if forgotten or everything else EX_NOINPUT


@click.command(
    "import",
    help="Have the server read mails that came back to another place: of an mbox file, a Maildir, or a folder of"
    " single mails. The files stay.",
)
@config_option
@click.argument("mailbox", type=click.Path(exists=True, path_type=Path))
def import_reports(config_file: Path, mailbox: Path) -> int:
    from angarium.insight.units import count_text
    from angarium.queue import MessageIdGenerator, QueueFullError
    from angarium.queue.reports import ReportBounds, ReportedMail
    from angarium.queue.wall_clock import wall_clock
    from angarium.service.feedback.mailbox_files import read_mailbox

    new_id, taken = MessageIdGenerator(wall_clock, os.urandom), 0
    mails = read_mailbox(mailbox)
    # The files are read as who calls, the queue is opened as whose it is
    while batch := [
        ReportedMail(id=new_id(), received=wall_clock(), via="import", content=content)
        for content in itertools.islice(mails, _BATCH)
    ]:
        with _reports(config_file) as (config, reports):
            feedback = config.feedback
            if not feedback.is_used:
                raise CommandError("nobody would read them: [feedback] is not used", EX_USAGE)
            bounds = ReportBounds(reports=feedback.waiting_reports, octets=feedback.waiting_octets)
            try:
                reports.accept(batch, bounds)
            except QueueFullError as error:
                text = f"{error}; the first {taken} were taken: go on with the others later"
                raise CommandError(text, EX_TEMPFAIL) from None
        taken += len(batch)
    if taken:
        note_act(config_file, "report.imported", count_text(taken, "mail"))
    click.echo(f"{count_text(taken, 'mail')} taken")
    return EX_OK


@contextmanager
def _reports(config_file: Path) -> "Iterator[tuple[Config, ReportOperator]]":
    from angarium.cli.queue.file import queue_errors, queue_path
    from angarium.config.loader import load
    from angarium.host.owner import acting_as_owner
    from angarium.queue.lmdb.administration.report_operator import ReportOperator
    from angarium.queue.wall_clock import wall_clock

    config = load(config_file)
    path = queue_path(config)
    with queue_errors(), acting_as_owner(path.parent):
        reports = ReportOperator.open(path, config.queue, wall_clock)
        try:
            yield config, reports
        finally:
            reports.close()


def _shelf(name: str) -> "Shelf":
    from angarium.queue.reports import Shelf

    shelves = {
        "review": Shelf.REVIEW,
        "dmarc": Shelf.DMARC,
        "tls-rpt": Shelf.TLS_RPT,
        "waiting": Shelf.WAITING,
    }
    return shelves[name]


def _report_id(text: str) -> "MessageId":
    from angarium.queue import parse_message_id

    try:
        return parse_message_id(text)
    except ValueError as error:
        raise CommandError(f"{error}; `postmaster feedback list` names them", EX_USAGE) from None


def _told(mail: "ReportedMail") -> dict[str, Any]:
    from angarium.feedback.reading import read_mail
    from angarium.queue import message_id_text
    from angarium.telemetry.timestamp import rfc3339

    report = read_mail(mail.content, mail.recipients[0] if mail.recipients else "")
    return {
        "id": message_id_text(mail.id),
        "received": rfc3339(mail.received),
        "via": mail.via,
        "client": mail.client,
        "sender": mail.reverse_path,
        "recipients": list(mail.recipients),
        "size_octets": len(mail.content),
        "kind": report.kind.value,
        "addresses": [each.address for each in report.recipients],
        "classes": [each.verdict.bounce_class.value for each in report.recipients],
        "feedback_type": report.feedback_type,
    }


def _verified(config: "Config", mail: "ReportedMail") -> dict[str, object]:
    """What its references are, as far as the keys can be read."""
    from angarium.access.reference_keys import ReferenceKeyError, read_keys
    from angarium.feedback.reading import read_mail
    from angarium.feedback.reference import Expired, ReferenceKeys, Valid
    from angarium.queue import message_id_text
    from angarium.queue.wall_clock import wall_clock

    try:
        keys = ReferenceKeys(read_keys(Path(config.feedback.key_file)), config.feedback.token_days)
    except ReferenceKeyError as error:
        return {"references": str(error)}
    report = read_mail(mail.content, mail.recipients[0] if mail.recipients else "")
    told: list[dict[str, object]] = []
    for text in report.references:
        found = keys.verify(text, wall_clock())
        line: dict[str, object] = {"text": text, "is": type(found).__name__.lower()}
        if isinstance(found, Valid | Expired):
            line["message"] = message_id_text(found.reference.message_id)
            line["index"] = found.reference.index
        told.append(line)
    return {"references": told}
