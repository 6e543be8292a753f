"""What events count as, a batch at a time. Pure.

docs/stats.md says the same to who reads the figures.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from angarium.analytics import counted_mail as marks
from angarium.analytics.counted_mail import CountedMail, counted_mail
from angarium.analytics.counters import MINUTE_MS, Counter
from angarium.analytics.latency import bucket_of
from angarium.analytics.links import link_key
from angarium.analytics.routes import UNKNOWN, Routes
from angarium.analytics.rows import BUCKETS, Facet, Sums, Target
from angarium.feedback.attempts import class_text
from angarium.feedback.classes import BounceClass
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
    Rescheduled,
    SesTold,
    Skipped,
    Unsubscribed,
)
from angarium.queue.events.report_shape import FeedbackEvent
from angarium.queue.events.shape import AttemptEvent, RecipientEvent
from angarium.queue.message_id import message_id_ms
from angarium.queue.model import MessageId, UnixMs

_HUMAN: Final = "human"
_REFUSED_LATE: Final = frozenset({"reject", "rendering-failure"})
# Of what is refused by class
_CLASSED: Final = frozenset({Counter.DEFERRED, Counter.BOUNCED, Counter.EXPIRED})
_UNDETERMINED: Final = BounceClass.UNDETERMINED.value


class Counting:
    """A part of a batch that is of one generation: what is to be added to which rows, and what is then known of which
    messages.

    Invariant CN1: only of messages whose acceptance was counted is anything counted, so what came of them adds up.
    Invariant CN2: what counts recipients counts each of them once, however often and in whichever order it is told.
    Invariant CN3: what is told of a message after its time counts nowhere, whether the message is still known or not:
        so when what is old was deleted changes no figure.
    """

    def __init__(
        self, mails: dict[MessageId, CountedMail], routes: Routes, *, keep_ms: int, generation: int
    ) -> None:
        """``mails``: those of the batch's events that are known already. Changed in place.

        ``keep_ms``: so long after its acceptance what is told of a message counts.
        """
        self.sums: Sums = {}
        self.changed: set[MessageId] = set()
        self._mails = mails
        self._routes = routes
        self._keep_ms = keep_ms
        self._generation = generation

    def count(self, batch: Sequence[Position]) -> None:
        for each in batch:
            rule = RULES.get(type(each.event))
            if rule is not None:
                rule(self, each.event)

    def accepted(self, event: MessageAccepted) -> None:
        # What we tell senders is nobody's mail. One that is accepted again, by a queue that was restored, is known
        if event.origin.kind == "dsn" or event.message_id in self._mails:
            return
        mail = self._mails[event.message_id] = counted_mail(event, self._generation)
        self.changed.add(event.message_id)
        self._add(_mail_target(mail, event.at, UNKNOWN), Counter.ACCEPTED, len(event.recipients))

    def once(
        self, event: FeedbackEvent, counters: Sequence[Counter], mark: int, bounce_class: str = ""
    ) -> None:
        """Count a recipient that has not the mark, and mark it."""
        found = self._find(event)
        if found is not None and not found[0].marks(found[1]) & mark:  # CN2
            self._count(event, *found, counters, mark, bounce_class)

    def ended(self, event: RecipientEvent, counter: Counter, mark: int = 0) -> None:
        """It has left the queue. ``mark``: of what it counts as, which may have been told before."""
        found = self._find(event)
        if found is None or found[0].marks(found[1]) & marks.ENDED:  # CN2
            return
        is_told = found[0].marks(found[1]) & mark
        bounce_class = _class_of(event) if counter in _CLASSED and not is_told else ""
        counters = () if is_told else (counter,)
        self._count(event, *found, counters, marks.ENDED | mark, bounce_class)

    def deferred(self, event: AttemptFailed) -> None:
        found = self._find(event)
        if found is not None and not found[0].marks(found[1]) & (marks.DEFERRED | marks.ENDED):
            self._count(event, *found, (Counter.DEFERRED,), marks.DEFERRED, _class_of(event))

    def delivered(self, event: Delivered | Relayed) -> None:
        found = self._find(event)
        if found is None or found[0].marks(found[1]) & marks.ENDED:  # CN2
            return
        mail, index = found
        mark = marks.DELIVERED if isinstance(event, Delivered) else 0
        counter = Counter.DELIVERED if isinstance(event, Delivered) else Counter.SENT
        is_told = mail.marks(index) & mark
        self._count(event, mail, index, () if is_told else (counter,), marks.ENDED | mark)
        target = _mail_target(mail, event.at, mail.route(index))
        self._add(target, BUCKETS + bucket_of(event.at - mail.started), 1)

    def rescheduled(self, event: Rescheduled) -> None:
        mail = self._mails.get(event.message_id)
        if mail is not None and mail.started != event.due:
            mail.started = UnixMs(max(event.at, event.due))
            self.changed.add(event.message_id)

    def told(self, event: SesTold) -> None:
        if event.kind == "delivery":
            self.once(event, (Counter.DELIVERED, Counter.DELIVERED_TOLD), marks.DELIVERED)
        elif event.kind in _REFUSED_LATE:
            self._bounced_late(event, "")

    def reported(self, event: ReportBounced) -> None:
        self._bounced_late(event, event.bounce_class)

    def complained(self, event: Complained) -> None:
        if is_complaint(event.feedback_type):
            self.once(event, (Counter.COMPLAINED,), marks.COMPLAINED)

    def opened(self, event: Opened) -> None:
        counters = (Counter.OPENED, Counter.OPENED_HUMAN, Counter.OPENED_RECIPIENTS)
        self._seen(event, counters, marks.OPENED)

    def clicked(self, event: Clicked) -> None:
        counters = (Counter.CLICKED, Counter.CLICKED_HUMAN, Counter.CLICKED_RECIPIENTS)
        mail = self._seen(event, counters, marks.CLICKED)
        link = link_key(event.link)
        if mail is not None and link:
            target = (mail.labels, event.at // MINUTE_MS, UNKNOWN, Facet.LINK, link)
            self._add(target, Counter.CLICKED, 1)
            if event.verdict == _HUMAN:
                self._add(target, Counter.CLICKED_HUMAN, 1)

    def _bounced_late(self, event: FeedbackEvent, bounce_class: str) -> None:
        counters = (Counter.BOUNCED, Counter.BOUNCED_LATE)
        self.once(event, counters, marks.BOUNCED, bounce_class or _UNDETERMINED)

    def _seen(
        self, event: Opened | Clicked, counters: tuple[Counter, Counter, Counter], mark: int
    ) -> CountedMail | None:
        """Count each time; of persons' the recipients too, where it is known which one it was.

        Returns the message; None: it is none that is counted.
        """
        mail = self._mails.get(event.message_id)  # CN1
        if mail is None or self._is_late(event):
            return None
        index = mail.find(event.index, event.recipient)
        # Which way it went says nothing of who it was, where there is but one
        way = 0 if index is None and len(mail) == 1 else index
        target = _mail_target(mail, event.at, UNKNOWN if way is None else mail.route(way))
        each, human, recipients = counters
        self._add(target, each, 1)
        if event.verdict == _HUMAN:
            self._add(target, human, 1)
            if index is not None and not mail.marks(index) & mark:  # CN2
                mail.mark(index, mark)
                self.changed.add(event.message_id)
                self._add(target, recipients, 1)
        return mail

    def _find(self, event: RecipientEvent | FeedbackEvent) -> tuple[CountedMail, int] | None:
        """Return whom it is about; None: nobody that is counted (CN1), or not any more."""
        mail = self._mails.get(event.message_id)
        index = None if mail is None else mail.find(event.index, event.recipient)
        if mail is None or index is None:
            return None
        if isinstance(event, FeedbackEvent) and self._is_late(event):
            return None
        if isinstance(event, AttemptEvent):
            self._take_route(event, mail, index)
        return mail, index

    def _is_late(self, event: FeedbackEvent) -> bool:
        return event.at - message_id_ms(event.message_id) >= self._keep_ms  # CN3

    def _count(
        self,
        event: RecipientEvent | FeedbackEvent,
        mail: CountedMail,
        index: int,
        counters: Sequence[Counter],
        mark: int,
        bounce_class: str = "",
    ) -> None:
        mail.mark(index, mark)
        self.changed.add(event.message_id)
        target = _mail_target(mail, event.at, mail.route(index))
        for counter in counters:
            self._add(target, counter, 1)
            if bounce_class:
                self._add((*target[:3], Facet.CLASS, bounce_class), counter, 1)

    def _take_route(self, event: AttemptEvent, mail: CountedMail, index: int) -> None:
        route = self._routes.number(event.attempt.provider, event.attempt.source)
        if route not in (UNKNOWN, mail.route(index)):
            mail.set_route(index, route)
            self.changed.add(event.message_id)

    def _add(self, target: Target, what: int, number: int) -> None:
        found = self.sums.get(target)
        if found is None:
            found = self.sums[target] = {}
        found[what] = found.get(what, 0) + number


def _mail_target(mail: CountedMail, at: UnixMs, route: int) -> Target:
    return (mail.labels, at // MINUTE_MS, route, Facet.MAIL, "")


def _class_of(event: RecipientEvent) -> str:
    found = class_text(event.attempt) if isinstance(event, AttemptEvent) else ""
    return found or _UNDETERMINED


Rule = Callable[[Counting, Any], None]


def _end(counter: Counter, mark: int = 0) -> Rule:
    return lambda counting, event: counting.ended(event, counter, mark)


# By the exact type: one look an event. A type that is not here counts as nothing
RULES: Final[dict[type[Event], Rule]] = {
    MessageAccepted: Counting.accepted,
    Rescheduled: Counting.rescheduled,
    Delivered: Counting.delivered,
    Relayed: Counting.delivered,
    Bounced: _end(Counter.BOUNCED, marks.BOUNCED),
    Damaged: _end(Counter.BOUNCED, marks.BOUNCED),
    Expired: _end(Counter.EXPIRED),
    Skipped: _end(Counter.EXPIRED),
    Cancelled: _end(Counter.CANCELLED),
    RecipientSuppressed: _end(Counter.SUPPRESSED),
    AttemptFailed: Counting.deferred,
    ReportBounced: Counting.reported,
    SesTold: Counting.told,
    Complained: Counting.complained,
    Unsubscribed: lambda counting, event: counting.once(
        event, (Counter.UNSUBSCRIBED,), marks.UNSUBSCRIBED
    ),
    Opened: Counting.opened,
    Clicked: Counting.clicked,
}
