"""What an operator sees and does, beside a running server: the interface of the queue's administration.

``LmdbSpool.administration`` implements it for a process that has the queue open: acts go through its committer, in
lots, and its event loop runs on between them. ``MemoryAdministration`` is its twin for tests. ``QueueOperator`` has the
same methods without ``async``, for a command beside a server that does not run (one process may open the queue once).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from angarium.queue.act import Act, Actor, Notify, Part
from angarium.queue.breakdown import Breakdown, Quality
from angarium.queue.entry import Affected, EntryPage, FindProvider, ShownMessage
from angarium.queue.hold_rule import HoldRule
from angarium.queue.message_id import IdRange
from angarium.queue.model import Filter, MessageId, RouteHint, UnixMs
from angarium.queue.quota import QuotaUse
from angarium.queue.reschedule import RescheduleOutcome
from angarium.queue.summary import QueueSummary

Progress = Callable[[int], None]  # recipients affected so far


class QueueAdministration(Protocol):
    """On the event loop only. What is not a coroutine costs microseconds.

    Every change names its ``Actor``; who and reason are written with each event of it. Raises of every coroutine:
    QueueFullError (of the lot under way nothing is written, earlier lots stay), QueueFailedError. ValueError for ids in
    a filter that are none, or an actor without a name.
    """

    def tell_providers(self, told: FindProvider) -> None:
        """Know by ``told`` whose a destination is, where it takes no DNS; else by what delivery remembered of it."""
        ...

    def summary(self) -> QueueSummary: ...

    async def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
        """Return up to ``limit`` entries behind the cursor of the page before (None: from the start).

        A coroutine, since a filter that matches little reads all of the queue: in short transactions, and the loop
        runs between them.
        """
        ...

    async def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Breakdown:
        """Return what the matching recipients are made of; reads them all, as ``page`` does."""
        ...

    async def show(self, message_id: MessageId) -> ShownMessage | None:
        """Return what is known of a message, finished ones included while their events are kept."""
        ...

    async def find_messages(self, wanted: IdRange, limit: int) -> tuple[MessageId, ...]:
        """Return up to ``limit`` ids of messages that are queued, or whose events are kept; by id."""
        ...

    async def show_content(self, message_id: MessageId, part: Part, by: Actor) -> bytes | None:
        """Return a queued message's content, once an event on disk says who looked; None: it is not queued."""
        ...

    def find_route(self, domain: str) -> RouteHint | None:
        """Return what delivery remembered of where a domain's mail goes."""
        ...

    async def act(
        self,
        act: Act,
        wanted: Filter,
        by: Actor,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
        via: str = "",
    ) -> Affected:
        """Do ``act`` to all that ``wanted`` means; on disk when it returns. Each lot is one transaction.

        hold: out of the schedule until a release. release: back at its due time, or now if that has passed; what a
        rule held passes it for one attempt. retry: due now; held ones stay held. cancel: gone, without a DSN.
        reroute: by ``via`` from now on ("mx", a smart host's URL, "default" for the usual way), due now unless held.

        If it is cancelled, the lots so far stay done. Raises EmptyFilterError, ValueError for a ``via`` that is none:
        then nothing was done.
        """
        ...

    async def bounce(
        self,
        wanted: Filter,
        by: Actor,
        notify: Notify,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Affected:
        """Return all that ``wanted`` means to their senders; held ones, too.

        Outcome, event (with ``by``) and the DSN that ``notify`` writes are one transaction for each message.
        """
        ...

    async def reschedule(
        self, message_id: MessageId, due: UnixMs, by: Actor, tenant: str | None = None
    ) -> RescheduleOutcome:
        """Give a message another start, if none of its recipients had an attempt; now if ``due`` has passed.

        All of them or none, in one transaction; held ones stay held. Its time runs from its start, unless its sender
        said when it ends. ``tenant``: of another tenant's it is not known. Raises ValueError beyond the year 9999.
        """
        ...

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        """As ``Spool.quota_use``."""
        ...

    def hold_rules(self) -> tuple[HoldRule, ...]:
        """Return the rules by id, also one whose time is over while what it held is being released."""
        ...

    async def add_hold_rule(self, rule: HoldRule, by: Actor) -> HoldRule:
        """Add a rule with the conditions and ``until`` of ``rule``, then hold what matches now, as ``act`` does.

        Returns it with its id, ``who`` and ``why`` (of ``by``) and ``since``. From its commit on no attempt begins for
        mail that it binds. Raises EmptyFilterError for a rule without conditions, ValueError for an ``until`` that is
        over, TooManyHoldRulesError.
        """
        ...

    async def remove_hold_rule(self, rule_id: int, by: Actor, *, release: bool) -> Affected:
        """Remove a rule, and release exactly what it held; or leave that held, as if by ``act``.

        Raises UnknownHoldRuleError.
        """
        ...
