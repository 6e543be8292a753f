"""``postmaster rules replay``: what a file of rules would have done with the replies of the past."""

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from angarium.cli.config_option import config_option
from angarium.cli.exit import EX_NOINPUT, EX_OK, CommandError
from angarium.cli.moment import Moment
from angarium.cli.queue.access import open_queue
from angarium.config.loader import load
from angarium.config.rules import all_rules
from angarium.config.schema import Provider
from angarium.insight.admin.log_reads import LogQuery
from angarium.queue import UnixMs
from angarium.queue.wall_clock import wall_clock
from angarium.reputation.reply_rules import Heard
from angarium.reputation.rule_engine import Ceilings, scope_text
from angarium.reputation.rule_replay import Came, PastReply, Replay, Replayed
from angarium.service.platform.mail_record import MailRecord
from angarium.telemetry.timestamp import rfc3339

OUTCOMES: Final = frozenset({"delivered", "relayed", "deferred", "bounced", "expired"})
SHOWN: Final = 20  # kinds of replies that no rule fits
# Ours: as the mail log's own reader
MAX_LINE_OCTETS: Final = 1 << 20


@click.command(
    help="Run a FILE of rules over the replies of the last day and say what would have happened: what came into"
    " force, which refusals would have been tried again, which replies no rule fits. Without FILE: the rules in use."
)
@config_option
@click.argument("file", required=False, type=click.Path(path_type=Path, readable=False))
@click.option(
    "--since", type=Moment(wall_clock), default="1d", help="2h (ago), 2026-07-01; default: 1d."
)
@click.option(
    "--log",
    "mail_log",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Replies of this mail log, whole; .gz too. Default: the server's, and its events.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def replay(
    config_file: Path, file: Path | None, since: int, mail_log: Path | None, as_json: bool
) -> int:
    config = load(config_file, rules_file=file)
    usual = Provider(name="default")
    ceilings = Ceilings(
        connections=usual.connections, messages_per_connection=usual.messages_per_connection
    )
    asked = Replay(all_rules(config), ceilings)
    reader = _Reader(asked)
    if mail_log is not None:
        opened = gzip.open if mail_log.suffix == ".gz" else open
        with opened(mail_log, "rb") as lines:
            reader.read(iter(lambda: lines.readline(MAX_LINE_OCTETS), b""))
    else:
        with open_queue(config_file) as reached:
            reached.search_log(LogQuery(since=UnixMs(since)), None, reader.read)
    result = asked.result()
    if reader.read_lines == 0:
        raise CommandError("there is nothing in the log of that time", EX_NOINPUT)
    if as_json:
        click.echo(json.dumps(_document(result), ensure_ascii=False))
    else:
        _print(result)
    return EX_OK


class _Reader:
    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._decode = msgspec.json.Decoder(MailRecord).decode
        self.read_lines = 0

    def read(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            try:
                record = self._decode(line)
                at = UnixMs(round(datetime.fromisoformat(record.ts).timestamp() * 1000))
            except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
                continue  # a line of something else, or cut off
            self.read_lines += 1
            if record.event in OUTCOMES and record.stage != "internal":
                self._replay.hear(PastReply(at=at, heard=_heard(record), outcome=record.event))


def _heard(record: MailRecord) -> Heard:
    return Heard(
        code=record.code,
        enhanced=record.enhanced,
        text=record.reply,
        source=record.source,
        provider=record.provider,
        tenant=record.tenant,
        sender_domain=record.sender.rpartition("@")[2].lower(),
        stream=record.stream,
    )


def _print(result: Replayed) -> None:
    span = f" from {rfc3339(result.first)} to {rfc3339(result.last)}" if result.first else ""
    click.echo(f"{result.replies} replies of 4yz and 5yz{span}.")
    for each in result.rules:
        kept = f", {each.bounces_kept} refusals tried again" if each.bounces_kept else ""
        click.echo(f"{each.rule}: fits {each.fitted}, comes into force {each.came} times{kept}")
    for came in result.came:
        end = "still in force" if came.ended is None else f"until {rfc3339(came.ended)}"
        effect = came.effect
        click.echo(
            f"  {rfc3339(effect.since)} {effect.rule}: {effect.action} {scope_text(effect.reach)}, {end}"
        )
    if result.unmatched:
        click.echo("No rule fits:")
    for kind, number in result.unmatched[:SHOWN]:
        click.echo(f"  {number:>8}  {kind}")


def _document(result: Replayed) -> dict[str, Any]:
    return {
        "replies": result.replies,
        "first": rfc3339(result.first) if result.first else None,
        "last": rfc3339(result.last) if result.last else None,
        "rules": [
            {
                "rule": each.rule,
                "fitted": each.fitted,
                "came_into_force": each.came,
                "refusals_tried_again": each.bounces_kept,
            }
            for each in result.rules
        ],
        "came_into_force": _came(result.came),
        "no_rule": [{"reply": kind, "count": number} for kind, number in result.unmatched],
    }


def _came(came: Sequence[Came]) -> list[dict[str, Any]]:
    return [
        {
            "rule": each.effect.rule,
            "action": each.effect.action,
            "scope": scope_text(each.effect.reach),
            "since": rfc3339(each.effect.since),
            "ended": None if each.ended is None else rfc3339(each.ended),
            "reply": each.effect.reply,
            "replies": each.effect.replies,
        }
        for each in came
    ]
