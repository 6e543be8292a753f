"""Asks the running server about its alarms; where none runs, what it kept is read from the queue."""

from pathlib import Path
from typing import TypeVar

from angarium.alarms.keepsakes import PREFIX, read_kept
from angarium.cli.asking import answered
from angarium.cli.config_option import load_for_queue
from angarium.cli.exit import EX_NOINPUT, EX_UNAVAILABLE, CommandError
from angarium.cli.queue.file import queue_errors, queue_path
from angarium.config.schema import Config
from angarium.host.owner import acting_as_owner
from angarium.insight.admin.alarms import AlarmsNow, AskAlarms, TargetNow
from angarium.insight.admin.client import ANSWER_S, ask_process, find_slots
from angarium.insight.admin.protocol import Question
from angarium.queue import QueueOperator
from angarium.queue.wall_clock import wall_clock
from angarium.service.data_dir import DataDir

A = TypeVar("A")


def ask(config: Config, question: Question[A, None], timeout_s: float = ANSWER_S) -> A:
    """Ask the platform process. Raises CommandError: also where no server runs."""
    data_dir = Path(config.server.data_dir)
    slot = _find_platform(data_dir)
    if slot is None:
        raise CommandError(f"no server uses {data_dir}; is it the right --config?", EX_UNAVAILABLE)
    return answered(ask_process(data_dir, slot, question, timeout_s=timeout_s))


def find_alarms(config_file: Path, asked: AskAlarms) -> tuple[AlarmsNow, bool]:
    """Return what is known, and whether the server runs: else it is as it was when it ended."""
    config = load_for_queue(config_file)
    if _find_platform(Path(config.server.data_dir)) is not None:
        return ask(config, asked), True
    return _kept(config, asked), False


def _find_platform(data_dir: Path) -> str | None:
    with queue_errors():
        try:
            is_served = DataDir(data_dir).find_server() is not None
            slots = find_slots(data_dir, "platform")
        except FileNotFoundError:
            return None
    return slots[0] if is_served and slots else None


def _kept(config: Config, asked: AskAlarms) -> AlarmsNow:
    with queue_errors(), acting_as_owner(Path(config.server.data_dir)):
        operator = QueueOperator.open(queue_path(config), config.queue, wall_clock)
        try:
            kept = read_kept(operator.read_keepsakes(PREFIX))
        finally:
            operator.close()
    now = wall_clock()
    raised = [each for each in kept.now if each.ended_at is None]
    over = list(reversed(kept.over))
    if asked.id:
        raised = [each for each in raised if each.id == asked.id]
        over = [each for each in over if each.id == asked.id]
        if not raised and not over:
            raise CommandError(f"no alarm {asked.id}; postmaster alerts history", EX_NOINPUT)
    waiting = [each.notice.target for each in kept.pending]
    return AlarmsNow(
        at=now,
        enabled=config.alarms.enabled,
        raised=tuple(sorted(raised, key=lambda each: (each.severity, each.alarm, each.subject))),
        silenced=tuple(
            each.id for each in raised if any(s.covers(each, now) for s in kept.silences)
        ),
        over=tuple(over[: asked.over] if not asked.id else over),
        silences=tuple(each for each in kept.silences if now < each.until),
        targets=tuple(
            TargetNow(name=each.name, kind=each.kind, waiting=waiting.count(each.name))
            for each in config.alarms.notify
        ),
    )
