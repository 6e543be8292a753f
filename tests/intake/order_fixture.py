"""The desk that orders come to, on the memory spool, with templates in memory."""

import asyncio
import itertools
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from angarium.config.schema import Dkim, ListenerLimits
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import Addressee, Caller, Fault, Order
from angarium.intake.order_check import OrderLimits
from angarium.intake.order_desk import OrderDesk
from angarium.intake.order_preparation import OrderPreparation
from angarium.intake.required_signatures import RequiredSignatures
from angarium.intake.submission import SubmissionBuilder
from angarium.intake.template_desk import TemplateDesk
from angarium.queue.act import Actor
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.message_id import MessageIdGenerator
from angarium.queue.model import PartitionNumber, Submission, UnixMs
from angarium.queue.suppression_changes import Suppress
from angarium.queue.suppressions import Scope, Suppression
from angarium.queue.terms import AcceptOutcome, Quota, Terms
from angarium.tenancy.plan import Plan
from tests.intake.kept_templates import KeptTemplates

NOW = UnixMs(1_700_000_000_000)
DAY = 86_400_000
ACME = Scope(tenant="acme")
CALLER = Caller(
    tenant="acme",
    key_id="k1",
    domains=("acme.test",),
    address="192.0.2.9",
    listener="here:1",
    request_id="r1",
)


class Gate(MemorySpool):
    """Stores when it is told to, or fails."""

    def __init__(self) -> None:
        super().__init__(lambda: NOW)
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    def accept_on_terms(
        self, batch: Sequence[Submission], terms: Terms
    ) -> Awaitable[AcceptOutcome]:
        accept = super().accept_on_terms

        async def later() -> AcceptOutcome:
            await self.open.wait()
            if self.error is not None:
                raise self.error
            return await accept(batch, terms)

        return later()


class Fixture:
    def __init__(self) -> None:
        self.spool = Gate()
        self.errors: list[BaseException] = []
        self.quotas: tuple[Quota, ...] = ()
        self.plan = Plan()
        self.known_topics: dict[str, str] = {}  # name or id to name
        numbers = itertools.count(1)
        new_id = MessageIdGenerator(lambda: NOW, lambda size: next(numbers).to_bytes(size, "big"))
        builder = SubmissionBuilder(
            "mx.test",
            lambda: NOW,
            new_id,
            lambda domain: PartitionNumber(1),
            ListenerLimits(),
            3600.0,
        )
        self.preparation = OrderPreparation(
            builder,
            self.spool.suppressions,
            RequiredSignatures(Dkim()),
            self,
            self,
            clock=lambda: NOW,
            new_message_id=new_id,
            random_octets=bytes,
            limits=OrderLimits(),
        )
        self.templates = KeptTemplates()
        desk = TemplateDesk(self.templates, self.templates, lambda: NOW)
        self.desk = OrderDesk(self.preparation, desk, self.spool, self, self, lambda: NOW)

    def terms(self, tenant: str) -> Terms:
        return Terms(tenant=tenant, quotas=self.quotas)

    def find_refusal(self, tenant: str, stream: str, pool: str | None) -> str | None:
        return self.plan.find_refusal(stream, pool)

    def topics(self, tenant: str) -> Mapping[str, str]:
        return self.known_topics

    def explain_domain(self, tenant: str, domain: str) -> str:
        return f"{domain} is not {tenant}'s"

    def internal_error(self, where: str, error: BaseException) -> None:
        self.errors.append(error)

    def limit(self, limits: OrderLimits) -> None:
        self.preparation.limits = limits

    async def suppress(self, address: str, scope: Scope = ACME) -> None:
        gone = Suppression(email=address, scope=scope, reason="manual", added_at=NOW)
        await self.spool.suppressions.apply(
            [Suppress(suppression=gone, by=Actor(who="test", reason=""))]
        )

    async def send(self, *orders: Order | Fault, **more: Any) -> Any:
        return await self.desk.send(CALLER, orders, **more)

    def accepted(self) -> list[MessageAccepted]:
        events = [each.event for each in self.spool.state.events]
        return [each for each in events if isinstance(each, MessageAccepted)]


def order(to: str = "b@c.test", **more: Any) -> Order:
    values = {
        "author": read_mailbox("Shop <a@acme.test>", "from"),
        "to": (Addressee(mailbox=read_mailbox(to, "to"), metadata={"n": 1}),),
        "subject": "s",
        "text": "t",
        **more,
    }
    return Order(**values)
