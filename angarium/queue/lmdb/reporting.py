"""Taking reports in, settling and forgetting them: operations."""

from collections.abc import Iterator, Sequence

from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.lmdb.accepting import prepare_submission, write_submission
from angarium.queue.lmdb.report_table import (
    content_octets,
    decode_total,
    encode_report,
    encode_total,
    report_key,
    shelf_key,
    total_key,
)
from angarium.queue.lmdb.suppression.changing import ApplySuppressions
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.message_id import message_id_ms, message_id_text
from angarium.queue.model import MessageId, Submission, UnixMs
from angarium.queue.reports import (
    NotWaitingError,
    ReportBounds,
    ReportCount,
    ReportedMail,
    SettledReport,
    Shelf,
)
from angarium.queue.spool import DuplicateMessageError, QueueFullError
from angarium.queue.suppression_changes import SuppressionChange

_RECORD_OCTETS = 300  # about, without the content
_SETTLED_OCTETS = 1000


class AcceptReports:
    """Operation: they wait from now on. Raises QueueFullError where too many wait."""

    def __init__(self, batch: Sequence[ReportedMail], bounds: ReportBounds) -> None:
        self._batch = [
            (report_key(Shelf.WAITING, each.id), encode_report(each), len(each.content))
            for each in batch
        ]
        self._bounds = bounds
        self._content = sum(octets for _, _, octets in self._batch)
        self.octets = self._content + len(batch) * _RECORD_OCTETS

    def apply(self, tx: WriteTransaction) -> None:
        total = _total(tx, Shelf.WAITING)
        reports, octets = total.reports + len(self._batch), total.octets + self._content
        if reports > self._bounds.reports or octets > self._bounds.octets:  # RPT3
            raise QueueFullError("as many reports wait to be read as may")
        for key, raw, _ in self._batch:
            tx.put(tx.env.report, key, raw)
        _count(tx, Shelf.WAITING, len(self._batch), self._content)


class SettleReports:
    """Operation: they wait no more, and all that they led to is done with that (RPT2)."""

    def __init__(
        self,
        settled: Sequence[SettledReport],
        changes: Sequence[SuppressionChange],
        events: Sequence[CataloguedKind],
        bounds: ReportBounds,
        submissions: Sequence[Submission],
        partitions: int,
    ) -> None:
        """Raises ValueError for a change that is none, and a submission that nobody may hand over.

        DuplicateMessageError for two of one id.
        """
        self._settled = settled
        self._effects = ApplySuppressions(changes, events)
        self._bounds = bounds
        self._submissions = [prepare_submission(each, partitions) for each in submissions]
        if len({each.message_id for each in submissions}) < len(submissions):
            raise DuplicateMessageError("two submissions have one message id")
        self.octets = self._effects.octets + len(settled) * _SETTLED_OCTETS
        self.octets += sum(each.octets for each in self._submissions)

    def apply(self, tx: WriteTransaction) -> None:
        found: list[tuple[SettledReport, bytes]] = []
        for each in self._settled:
            raw = tx.get(tx.env.report, report_key(Shelf.WAITING, each.id))
            if raw is None:
                raise NotWaitingError(f"report {message_id_text(each.id)} is not waiting")
            found.append((each, raw))
        octets = 0
        for each, raw in found:
            tx.delete(tx.env.report, report_key(Shelf.WAITING, each.id))
            octets += content_octets(raw)
            if each.keep is not None:
                _keep(tx, each.keep, each.id, raw, self._bounds)
        _count(tx, Shelf.WAITING, -len(found), -octets)
        self._effects.apply(tx)
        for submission in self._submissions:
            write_submission(tx, submission)  # RPT2


class ForgetReports:
    """Operation: take these off their shelf; returns how many there were."""

    def __init__(self, shelf: Shelf, reports: Sequence[MessageId]) -> None:
        self._keys = [report_key(shelf, each) for each in reports]
        self.octets = len(reports) * _SETTLED_OCTETS

    def apply(self, tx: WriteTransaction) -> int:
        count = 0
        for key in self._keys:
            raw = tx.get(tx.env.report, key)
            if raw is not None:
                _take(tx, key, content_octets(raw))
                count += 1
        return count


class MoveReports:
    """Operation: put these on another shelf; returns how many there were."""

    def __init__(
        self, shelf: Shelf, to: Shelf, reports: Sequence[MessageId], bounds: ReportBounds
    ) -> None:
        self._shelf = shelf
        self._to = to
        self._reports = reports
        self._bounds = bounds
        self.octets = len(reports) * _SETTLED_OCTETS

    def apply(self, tx: WriteTransaction) -> int:
        count = 0
        for each in self._reports:
            key = report_key(self._shelf, each)
            raw = tx.get(tx.env.report, key)
            if raw is not None:
                _take(tx, key, content_octets(raw))
                _keep(tx, self._to, each, raw, self._bounds)
                count += 1
        return count


class ForgetOldReports:
    """Operation: take up to ``limit`` off a shelf that came before; returns how many."""

    def __init__(self, shelf: Shelf, before: UnixMs, limit: int) -> None:
        self._shelf = shelf
        self._before = before
        self._limit = limit
        self.octets = limit * _SETTLED_OCTETS

    def apply(self, tx: WriteTransaction) -> int:
        old: list[tuple[bytes, int]] = []
        for key, octets in _oldest(tx, self._shelf):
            if len(old) == self._limit or message_id_ms(key[1:]) >= self._before:
                break
            old.append((key, octets))
        for key, octets in old:
            _take(tx, key, octets)
        return len(old)


def _keep(
    tx: WriteTransaction, shelf: Shelf, report: MessageId, raw: bytes, bounds: ReportBounds
) -> None:
    """Put it on a shelf; the oldest there make room (RPT3)."""
    octets = content_octets(raw)
    if octets > bounds.octets:
        return
    total = _total(tx, shelf)
    reports_over = total.reports + 1 - bounds.reports
    octets_over = total.octets + octets - bounds.octets
    going: list[tuple[bytes, int]] = []
    for key, size in _oldest(tx, shelf) if reports_over > 0 or octets_over > 0 else ():
        if reports_over <= 0 and octets_over <= 0:
            break
        going.append((key, size))
        reports_over -= 1
        octets_over -= size
    for key, size in going:
        _take(tx, key, size)
    tx.put(tx.env.report, report_key(shelf, report), raw)
    _count(tx, shelf, 1, octets)


def _oldest(tx: WriteTransaction, shelf: Shelf) -> Iterator[tuple[bytes, int]]:
    """Yield the keys of a shelf with the octets of their content; nothing may be written meanwhile."""
    prefix = shelf_key(shelf)
    cursor = tx.cursor(tx.env.report)
    more = cursor.set_range(prefix)
    while more and (key := cursor.key()).startswith(prefix):
        yield key, content_octets(cursor.value())
        more = cursor.next()


def _take(tx: WriteTransaction, key: bytes, octets: int) -> None:
    if tx.delete(tx.env.report, key):
        _count(tx, Shelf(key[0]), -1, -octets)


def _count(tx: WriteTransaction, shelf: Shelf, reports: int, octets: int) -> None:
    """So many more on the shelf."""
    total = _total(tx, shelf)
    tx.put(
        tx.env.meta,
        total_key(shelf),
        encode_total(
            ReportCount(
                reports=max(0, total.reports + reports), octets=max(0, total.octets + octets)
            )
        ),
    )


def _total(tx: WriteTransaction, shelf: Shelf) -> ReportCount:
    return decode_total(tx.get(tx.env.meta, total_key(shelf)))
