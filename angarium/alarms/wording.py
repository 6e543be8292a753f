"""A notice in words, for people: a line, and a text. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from angarium.alarms.alarm import Alarm, figure_text, level_text, side_text
from angarium.alarms.notice import Notice, Words
from angarium.alarms.raised import Raised
from angarium.config.quantity import duration_text
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339

_STATES: Final = {"raised": "raised", "reminder": "still raised", "ended": "over", "test": "test"}


def headline(notice: Notice, words: Words) -> str:
    """Return one line: state, severity, what, where, on which server."""
    if notice.kind == "test":
        return f"[test] A notice of alarms from {words.hostname}"
    state = _STATES[notice.kind]
    where = "" if notice.subjects_text == "all" else f": {notice.subjects_text}"
    return f"[{notice.severity}, {state}] {words.alarm.about.title}{where} ({words.hostname})"


def text(notice: Notice, words: Words) -> str:
    """Return all of it, in lines: what, where, since when, figure and level, why, the runbook, commands."""
    if notice.kind == "test":
        return (
            f"Somebody had {words.hostname} send this, to see whether notices of alarms arrive here as"
            f" {notice.target}. They do. Nothing is wrong.\n"
        )
    return "\n".join(_lines(notice, words)) + "\n"


def figure_line(raised: Raised, alarm: Alarm) -> str:
    """Return "tenant acme: 7.3 % of 1,203, above 5 % since 2026-11-30 10:05:00 UTC"."""
    figure = figure_text(raised.unit, raised.figure)
    if raised.volume is not None:
        figure += f" of {raised.volume:,}"
    if raised.ended_at is not None:
        how_long = duration_text((raised.ended_at - raised.since) // 1000)
        worst = figure_text(raised.unit, raised.worst)
        text = f"{raised.subject.text}: over after {how_long}, at {figure}; worst {worst}"
        return f"{text}; {raised.why_ended}" if raised.why_ended else text
    level = f"{side_text(alarm)} {figure_text(raised.unit, raised.level)}"
    if raised.unit == "count" and raised.level == 0:
        return f"{raised.subject.text}: since {moment_text(raised.since)}"
    return f"{raised.subject.text}: {figure}, {level} since {moment_text(raised.since)}"


def moment_text(at: UnixMs) -> str:
    return f"{rfc3339(at)[:19].replace('T', ' ')} UTC"


def commands(alarm: Alarm, raised: Sequence[Raised]) -> list[str]:
    """Return what shows more of these subjects, each command once."""
    found: dict[str, None] = {}
    for command in alarm.about.look:
        if "{name}" not in command:
            found[command] = None
            continue
        for each in raised[:3]:
            # Of a campaign it is its tenant that is asked for
            name = each.subject.name.partition("/")[0]
            found[command.replace("{name}", name)] = None
    return [*found, f"postmaster alerts show {raised[0].id}"] if raised else list(found)


def _lines(notice: Notice, words: Words) -> Iterator[str]:
    alarm = words.alarm
    yield headline(notice, words)
    yield ""
    yield from _list("Raised", notice.raised, alarm)
    yield from _list("Over", notice.ended, alarm)
    yield from _list("Parts of it that are above the level themselves", notice.parts, alarm)
    if notice.left_off:
        yield f"... and {notice.left_off} more: postmaster alerts"
        yield ""
    yield f"What is measured: {alarm.about.figure}. Raised {level_text(alarm)}."
    yield f"What it means: {alarm.about.why}"
    yield f"Runbook: {words.runbook}"
    yield "To look further:"
    for each in commands(alarm, notice.raised or notice.ended):
        yield f"  {each}"


def _list(title: str, shown: Sequence[Raised], alarm: Alarm) -> Iterator[str]:
    if not shown:
        return
    yield f"{title}:"
    for each in shown:
        yield f"  {figure_line(each, alarm)}"
        if each.detail:
            yield f"    {each.detail}"
    yield ""
