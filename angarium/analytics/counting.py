"""What events count as, a batch at a time. Pure.

docs/stats.md says the same to who reads the figures.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from angarium.analytics import counted_mail as marks
from angarium.analytics.counted_mail import CountedMail, counted_mail, read_labels
from angarium.analytics.counters import ALL, COUNTERS, HOUR_MS, Counter, Dimension, key_text
from angarium.analytics.routes import UNKNOWN, Routes
from angarium.feedback.mail.complaints import is_complaint
from angarium.queue.event_log import Position
from angarium.queue.events import (
    AttemptFailed,
    Bounced,
    Cancelled,
    Clicked,
    Complained,
    Damaged,
    Delivered,
    Event,
    Expired,
    MessageAccepted,
    Opened,
    RecipientSuppressed,
    Relayed,
    ReportBounced,
    SesTold,
    Skipped,
    Unsubscribed,
)
from angarium.queue.events.report_shape import FeedbackEvent
from angarium.queue.events.shape import AttemptEvent, RecipientEvent
from angarium.queue.model import MessageId

# Tenant, dimension, hour, key: of a row
RowKey = tuple[str, int, int, str]
Counts = list[int]
_HUMAN: Final = "human"
_WIDTH: Final = len(COUNTERS)
_REFUSED_LATE: Final = frozenset({"reject", "rendering-failure"})


class Counting:
    """One batch: what is to be added to which rows, and what is then known of which messages.

    Invariant CN1: only of messages whose acceptance was counted is anything counted, so what came of them adds up.
    Invariant CN2: what counts recipients counts each of them once, however often and in whichever order it is told.
    """

    def __init__(self, mails: dict[MessageId, CountedMail], routes: Routes) -> None:
        """``mails``: those of the batch's events that are known already. Changed in place."""
        self.rows: dict[RowKey, Counts] = {}
        self.changed: set[MessageId] = set()
        self._mails = mails
        self._routes = routes
        # By labels, hour and route: one look for the rows of an event
        self._targets: dict[tuple[bytes, int, int], list[Counts]] = {}

    def count(self, batch: Sequence[Position]) -> None:
        for each in batch:
            rule = RULES.get(type(each.event))
            if rule is not None:
                rule(self, each.event)

    def accepted(self, event: MessageAccepted) -> None:
        # What we tell senders is nobody's mail. One that is accepted again, by a queue that was restored, is known
        if event.origin.kind == "dsn" or event.message_id in self._mails:
            return
        mail = self._mails[event.message_id] = counted_mail(event)
        self.changed.add(event.message_id)
        for row in self._rows(mail.labels, event.at // HOUR_MS, UNKNOWN):
            row[Counter.ACCEPTED] += len(event.recipients)

    def once(
        self, event: RecipientEvent | FeedbackEvent, counters: Sequence[Counter], mark: int
    ) -> None:
        """Count a recipient that has not the mark, and mark it."""
        found = self._find(event)
        if found is not None and not found[0].marks(found[1]) & mark:  # CN2
            self._count(event, *found, counters, mark)

    def ended(self, event: RecipientEvent, counter: Counter, mark: int = 0) -> None:
        """It has left the queue. ``mark``: of what it counts as, which may have been told before."""
        found = self._find(event)
        if found is None or found[0].marks(found[1]) & marks.ENDED:  # CN2
            return
        is_told = found[0].marks(found[1]) & mark
        self._count(event, *found, () if is_told else (counter,), marks.ENDED | mark)

    def deferred(self, event: AttemptFailed) -> None:
        found = self._find(event)
        if found is not None and not found[0].marks(found[1]) & (marks.DEFERRED | marks.ENDED):
            self._count(event, *found, (Counter.DEFERRED,), marks.DEFERRED)

    def delivered(self, event: Delivered | Relayed) -> None:
        counter = Counter.DELIVERED if isinstance(event, Delivered) else Counter.SENT
        mark = marks.DELIVERED if isinstance(event, Delivered) else 0
        self.ended(event, counter, mark)

    def told(self, event: SesTold) -> None:
        if event.kind == "delivery":
            self.once(event, (Counter.DELIVERED,), marks.DELIVERED)
        elif event.kind in _REFUSED_LATE:
            self.bounced_late(event)

    def bounced_late(self, event: FeedbackEvent) -> None:
        self.once(event, (Counter.BOUNCED, Counter.BOUNCED_LATE), marks.BOUNCED)

    def complained(self, event: Complained) -> None:
        if is_complaint(event.feedback_type):
            self.once(event, (Counter.COMPLAINED,), marks.COMPLAINED)

    def seen(
        self,
        event: Opened | Clicked,
        each: Counter,
        human: Counter,
        recipients: Counter,
        mark: int,
    ) -> None:
        """Count each time; of persons' the recipients too, where it is known which one it was."""
        mail = self._mails.get(event.message_id)
        if mail is None:
            return  # CN1
        index = mail.find(event.index, event.recipient)
        # Which way it went says nothing of who it was, where there is but one
        way = 0 if index is None and len(mail) == 1 else index
        route = UNKNOWN if way is None else mail.route(way)
        counted = [each]
        if event.verdict == _HUMAN:
            counted.append(human)
            if index is not None and not mail.marks(index) & mark:  # CN2
                mail.mark(index, mark)
                self.changed.add(event.message_id)
                counted.append(recipients)
        for row in self._rows(mail.labels, event.at // HOUR_MS, route):
            for counter in counted:
                row[counter] += 1

    def _find(self, event: RecipientEvent | FeedbackEvent) -> tuple[CountedMail, int] | None:
        """Return whom it is about; None: nobody that is counted (CN1)."""
        mail = self._mails.get(event.message_id)
        index = None if mail is None else mail.find(event.index, event.recipient)
        if mail is None or index is None:
            return None
        if isinstance(event, AttemptEvent):
            self._take_route(event, mail, index)
        return mail, index

    def _count(
        self,
        event: RecipientEvent | FeedbackEvent,
        mail: CountedMail,
        index: int,
        counters: Sequence[Counter],
        mark: int,
    ) -> None:
        mail.mark(index, mark)
        self.changed.add(event.message_id)
        for row in self._rows(mail.labels, event.at // HOUR_MS, mail.route(index)):
            for counter in counters:
                row[counter] += 1

    def _take_route(self, event: AttemptEvent, mail: CountedMail, index: int) -> None:
        provider, source = key_text(event.attempt.provider), key_text(event.attempt.source)
        route = self._routes.number(provider, source)
        if route not in (UNKNOWN, mail.route(index)):
            mail.set_route(index, route)
            self.changed.add(event.message_id)

    def _rows(self, labels: bytes, hour: int, route: int) -> list[Counts]:
        found = self._targets.get((labels, hour, route))
        if found is None:
            found = [self._row(each) for each in self._keys(labels, hour, route)]
            self._targets[labels, hour, route] = found
        return found

    def _row(self, key: RowKey) -> Counts:
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = [0] * _WIDTH
        return row

    def _keys(self, raw: bytes, hour: int, number: int) -> list[RowKey]:
        labels, route = read_labels(raw), self._routes.find(number)
        found = [
            (Dimension.TOTAL, ALL),
            (Dimension.STREAM, labels.stream),
            (Dimension.CAMPAIGN, labels.campaign),
            (Dimension.DOMAIN, labels.domain),
            *((Dimension.TAG, each) for each in labels.tags),
        ]
        if route is not None:
            found += [(Dimension.PROVIDER, route.provider), (Dimension.SOURCE, route.source)]
        return [(labels.tenant, int(dimension), hour, key) for dimension, key in found if key]


Rule = Callable[[Counting, Any], None]


def _end(counter: Counter, mark: int = 0) -> Rule:
    return lambda counting, event: counting.ended(event, counter, mark)


# By the exact type: one look an event. A type that is not here counts as nothing
RULES: Final[dict[type[Event], Rule]] = {
    MessageAccepted: Counting.accepted,
    Delivered: Counting.delivered,
    Relayed: Counting.delivered,
    Bounced: _end(Counter.BOUNCED, marks.BOUNCED),
    Damaged: _end(Counter.BOUNCED, marks.BOUNCED),
    Expired: _end(Counter.EXPIRED),
    Skipped: _end(Counter.EXPIRED),
    Cancelled: _end(Counter.CANCELLED),
    RecipientSuppressed: _end(Counter.SUPPRESSED),
    AttemptFailed: Counting.deferred,
    ReportBounced: Counting.bounced_late,
    SesTold: Counting.told,
    Complained: Counting.complained,
    Unsubscribed: lambda counting, event: counting.once(
        event, (Counter.UNSUBSCRIBED,), marks.UNSUBSCRIBED
    ),
    Opened: lambda counting, event: counting.seen(
        event, Counter.OPENED, Counter.OPENED_HUMAN, Counter.OPENED_RECIPIENTS, marks.OPENED
    ),
    Clicked: lambda counting, event: counting.seen(
        event, Counter.CLICKED, Counter.CLICKED_HUMAN, Counter.CLICKED_RECIPIENTS, marks.CLICKED
    ),
}
