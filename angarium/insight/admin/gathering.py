"""Asks all processes of the running server what goes where, and makes one answer of theirs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from angarium.insight.admin.client import ask_process
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_acts import ListHoldRules
from angarium.insight.admin.traffic import AskCensus, AskTraffic, QueueCensus, SomeTraffic
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.traffic import PathTraffic
from angarium.queue.hold_rule import HoldRule

# Ours: what a process that hangs would have said is left out rather than waited for
ANSWER_S: Final = 10.0


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    paths: tuple[PathTraffic, ...]
    in_force: tuple[Narrowing, ...]
    census: QueueCensus | None  # None: the platform process has not said
    holds: tuple[HoldRule, ...] = ()  # operators' standing ones
    unheard: tuple[Refused, ...] = ()  # why, of each process that has not said


def gather_traffic(data_dir: Path, slots: Sequence[str]) -> Gathered:
    """Ask those of ``slots`` that know something of it. Blocks."""
    paths: list[PathTraffic] = []
    in_force: list[Narrowing] = []
    census: QueueCensus | None = None
    holds: tuple[HoldRule, ...] = ()
    unheard: list[Refused] = []

    def take(some: SomeTraffic) -> None:
        paths.extend(some.paths)

    for slot in slots:
        match slot.rpartition("-")[0]:
            case "delivery":
                end = ask_process(data_dir, slot, AskTraffic(), take, ANSWER_S)
                if isinstance(end, Refused):
                    unheard.append(end)
                else:
                    in_force += end.in_force
            case "platform":
                counted = ask_process(data_dir, slot, AskCensus(), timeout_s=ANSWER_S)
                if isinstance(counted, Refused):
                    unheard.append(counted)
                    continue
                census = counted
                found = ask_process(data_dir, slot, ListHoldRules(), timeout_s=ANSWER_S)
                if isinstance(found, Refused):
                    unheard.append(found)
                else:
                    holds = found.rules
    return Gathered(
        paths=tuple(paths),
        in_force=tuple(dict.fromkeys(in_force)),
        census=census,
        holds=holds,
        unheard=tuple(unheard),
    )
