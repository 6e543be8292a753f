"""The queue's administration inside a server that runs: through its committer, beside everything else it does."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from angarium.queue.act import Act, Actor, Notify, Part
from angarium.queue.administration import Progress
from angarium.queue.breakdown import Breakdown, Quality
from angarium.queue.entry import Affected, EntryPage, FindProvider, ShownMessage
from angarium.queue.hold_rule import HoldRule
from angarium.queue.lmdb.administration.administering import Administering
from angarium.queue.lmdb.administration.rescheduling import Reschedule
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.quota_table import read_quota_use
from angarium.queue.lmdb.steps import follow_steps
from angarium.queue.lmdb.transaction import Operation
from angarium.queue.message_id import IdRange
from angarium.queue.model import Filter, MessageId, RouteHint, UnixMs
from angarium.queue.quota import QuotaUse
from angarium.queue.reschedule import RescheduleOutcome
from angarium.queue.spool import Clock
from angarium.queue.summary import QueueSummary


class LmdbAdministration:
    """Implements QueueAdministration."""

    def __init__(
        self,
        env: QueueEnvironment,
        clock: Clock,
        submit: Callable[[Operation], Awaitable[Any]],
    ) -> None:
        self._env = env
        self._clock = clock
        self._steps = Administering(env, clock)
        self._submit = submit

    def tell_providers(self, told: FindProvider) -> None:
        self._steps.told_provider = told

    def summary(self) -> QueueSummary:
        return self._steps.summary()

    async def show_content(self, message_id: MessageId, part: Part, by: Actor) -> bytes | None:
        steps = self._steps.show_content(message_id, part, by)
        return await follow_steps(steps, self._submit)

    def find_route(self, domain: str) -> RouteHint | None:
        return self._steps.find_route(domain)

    def quota_use(self, tenant: str) -> Sequence[QuotaUse]:
        return read_quota_use(self._env, tenant, self._clock())

    def hold_rules(self) -> tuple[HoldRule, ...]:
        return self._steps.hold_rules()

    async def page(self, wanted: Filter, after: bytes | None, limit: int) -> EntryPage:
        return await follow_steps(self._steps.page(wanted, after, limit), self._submit)

    async def breakdown(self, wanted: Filter, by: Quality, limit: int) -> Breakdown:
        return await follow_steps(self._steps.breakdown(wanted, by, limit), self._submit)

    async def show(self, message_id: MessageId) -> ShownMessage | None:
        return await follow_steps(self._steps.show(message_id), self._submit)

    async def find_messages(self, wanted: IdRange, limit: int) -> tuple[MessageId, ...]:
        return await follow_steps(self._steps.find_messages(wanted, limit), self._submit)

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
        steps = self._steps.act(act, wanted, by, dry_run=dry_run, progress=progress, via=via)
        return await follow_steps(steps, self._submit)

    async def bounce(
        self,
        wanted: Filter,
        by: Actor,
        notify: Notify,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> Affected:
        steps = self._steps.bounce(wanted, by, notify, dry_run=dry_run, progress=progress)
        return await follow_steps(steps, self._submit)

    async def reschedule(
        self, message_id: MessageId, due: UnixMs, by: Actor, tenant: str | None = None
    ) -> RescheduleOutcome:
        outcome: RescheduleOutcome = await self._submit(
            Reschedule(message_id, due, by.bounded(), tenant)
        )
        return outcome

    async def add_hold_rule(self, rule: HoldRule, by: Actor) -> HoldRule:
        return await follow_steps(self._steps.add_hold_rule(rule, by), self._submit)

    async def remove_hold_rule(self, rule_id: int, by: Actor, *, release: bool) -> Affected:
        steps = self._steps.remove_hold_rule(rule_id, by, release=release)
        return await follow_steps(steps, self._submit)

    async def expire_hold_rules(self) -> int:
        """End the rules whose time is over and release what they held; returns how many. For a periodic task."""
        return await follow_steps(self._steps.expire_hold_rules(), self._submit)
