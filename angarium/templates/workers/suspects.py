"""Bundles that workers died of: how much is risked for them. Pure; the clock is an argument.

A suspect's fillings go alone, and are kept out of the way of others', until enough of them were rendered. Where one
after the other ends a worker, the rest are answered without a try, for a while.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from angarium.templates.rendering import Problem

SUSPECT_S: Final = 60.0  # ours: since the last worker that died of it
# Ours: so many fillings in a row, with none between that was rendered
ENOUGH: Final = 3
# Ours: so many that were rendered clear it
SOUND: Final = 50
MAX_SUSPECTS: Final = 1000

Whose = tuple[str, str]  # tenant and digest: what others send is no matter of theirs


class _Record(msgspec.Struct, kw_only=True):
    until: float
    in_a_row: int = 0  # fillings at fault, none rendered between
    sound: int = 0  # fillings rendered since the last one at fault
    problem: Problem | None = None  # of the last one


class Suspects:
    """Invariant WK2: a bundle none of whose fillings can be rendered costs ENOUGH of them a period, and no more."""

    def __init__(self) -> None:
        # The one that was struck last at the end
        self._records: OrderedDict[Whose, _Record] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def doubt(self, whose: Whose, now: float) -> None:
        """A worker ended that had some of its fillings, or one, in hand."""
        record = self._find(whose, now) or _Record(until=0)
        record.until, record.sound = now + SUSPECT_S, 0
        self._keep(whose, record)

    def strike(self, whose: Whose, problem: Problem, now: float) -> bool:
        """A filling of it is at fault; True: the next ones are not tried, from now on."""
        record = self._find(whose, now) or _Record(until=0)
        record.until, record.sound, record.problem = now + SUSPECT_S, 0, problem
        record.in_a_row += 1
        self._keep(whose, record)
        return record.in_a_row == ENOUGH

    def succeed(self, whose: Whose) -> None:
        """One of its fillings was rendered."""
        record = self._records.get(whose)
        if record is None:
            return
        record.in_a_row = 0
        record.sound += 1
        if record.sound >= SOUND:
            del self._records[whose]

    def _keep(self, whose: Whose, record: _Record) -> None:
        self._records[whose] = record
        self._records.move_to_end(whose)
        while len(self._records) > MAX_SUSPECTS:
            self._records.popitem(last=False)

    def is_suspect(self, whose: Whose, now: float) -> bool:
        return self._find(whose, now) is not None

    def find_verdict(self, whose: Whose, now: float) -> Problem | None:
        """Return what is said of its fillings without a try; None: they are tried."""
        record = self._find(whose, now)
        if record is None or record.problem is None or record.in_a_row < ENOUGH:
            return None
        text = f"{record.problem.message}; so did others before it: it is tried again in a minute"
        return msgspec.structs.replace(record.problem, message=text)  # WK2

    def _find(self, whose: Whose, now: float) -> _Record | None:
        record = self._records.get(whose)
        if record is not None and record.until <= now:
            del self._records[whose]
            return None
        return record
