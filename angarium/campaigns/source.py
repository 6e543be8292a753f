"""Where a campaign's rows come from: its file, from the position in the ledger on. Blocks on disk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from angarium.queue.ledger.store import Ledger
from angarium.queue.ledger.values import FAILED, LedgerCampaign
from angarium.queue.message_id import message_id_text
from angarium.tables.model import BadRow, Layout, Position, Row
from angarium.tables.table import Rows, Table

_SUFFIX = ".csv"


class SourceError(Exception):
    """The file cannot be read (any more): says why."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    row: Row | BadRow
    position: bytes  # behind it


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[Taken, ...]
    is_last: bool  # nothing is behind these


class Source(Protocol):
    def read(self, after: bytes, limit: int) -> Lot:
        """Return up to ``limit`` rows behind a position (b"": from the first on). Raises SourceError."""
        ...

    def close(self) -> None: ...


class FileSource:
    """Of one campaign. Where it is asked for what comes next it goes on; else it begins there anew.

    Invariant CPG1: the rows behind a position are the same at each reading, after whatever crash.
    """

    def __init__(
        self, path: Path, layout: Layout, wanted: Callable[[], Iterator[int]] | None = None
    ) -> None:
        """``wanted``: the lines whose rows are taken, in order; None: all of them."""
        self._table = Table(path, layout)
        self._wanted_from = wanted
        self._wanted: Iterator[int] | None = None
        self._next_wanted: int | None = None
        self._rows: Rows | None = None
        self._at = b""

    def read(self, after: bytes, limit: int) -> Lot:
        try:
            if self._rows is None or after != self._at:
                self._begin(after)
            taken: list[Taken] = []
            assert self._rows is not None
            for row in self._rows:
                if not self._is_wanted(row.line):
                    continue
                position = msgspec.json.encode(self._rows.position)
                taken.append(Taken(row=row, position=position))
                if len(taken) == limit:
                    break
            self._at = taken[-1].position if taken else after
            is_last = len(taken) < limit or self._has_no_more()
        except (OSError, msgspec.DecodeError, ValueError) as error:
            self.close()
            raise SourceError(f"its file cannot be read: {error}") from error
        return Lot(rows=tuple(taken), is_last=is_last)

    def close(self) -> None:
        if self._rows is not None:
            self._rows.close()
            self._rows = None

    def _begin(self, after: bytes) -> None:
        self.close()
        position = msgspec.json.decode(after, type=Position) if after else None
        self._rows = self._table.rows(position)  # CPG1
        self._at = after
        if self._wanted_from is not None:
            self._wanted = self._wanted_from()
            self._next_wanted = next(self._wanted, None)

    def _is_wanted(self, line: int) -> bool:
        if self._wanted is None:
            return True
        while self._next_wanted is not None and self._next_wanted < line:
            self._next_wanted = next(self._wanted, None)
        return self._next_wanted == line

    def _has_no_more(self) -> bool:
        if self._wanted is None or self._next_wanted is None:
            return self._wanted is not None
        self._next_wanted = next(self._wanted, None)
        return self._next_wanted is None


def failed_lines(ledger: Ledger, campaign: LedgerCampaign) -> Iterator[int]:
    """Yield the lines of what failed for good when it is asked; in parts: others read between them."""
    after: int | None = 0
    while after is not None:
        page = ledger.rows(campaign.number, after, 500, FAILED)
        yield from (each.row.line for each in page.rows)
        after = page.next


def campaign_file(directory: Path, campaign: bytes) -> Path:
    """Return where a campaign's file is: the upload under a second name, which stays for as long as the campaign."""
    return directory / f"{message_id_text(campaign)}{_SUFFIX}"


def campaigns_directory(data_dir: Path) -> Path:
    return data_dir / "campaigns"
