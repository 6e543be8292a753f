"""``postmaster log``: what happened to mail, from the mail log and the event log behind it."""

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_OK, EX_USAGE, CommandError
from angarium.cli.moment import Moment
from angarium.cli.queue.access import QueueAccess, open_queue
from angarium.cli.queue.ids import ambiguous
from angarium.cli.queue.table import event_text
from angarium.insight.admin.log_reads import LogQuery
from angarium.queue import UnixMs
from angarium.queue.message_id import (
    ID_DIGITS,
    message_id_text,
    parse_id_beginning,
    parse_message_id,
)
from angarium.queue.wall_clock import wall_clock
from angarium.routing.host_name import canonical_address
from angarium.service.platform.mail_record import MailRecord

FOLLOW_S: Final = 0.5  # between looks for what has happened since
# Ours, of recipients whose last event is remembered for the count at the end
COUNTED: Final = 100_000
RECIPIENTS_SHOWN: Final = 5  # of an accepted message


@click.command(
    help="Say what happened to mail: each event on a line, in order, from the mail log, its rotated files, and the"
    " queue's events.\n\nOf one option given several times any value may match; of different ones all must."
)
@config_option
@click.option(
    "--recipient", "recipients", multiple=True, metavar="WHO", help="An address, name@ or @domain."
)
@click.option(
    "--sender", "senders", multiple=True, metavar="WHO", help="The same; <> is the null sender."
)
@click.option(
    "--message-id", "message_ids", multiple=True, metavar="ID", help="Of the Message-ID field."
)
@click.option("--id", "ids", multiple=True, help="The queue's: <uuid> or <uuid>.<n>; may be cut.")
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME",
    help="Attempts at this mailbox provider, and what was in force there.",
)
@click.option(
    "--event", "events", multiple=True, metavar="NAME", help="As in the log: deferred, bounced, ..."
)
@click.option("--since", type=Moment(wall_clock), help="2h (ago), 2026-07-01 or 2026-07-01T10:30Z.")
@click.option("--follow", is_flag=True, help="Go on with what happens from now on.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: the lines of the mail log.")
def log(
    config_file: Path,
    recipients: tuple[str, ...],
    senders: tuple[str, ...],
    message_ids: tuple[str, ...],
    ids: tuple[str, ...],
    providers: tuple[str, ...],
    events: tuple[str, ...],
    since: int | None,
    follow: bool,
    as_json: bool,
) -> int:
    with open_queue(config_file) as reached:
        query = LogQuery(
            recipients=tuple(_who("recipient", each) for each in recipients),
            senders=tuple("" if each == "<>" else _who("sender", each) for each in senders),
            message_ids=tuple(_told("message-id", each) for each in message_ids),
            ids=tuple(_whole(reached, each) for each in ids),
            since=None if since is None else UnixMs(since),
            providers=tuple(_told("provider", each) for each in providers),
            events=tuple(_told("event", each).lower() for each in events),
        )
        cut = [each.partition(".")[0].replace("-", "") for each in query.ids]
        shown = _Shown([each for each in cut if len(each) < ID_DIGITS], as_json=as_json)
        searched = reached.search_log(query, None, shown.show)
        if searched.unread:
            click.echo(f"postmaster: {searched.unread} lines or files cannot be read", err=True)
        try:
            while follow:
                time.sleep(FOLLOW_S)
                searched = reached.search_log(query, searched.last, shown.show)
        except KeyboardInterrupt:
            return EX_OK
    if not shown.count:
        click.echo("postmaster: nothing of that is in the log", err=True)
        return EX_NOINPUT
    if not as_json:
        click.echo(shown.outcome())
    return EX_OK


class _Shown:
    """Prints lines, and keeps count of what became of the recipients."""

    def __init__(self, cut: Sequence[str], *, as_json: bool) -> None:
        """``cut``: ids that were cut, of messages that the queue does not know any more."""
        self._cut = dict.fromkeys(cut, "")  # and the message that each has meant so far
        self._as_json = as_json
        self._decode = msgspec.json.Decoder(MailRecord).decode
        self._last: dict[str, str] = {}  # recipient's id -> its last event
        self.count = 0

    def show(self, lines: Sequence[bytes]) -> None:
        """Raises CommandError for a second message of an id that was cut."""
        for line in lines:
            record = self._decode(line)
            self._check(record)
            self.count += 1
            if record.id in self._last or len(self._last) < COUNTED:
                self._last[record.id] = record.event
            click.echo(line.decode().rstrip() if self._as_json else log_text(record))

    def outcome(self) -> str:
        counts = Counter(event for id_, event in self._last.items() if id_)
        told = ", ".join(f"{number} {event}" for event, number in sorted(counts.items()))
        return f"the last of each recipient: {told or 'nothing since it was accepted'}"

    def _check(self, record: MailRecord) -> None:
        for beginning, meant in self._cut.items():
            if record.message.replace("-", "").startswith(beginning):
                if meant not in ("", record.message):
                    found = tuple(parse_message_id(each) for each in (meant, record.message))
                    raise CommandError(ambiguous(beginning, found), EX_USAGE)
                self._cut[beginning] = record.message


def log_text(record: MailRecord) -> str:
    """One event on one line, with the id that other commands take."""
    if record.event == "accepted":
        named = ", ".join(f"<{each}>" for each in record.recipients[:RECIPIENTS_SHOWN])
        more = len(record.recipients) - RECIPIENTS_SHOWN
        to = named + (f" and {more} more" if more > 0 else "")
        return f"{event_text(record)}, to {to}  ({record.message})"
    of = record.id or record.message or _subject(record)
    return event_text(record) + (f"  ({of})" if of else "")


def _whole(reached: QueueAccess, text: str) -> str:
    """Return the id, whole if the queue or its events know the message. Raises CommandError."""
    beginning, dot, index = _told("id", text).partition(".")
    try:
        parse_id_beginning(beginning)
        found = reached.find_messages(beginning)
    except ValueError as error:
        raise CommandError(str(error), EX_USAGE) from None
    if len(found) > 1:
        raise CommandError(ambiguous(text, found), EX_USAGE)
    return (message_id_text(found[0]) if found else beginning.lower()) + dot + index


def _who(option: str, text: str) -> str:
    if "@" not in _told(option, text) or text == "@":
        raise click.UsageError(f"--{option} {text!r}: write an address, name@ or @domain")
    return text if text.endswith("@") else canonical_address(text)


def _told(option: str, text: str) -> str:
    if not text:
        raise click.UsageError(f"--{option} is empty; leave it out, or say which")
    return text


def _subject(record: MailRecord) -> str:
    """What an event is about that is about no message; "": its line says so."""
    if record.cause:
        return record.scope
    return f"rule {record.rule}" if record.rule else ""
