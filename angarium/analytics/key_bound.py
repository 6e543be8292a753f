"""How many keys a tenant's counters have: a day's first ones, and the rest of them together."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from angarium.analytics.counters import MINUTES, PAIRS, REST
from angarium.analytics.rows import RowKey, Rows, add

# Ours, of a tenant, dimension and day: further keys of that day are counted together, in its minutes and hours too. So
# a tag for each mail costs no more than a thousand rows
MAX_KEYS: Final = 1000
# Of what is counted by two things
MAX_PAIRS: Final = 4000
_DAY: Final = MINUTES["day"]
_PAIRED: Final = frozenset(map(int, PAIRS))
# Ours: days, tenants and dimensions whose numbers of keys are remembered
_GROUPS: Final = 2000
_WHERE: Final = f"tenant = ? AND dimension = ? AND at = ? AND key <> '{REST}'"
_KEYS: Final = f"SELECT key FROM day WHERE {_WHERE}"  # noqa: S608

Group = tuple[str, int, int]


class KeyBound:
    """Invariant CGR1: a tenant has at most so many keys of a dimension in a day, and one of what is beyond. Which ones
    they are is the same for the day, its hours and its minutes: so each key's day is the sum of its hours.
    """

    def __init__(self) -> None:
        # So many keys at most: counted again only where that is not enough to know
        self._sizes: dict[Group, int] = {}

    def bounded(self, db: sqlite3.Connection, rows: Rows) -> Rows:
        """Return minutes, of which those beyond are under REST. Who came first is in the day's table."""
        groups: dict[Group, list[RowKey]] = {}
        for key in rows:
            groups.setdefault((key[0], key[1], key[2] // _DAY), []).append(key)
        kept = rows
        for group, keys in groups.items():
            most = MAX_PAIRS if group[1] in _PAIRED else MAX_KEYS
            size = self._sizes.get(group, most) + len(keys)
            if size > most:
                kept = dict(kept) if kept is rows else kept
                size = _bound(db, group, keys, kept, most)
            self._sizes[group] = size
        while len(self._sizes) > _GROUPS:  # the oldest goes
            del self._sizes[next(iter(self._sizes))]
        return kept


def _bound(
    db: sqlite3.Connection, group: Group, keys: Sequence[RowKey], kept: Rows, most: int
) -> int:
    """Move what is beyond; return how many keys there are then."""
    known = {each for (each,) in db.execute(_KEYS, group)}
    for key in keys:
        if key[3] not in known and len(known) >= most:  # CGR1
            add(kept, (*key[:3], REST), kept.pop(key))
        else:
            known.add(key[3])
    return len(known)
