"""Checks whether somebody hears of alarms, and which are raised in the running server."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from angarium.alarms.catalogue import find_about
from angarium.alarms.wording import reason_text
from angarium.config.alarms import Notify
from angarium.config.schema import Config
from angarium.insight.admin.alarms import AskAlarms
from angarium.insight.admin.client import ask_process, find_slots
from angarium.insight.admin.protocol import Refused
from angarium.insight.checks.finding import Finding

# Ours: more of them are counted
NAMED = 10


def check_alarms(config: Config) -> Iterator[Finding]:
    """Asks the server, if one runs that we may ask."""
    settings = config.alarms
    if not settings.enabled:
        yield Finding("alarms", "warn", "nothing is looked for: set [alarms] enabled to true")
        return
    ill = [*_raised(config), *_closed(settings.notify)]
    if ill:
        yield from ill
        return
    kinds = {each.kind for each in settings.notify}
    if not kinds:
        text = "nobody is told of any: [[alarms.notify]] says whom (docs/alarms.md)"
    elif kinds == {"mail"}:
        text = "told by mail only: when this server's own queue stands still, nobody hears of it"
    else:
        text = f"told to {', '.join(each.name for each in settings.notify)}"
    yield Finding("alarms", "ok", f"none is raised; {text}")


def _closed(targets: Sequence[Notify]) -> Iterator[Finding]:
    """Files of targets that cannot be read by whoever asks: the server could not either, unless it is somebody else."""
    for each in targets:
        for path in filter(None, (each.url_file, each.secret_file)):
            if not os.access(path, os.R_OK):
                text = (
                    f"{each.name}: {path} cannot be read; make it, mode 0600, of the server's user"
                )
                yield Finding("alarms", "warn", text)


def _raised(config: Config) -> Iterator[Finding]:
    data_dir = Path(config.server.data_dir)
    try:
        slots = find_slots(data_dir, "platform")
    except OSError:
        slots = []
    answer = ask_process(data_dir, slots[0], AskAlarms()) if slots else None
    if answer is None or isinstance(answer, Refused):
        return
    for each in answer.raised[:NAMED]:
        silenced = " (silenced)" if each.id in answer.silenced else ""
        reason = reason_text(each, find_about(each.alarm))
        text = f"{each.alarm}, {each.subject.text}{silenced}: {reason}; postmaster alerts show {each.id}"
        yield Finding("alarm", "fail" if each.severity == "critical" else "warn", text)
    if len(answer.raised) > NAMED:
        more = f"{len(answer.raised) - NAMED} more are raised: postmaster alerts"
        yield Finding("alarm", "warn", more)
