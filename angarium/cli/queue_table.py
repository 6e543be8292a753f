"""What queue commands print for people. Plain text: what comes from outside is never taken as markup (C7)."""

import click

from angarium.insight.units import count_text, octets_text, span_text, time_text
from angarium.queue import QueueSummary, UnixMs, delivery_id_text, message_id_text
from angarium.queue.entry import EntryPage, QueueEntry, ShownMessage
from angarium.queue.hold_rule import HoldRule
from angarium.service.mail_record import MailRecord, mail_record

REPLY_CHARACTERS = 60


def print_page(page: EntryPage, summary: QueueSummary, now: UnixMs) -> None:
    if page.entries:
        click.echo(
            f"{'id':<38} {'state':<9} {'age':>9} {'next':>9} {'tries':>5}  sender -> recipient"
        )
    for entry in page.entries:
        click.echo(_row(entry, now))
    if page.cursor:
        click.echo(f"more: --after {page.cursor.hex()}")
    click.echo(
        f"{count_text(summary.recipients, 'recipient')} of {count_text(summary.messages, 'message')}:"
        f" {summary.scheduled}"
        f" scheduled, {summary.in_flight} in flight, {summary.held} held"
    )
    if summary.low_disk:
        click.echo("The disk is full, or below queue.min_free_octets: new mail is refused.")


def print_message(shown: ShownMessage, now: UnixMs) -> None:
    click.echo(f"message   {message_id_text(shown.message_id)}")
    if shown.origin is not None:
        by = f", user {shown.origin.user}" if shown.origin.user else ""
        click.echo(f"came by   {shown.origin.text} from {shown.origin.client or '-'}{by}")
    click.echo(f"header    Message-ID {shown.message_id_header or '-'}")
    if shown.entries:
        click.echo("in the queue:")
    for entry in shown.entries:
        click.echo("  " + _row(entry, now))
    click.echo("history:")
    for position in shown.events:
        click.echo("  " + event_text(mail_record(position)))


def rule_text(rule: HoldRule) -> str:
    """What a rule is about, since when and until when, by whom and why, on one line."""
    given = {
        "tenant": rule.tenant,
        "sender": None if rule.sender is None else rule.sender or "<>",
        "domain": rule.domain,
        "provider": rule.provider,
    }
    about = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)
    end = f" until {time_text(rule.until)}" if rule.until is not None else ""
    because = f": {rule.why}" if rule.why else ""
    return f"{about}; since {time_text(rule.since)}{end}, by {rule.who}{because}"


def event_text(record: MailRecord) -> str:
    """One event on one line."""
    if record.event == "accepted":
        to = count_text(len(record.recipients), "recipient")
        return (
            f"{record.ts}  accepted from <{record.sender}>, {octets_text(record.size_octets)}, {to}"
        )
    where = f" by {record.host}" if record.host else ""
    if record.address and record.address != record.host:
        where += f" [{record.address}]"
    reply = f": {_reply(record)}" if record.code or record.reply else ""
    by = f" by {record.actor}" if record.actor else ""
    because = f": {record.reason}" if record.reason else ""
    return f"{record.ts}  {record.event} <{record.recipient}>{where}{reply}{by}{because}"


def _reply(record: MailRecord) -> str:
    """The reply, its codes only once: its text begins with them."""
    text = record.reply
    if record.code and not text.startswith(str(record.code)):
        text = f"{record.code} {text}"
    return text


def _row(entry: QueueEntry, now: UnixMs) -> str:
    due = (
        "-"
        if entry.state != "scheduled"
        else span_text(entry.due - now)
        if entry.due > now
        else "now"
    )
    last = ""
    if entry.last is not None:
        last = f"  ({entry.last.text[:REPLY_CHARACTERS]})"
    return (
        f"{delivery_id_text(entry.id):<38} {entry.state:<9} {span_text(now - entry.accepted):>9}"
        f" {due:>9} {entry.attempts:>5}  <{entry.sender}> -> <{entry.recipient}>{last}"
    )
