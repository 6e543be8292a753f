"""Counts what came back into the file: a batch, and how far it is then, in one transaction. Blocks: in a thread."""

from collections.abc import Mapping

from angarium.receiver_reports.came_back import CameBack
from angarium.receiver_reports.report_file import ReportFile


class CameBackWriter:
    """Invariant RCW1: what events count as, and how far they are counted, is one transaction: each counts once."""

    def __init__(self, file: ReportFile) -> None:
        self._file = file

    def begin(self, queue: bytes, newest: int) -> int:
        """Go on with the queue of this identity, whose last event is ``newest``; return the position.

        Raises ReportsAwayError.
        """
        with self._file.writing() as db:
            found = db.execute("SELECT queue, position FROM followed").fetchone()
            is_same = found is not None and found[0] == queue
            position = min(int(found[1]), newest) if is_same else 0
            db.execute("INSERT OR REPLACE INTO followed VALUES (1, ?, ?)", (queue, position))
        return position

    def write(self, rows: Mapping[CameBack, int], position: int) -> None:
        """On disk when it returns. Raises ReportsAwayError; then nothing was written."""
        with self._file.writing() as db:
            db.executemany(
                "INSERT INTO came_back VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " count = count + excluded.count",
                [
                    (
                        *(each.tenant, each.day, each.kind, each.bounce_class),
                        *(each.provider, each.source, each.domain, count),
                    )
                    for each, count in rows.items()
                ],
            )
            db.execute("UPDATE followed SET position = ?", (position,))  # RCW1
