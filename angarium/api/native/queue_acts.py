"""What operators do by the API to what is queued: acts on it, and rules that hold what comes later."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiohttp import web

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.operator import Operator, slots_of
from angarium.api.native.premises import Premises
from angarium.api.native.queue_wire import (
    HOLD_RULE,
    RECIPIENT,
    RULE,
    ActAnswer,
    ActAsked,
    ApiAct,
    HoldRuleAdded,
    HoldRuleAsked,
    RuleList,
    RulesEnded,
    UndoAsked,
    hold_rule_of,
)
from angarium.api.native.wire import in_path, invalid, read_query, unix_ms
from angarium.api.reading import read_json
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_acts import AddHoldRule, PerformAct
from angarium.insight.admin.rules import RuleNow, UndoRule
from angarium.insight.admin.rules_served import gather_rules, undo_rules
from angarium.insight.holds import hold_name
from angarium.insight.units import count_text
from angarium.intake.order import Caller, Fault, FaultError, FaultKind

_SUMMARIES: Final[dict[ApiAct, str]] = {
    "hold": "Keep scheduled recipients until they are released. Their time runs on.",
    "release": "Put held recipients back into the schedule.",
    "retry": "Try scheduled recipients again now.",
    "cancel": "Remove recipients from the queue. Their senders are not told.",
}


class QueueActs:
    def __init__(self, premises: Premises, operator: Operator) -> None:
        self._premises = premises
        self._operator = operator

    def routes(self) -> Sequence[Route]:
        return (
            *(
                Route(
                    method="POST",
                    path=f"/v1/queue/{act}",
                    handler=functools.partial(self.perform, act),
                    summary=summary,
                    scope="queue:act",
                    request=ActAsked,
                    answers={200: ActAnswer},
                )
                for act, summary in _SUMMARIES.items()
            ),
            Route(
                method="GET",
                path="/v1/queue/rules",
                handler=self.rules,
                summary="List what is in force of rules and of operators' holds: for whom, why, until when.",
                scope="queue:read",
                answers={200: RuleList},
            ),
            Route(
                method="POST",
                path="/v1/queue/rules",
                handler=self.add_rule,
                summary="Hold mail that matches, now and when it comes.",
                scope="queue:act",
                request=HoldRuleAsked,
                answers={201: HoldRuleAdded},
            ),
            Route(
                method="DELETE",
                path="/v1/queue/rules/{rule}",
                handler=self.undo,
                summary="End what is in force by a rule, or an operator's hold: what it held is released.",
                scope="queue:act",
                query=UndoAsked,
                answers={200: RulesEnded},
            ),
        )

    async def perform(self, act: ApiAct, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "queue", "act")
        asked = await read_json(request, ActAsked)
        question = PerformAct(
            act=act,
            wanted=asked.filter.wanted(),
            reason=asked.reason,
            dry_run=asked.dry_run,
            behalf=_behalf(caller),
        )
        affected = await self._operator.ask(question, "filter")
        if not asked.dry_run:
            subject = count_text(affected.count, "recipient")
            await self._premises.note(caller, f"queue.{act}", subject, reason=asked.reason)
        return json_response(
            ActAnswer(
                act=act,
                dry_run=asked.dry_run,
                count=affected.count,
                recipients=[RECIPIENT.of(each) for each in affected.named],
                in_flight=affected.in_flight,
                unchanged=affected.unchanged,
                who=affected.who,
                reason=affected.reason,
            )
        )

    async def rules(self, request: web.Request) -> web.Response:
        self._premises.admit(request, "queue", "read")
        gathered = await self._operator.work(
            lambda data_dir: gather_rules(data_dir, slots_of(data_dir))
        )
        return json_response(
            RuleList(
                rules=[RULE.of(each) for each in gathered.rules],
                left_off=gathered.left_off,
                unheard=[slot for slot, _ in gathered.unheard],
            )
        )

    async def add_rule(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "queue", "act")
        asked = await read_json(request, HoldRuleAsked)
        until = None if asked.until is None else unix_ms(asked.until)
        if until is not None and until <= self._premises.clock():
            raise invalid("until", "until: that time is over")
        question = AddHoldRule(
            rule=hold_rule_of(asked, until), reason=asked.reason, behalf=_behalf(caller)
        )
        added = await self._operator.ask(question, "body")
        name = hold_name(added.id)
        await self._premises.note(caller, "queue.rule_added", name, reason=asked.reason)
        return json_response(HoldRuleAdded(name=name, rule=HOLD_RULE.of(added)), 201)

    async def undo(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "queue", "act")
        name = in_path(request, "rule")
        asked = read_query(request, UndoAsked)
        question = UndoRule(
            name=name, scope=asked.scope, reason=asked.reason, behalf=_behalf(caller)
        )

        def undo(data_dir: Path) -> tuple[RuleNow, ...] | Refused:
            return undo_rules(data_dir, slots_of(data_dir), question)

        undone = await self._operator.work(undo)
        if not undone:
            text = f"Nothing is in force by {name[:100]!a}"
            raise FaultError(Fault(kind=FaultKind.NOT_FOUND, message=text))
        await self._premises.note(caller, "queue.rule_undone", name, reason=asked.reason)
        return json_response(RulesEnded(undone=[RULE.of(each) for each in undone]))


def _behalf(caller: Caller) -> str:
    return f"key {caller.key_id}"
