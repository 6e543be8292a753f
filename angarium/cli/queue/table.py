"""What queue commands print for people. Plain text: what comes from outside is never taken as markup (C7)."""

import click

from angarium.insight.holds import about_text
from angarium.insight.units import count_text, octets_text, span_text, time_text
from angarium.queue import QueueSummary, UnixMs, delivery_id_text, message_id_text
from angarium.queue.breakdown import AGE_COLUMNS, OLDER, Breakdown, Slice
from angarium.queue.entry import EntryPage, QueueEntry, ShownMessage
from angarium.queue.hold_rule import HoldRule
from angarium.service.platform.mail_record import MailRecord, mail_record

REPLY_CHARACTERS = 60
VALUE_CHARACTERS = 60


def print_page(
    page: EntryPage, matching: int, summary: QueueSummary, now: UnixMs, *, is_filtered: bool
) -> None:
    """``matching``: recipients that match, on all pages."""
    if page.entries:
        click.echo(
            f"{'id':<38} {'state':<9} {'age':>9} {'next':>9} {'tries':>5}  sender -> recipient"
        )
    for entry in page.entries:
        click.echo(_row(entry, now))
    for each in page.damaged:
        click.echo(f"{delivery_id_text(each)} cannot be read: see `postmaster queue verify`")
    if page.cursor:
        click.echo(f"more: --after {page.cursor.hex()}")
    listed = len(page.entries)
    if is_filtered or listed != matching:
        of_all = "" if listed == matching else f" of {matching} that match"
        click.echo(f"listed: {count_text(listed, 'recipient')}{of_all}")
    click.echo(
        f"in the queue: {count_text(summary.recipients, 'recipient')} of {count_text(summary.messages, 'message')}:"
        f" {summary.scheduled}"
        f" scheduled, {summary.in_flight} in flight, {summary.held} held"
    )
    if summary.low_disk:
        click.echo("The disk is full, or below queue.min_free_octets: new mail is refused.")


def print_breakdown(breakdown: Breakdown) -> None:
    """A line for each value, the largest first; columns by age, then by state."""
    rows = [(_value_text(breakdown, each), each) for each in breakdown.slices]
    if breakdown.others is not None:
        rows.append(("(others)", breakdown.others))
    rows.append(("total", breakdown.total))
    ages = [*(f"<{name}" for name, _ in AGE_COLUMNS), OLDER]
    width = min(max(len(text) for text, _ in rows), VALUE_CHARACTERS)
    names = "".join(f"{name:>7}" for name in ages)
    click.echo(f"{breakdown.by:<{width}} {'total':>8}{names} {'held':>7} {'in flight':>9}")
    for text, each in rows:
        counts = "".join(f"{count:>7}" for count in each.ages)
        # A reply is a pattern of --reply: never cut in the midst of the line
        label = f"{text:<{width}}" if len(text) <= width else f"{text}\n{'':<{width}}"
        click.echo(f"{label} {each.count:>8}{counts} {each.held:>7} {each.in_flight:>9}")


def _value_text(breakdown: Breakdown, found: Slice) -> str:
    if found.value:
        return f"<{found.value}" if breakdown.by == "age" and found.value != OLDER else found.value
    return {"sender": "<>", "reply": "(no attempt yet)"}.get(breakdown.by, "(not known yet)")


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
    end = f" until {time_text(rule.until)}" if rule.until is not None else ""
    because = f": {rule.why}" if rule.why else ""
    return f"{about_text(rule)}; since {time_text(rule.since)}{end}, by {rule.who}{because}"


def event_text(record: MailRecord) -> str:
    """One event on one line."""
    if record.event == "accepted":
        to = count_text(len(record.recipients), "recipient")
        return (
            f"{record.ts}  accepted from <{record.sender}>, {octets_text(record.size_octets)}, {to}"
        )
    if record.event in ("suppression_added", "suppression_removed"):
        return _suppression_text(record)
    if not record.message:
        return f"{record.ts}  {record.event} {_about_no_message(record)}"
    if record.event == "content_shown":
        why = f": {record.reason}" if record.reason else ""
        return f"{record.ts}  content shown ({record.part}) to {record.actor}{why}"
    where = f" by {record.host}" if record.host else ""
    if record.address and record.address != record.host:
        where += f" [{record.address}]"
    reply = f": {_reply(record)}" if record.code or record.reply else ""
    if record.bounce_class:
        reply += f" [{record.bounce_class}]"
    by = f" by {record.actor}" if record.actor else ""
    because = f": {record.reason}" if record.reason else ""
    if record.event in ("report_bounced", "complained", "unsubscribed", "resubscribed"):
        what = record.feedback_type or record.how
        because = f": {what}" if what else ""
        because += f", {record.scope}" if record.scope else ""
        because += f"; its sender: {record.sender_told}" if record.sender_told else ""
    if record.event == "rescheduled":
        where = f" to {record.due}"
    if record.event == "rerouted":
        where = f" to {record.via or 'the usual way'}"
    return f"{record.ts}  {record.event} <{record.recipient}>{where}{reply}{by}{because}"


def _suppression_text(record: MailRecord) -> str:
    until = f" until {record.until}" if record.until else ""
    because = f", {record.reason}" if record.reason else ""
    evidence = f": {record.reply}" if record.reply else ""
    about = f"<{record.recipient}> ({record.cause}, {record.scope}{until})"
    return f"{record.ts}  {record.event} {about} by {record.actor}{because}{evidence}"


def _about_no_message(record: MailRecord) -> str:
    """What came into force or ended, or was changed."""
    by = f" by {record.actor}" if record.actor else ""
    because = f": {record.reason}" if record.reason else ""
    if record.name:
        about = f"{record.name}: {record.action} for {record.scope} {record.subject} at {record.provider}"
        until = f", until {record.until}" if record.until else ""
        reply = f": {record.reply}" if record.reply else ""
        how = f", {record.how}" if record.how else ""
        return f"{about}{until}{reply}{how}{by}{because}"
    if record.act:
        about = f"{record.source} at {record.provider}: {record.act}, now at day {record.day}"
        return f"{about}{by}{because}"
    return f"{record.rule or ''}{by}{because}".strip()


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
    elif entry.not_before > now:
        last = f"  (starts {time_text(entry.not_before)})"
    return (
        f"{delivery_id_text(entry.id):<38} {entry.state:<9} {span_text(now - entry.accepted):>9}"
        f" {due:>9} {entry.attempts:>5}  <{entry.sender}> -> <{entry.recipient}>{last}"
    )
