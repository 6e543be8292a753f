"""``postmaster queue reschedule``: another start for a message that has not begun to leave."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import assert_never

import click

from angarium.cli.audited import note_act
from angarium.cli.config_option import config_option
from angarium.cli.duration import Duration
from angarium.cli.exit import EX_DATAERR, EX_NOINPUT, EX_OK, EX_TEMPFAIL, CommandError
from angarium.cli.queue.access import open_queue
from angarium.cli.queue.acts import reason_option
from angarium.cli.queue.ids import whole_message_id
from angarium.insight.units import count_text, time_text
from angarium.queue import UnixMs, message_id_text
from angarium.queue.reschedule import AfterExpiry, AlreadyLeaving, NotInQueue, StartMoved
from angarium.queue.wall_clock import wall_clock
from angarium.telemetry.timestamp import rfc3339


class Start(click.ParamType[int]):
    """``now``, ``2h`` from now, ``2026-07-01T10:30``; UTC unless a zone is written. Converts to Unix milliseconds."""

    name = "start"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value).strip()
        if text == "now":
            return wall_clock()
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            try:
                return wall_clock() + Duration().convert(text, param, ctx)
            except click.BadParameter:
                hint = "write now, 90s, 2h, 3d (from now), 2026-07-01 or 2026-07-01T10:30Z"
                self.fail(f"{value!r} is no start; {hint}", param, ctx)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


@click.command(
    "reschedule",
    help="Give a message another start. All of its recipients get it, or none: an attempt of any of them is too late."
    " Its time runs from its start, unless its sender said when it ends.",
)
@config_option
@click.argument("id_", metavar="ID")
@click.option(
    "--at",
    "due",
    type=Start(),
    required=True,
    metavar="TIME",
    help="now, 90s, 2h, 3d (from now), 2026-07-01 or 2026-07-01T10:30Z.",
)
@reason_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def reschedule(config_file: Path, id_: str, due: int, reason: str, as_json: bool) -> int:
    with open_queue(config_file) as reached:
        message_id = whole_message_id(reached, id_)
        outcome = reached.reschedule(message_id, UnixMs(due), reason)
    name = message_id_text(message_id)
    match outcome:
        case StartMoved(due=start, expires=expires, recipients=recipients):
            note_act(config_file, "queue.rescheduled", name, due=rfc3339(start), reason=reason)
            if as_json:
                row = {"id": name, "due_at": rfc3339(start), "expires_at": rfc3339(expires)}
                click.echo(json.dumps({**row, "recipients": recipients}))
            else:
                whom = count_text(recipients, "recipient")
                click.echo(f"{whom} of {name} due {time_text(start)}, until {time_text(expires)}.")
            return EX_OK
        case AlreadyLeaving():
            text = f"{name} is leaving: an attempt was made or is under way; nothing was changed"
            raise CommandError(text, EX_TEMPFAIL)
        case NotInQueue():
            raise CommandError(f"{name} is not in the queue", EX_NOINPUT)
        case AfterExpiry(expires=expires):
            text = (
                f"{name}: its sender wanted it gone by {time_text(expires)}; give an earlier start"
            )
            raise CommandError(text, EX_DATAERR)
        case _:
            assert_never(outcome)
