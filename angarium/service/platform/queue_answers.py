"""Answers questions about the queue, and acts on it, in the process that has it open: the platform process's.

What an act waits for is the committer; the event loop runs on. Who acts is the asker, by the kernel's word.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from angarium.config.schema import Config
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_acts import (
    EMPTY_FILTER,
    AddHoldRule,
    HoldRules,
    ListHoldRules,
    MovedStart,
    MoveStart,
    PerformAct,
    Progressed,
    RemoveHoldRule,
)
from angarium.insight.admin.queue_reads import (
    CANDIDATES,
    PAGE_LIMIT,
    BreakDownQueue,
    ContentEnds,
    ExplainMessage,
    FindMessages,
    FoundMessages,
    ListEntries,
    ReadContent,
    SentMessage,
    ShowMessage,
    SummarizeQueue,
    no_content,
    no_such_message,
    no_such_recipient,
)
from angarium.insight.admin.quotas import AskQuotas, QuotasUsed
from angarium.insight.explain import FindSuppression, explain_message, is_known
from angarium.insight.explanation import Explanation
from angarium.insight.filter_check import find_route_slip, find_slip
from angarium.queue import (
    Affected,
    EmptyFilterError,
    EntryPage,
    QueueFullError,
    QueueSummary,
    UnixMs,
    message_id_text,
)
from angarium.queue.act import Actor
from angarium.queue.administration import QueueAdministration
from angarium.queue.breakdown import Breakdown
from angarium.queue.hold_rule import HoldRule
from angarium.queue.message_id import parse_id_beginning
from angarium.queue.model import DeliveryId
from angarium.queue.reschedule import StartMoved
from angarium.queue.spool import TooManyHoldRulesError, UnknownHoldRuleError
from angarium.service.admin_socket import Asker, Handlers
from angarium.service.platform.sender_notices import SenderNotices
from angarium.telemetry.log import log

# Who has mail tried now says that what kept it is mended.
_ASK_ANEW: Final = frozenset({"retry", "release"})
PIECE_OCTETS: Final = 262_144  # ours, of content: what waits in a socket's buffer


class QueueAnswers:
    def __init__(
        self,
        queue: QueueAdministration,
        config: Config,
        clock: Callable[[], UnixMs],
        notices: SenderNotices,
        forget_failures: Callable[[], Awaitable[None]],
        find_suppression: FindSuppression,
    ) -> None:
        """``forget_failures``: has delivery ask each host anew; awaited before mail becomes due."""
        self._forget_failures = forget_failures
        self._find_suppression = find_suppression
        self._queue = queue
        self._config = config
        self._clock = clock
        self._notices = notices

    async def reload(self, config: Config) -> None:
        """Explain, and write to senders, by a changed configuration."""
        self._config = config
        self._notices.exchange(config)

    def handlers(self) -> Handlers:
        return (
            Handlers()
            .on(SummarizeQueue, self.summarize)
            .on(BreakDownQueue, self.break_down)
            .on(ListEntries, self.list_entries)
            .on(FindMessages, self.find_messages)
            .on(ShowMessage, self.show)
            .on(ReadContent, self.read_content)
            .on(ExplainMessage, self.explain)
            .on(PerformAct, self.perform)
            .on(MoveStart, self.move_start)
            .on(AskQuotas, self.quotas)
            .on(ListHoldRules, self.list_rules)
            .on(AddHoldRule, self.add_rule)
            .on(RemoveHoldRule, self.remove_rule)
        )

    async def summarize(self, _: SummarizeQueue, __: Asker) -> QueueSummary:
        return self._queue.summary()

    async def break_down(self, asked: BreakDownQueue, _: Asker) -> Breakdown | Refused:
        if (slip := find_slip(asked.wanted, self._config)) is not None:
            return Refused("invalid", slip)
        limit = min(max(asked.limit, 1), PAGE_LIMIT)
        return await self._queue.breakdown(asked.wanted, asked.by, limit)

    async def list_entries(self, asked: ListEntries, _: Asker) -> EntryPage | Refused:
        if (slip := find_slip(asked.wanted, self._config)) is not None:
            return Refused("invalid", slip)
        limit = min(max(asked.limit, 1), PAGE_LIMIT)
        return await self._queue.page(asked.wanted, asked.after, limit)

    async def find_messages(self, asked: FindMessages, _: Asker) -> FoundMessages | Refused:
        try:
            wanted = parse_id_beginning(asked.beginning)
        except ValueError as error:
            return Refused("invalid", str(error))
        return FoundMessages(await self._queue.find_messages(wanted, CANDIDATES))

    async def show(self, asked: ShowMessage, _: Asker) -> SentMessage | Refused:
        shown = await self._queue.show(asked.message_id)
        return no_such_message(asked.message_id) if shown is None else SentMessage.of(shown)

    async def read_content(self, asked: ReadContent, asker: Asker) -> ContentEnds | Refused:
        by = Actor(who=asker.name, reason=asked.reason)
        try:
            content = await self._queue.show_content(asked.message_id, asked.part, by)
        except QueueFullError as error:
            return Refused("no_room", f"{error}; who looks is written down first")
        if content is None:
            return no_content(asked.message_id)
        for start in range(0, len(content), PIECE_OCTETS):
            await asker.say(content[start : start + PIECE_OCTETS])
        return ContentEnds(len(content))

    async def explain(self, asked: ExplainMessage, _: Asker) -> Explanation | Refused:
        shown = await self._queue.show(asked.message_id)
        if shown is None:
            return no_such_message(asked.message_id)
        if asked.only is not None and not is_known(shown, asked.only):
            return no_such_recipient(DeliveryId(asked.message_id, asked.only))
        return explain_message(
            shown,
            self._config,
            self._queue.find_route,
            self._clock(),
            rules=self._queue.hold_rules(),
            find_suppression=self._find_suppression,
            only=asked.only,
        )

    async def perform(self, asked: PerformAct, asker: Asker) -> Affected | Refused:
        if (slip := find_slip(asked.wanted, self._config)) is not None:
            return Refused("invalid", slip)
        if asked.act == "reroute" and (slip := find_route_slip(asked.via, self._config)):
            return Refused("invalid", slip)
        by = Actor(who=asker.named(asked.behalf), reason=asked.reason)

        def tell(done: int) -> None:
            asker.hand(Progressed(done))

        queue, wanted, dry_run = self._queue, asked.wanted, asked.dry_run
        if asked.act in _ASK_ANEW and not dry_run:
            await self._forget_failures()
        try:
            if asked.act == "bounce":
                affected = await queue.bounce(
                    wanted, by, self._notices, dry_run=dry_run, progress=tell
                )
            else:
                affected = await queue.act(
                    asked.act, wanted, by, dry_run=dry_run, progress=tell, via=asked.via
                )
        except (EmptyFilterError, QueueFullError, ValueError) as error:
            return _refused(error)
        if not asked.dry_run:
            log(
                "queue_act",
                act=asked.act,
                via=asked.via,
                by=by.who,
                reason=by.reason,
                count=affected.count,
            )
        return affected

    async def move_start(self, asked: MoveStart, asker: Asker) -> MovedStart | Refused:
        by = Actor(who=asker.named(asked.behalf), reason=asked.reason)
        try:
            outcome = await self._queue.reschedule(asked.message_id, asked.due, by)
        except (QueueFullError, ValueError) as error:
            return _refused(error)
        if isinstance(outcome, StartMoved):
            message = message_id_text(asked.message_id)
            log("queue_rescheduled", message_id=message, by=by.who, reason=by.reason)
        return MovedStart(outcome)

    async def quotas(self, asked: AskQuotas, _: Asker) -> QuotasUsed:
        return QuotasUsed(tuple(self._queue.quota_use(asked.tenant)))

    async def list_rules(self, _: ListHoldRules, __: Asker) -> HoldRules:
        return HoldRules(self._queue.hold_rules())

    async def add_rule(self, asked: AddHoldRule, asker: Asker) -> HoldRule | Refused:
        if (slip := find_slip(asked.rule.wanted, self._config)) is not None:
            return Refused("invalid", slip)
        by = Actor(who=asker.named(asked.behalf), reason=asked.reason)
        try:
            rule = await self._queue.add_hold_rule(asked.rule, by)
        except (EmptyFilterError, QueueFullError, TooManyHoldRulesError, ValueError) as error:
            return _refused(error)
        log("hold_rule_added", rule=rule.id, by=by.who, reason=by.reason)
        return rule

    async def remove_rule(self, asked: RemoveHoldRule, asker: Asker) -> Affected | Refused:
        by = Actor(who=asker.named(asked.behalf), reason=asked.reason)
        try:
            affected = await self._queue.remove_hold_rule(asked.rule_id, by, release=asked.release)
        except (UnknownHoldRuleError, QueueFullError, ValueError) as error:
            return _refused(error)
        log("hold_rule_removed", rule=asked.rule_id, by=by.who, reason=by.reason)
        return affected


def _refused(error: Exception) -> Refused:
    match error:
        case EmptyFilterError():
            return EMPTY_FILTER
        case QueueFullError():
            text = f"{error}; of what was under way nothing was written, earlier recipients stay changed"
            return Refused("no_room", text)
        case UnknownHoldRuleError():
            return Refused("not_found", str(error))
        case _:
            return Refused("invalid", str(error))
