"""The vendors' dialects on an application of their own, over a queue that only remembers what it was asked."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from angarium.api import Served
from angarium.api.access import Access
from angarium.api.compat.postmark.dialect import Postmark
from angarium.api.compat.postmark.lacking import Lacking as PostmarkLacking
from angarium.api.compat.postmark.sent import SentMessages
from angarium.api.compat.resend.dialect import Resend
from angarium.api.compat.resend.emails import Emails
from angarium.api.compat.resend.lacking import Lacking
from angarium.api.compat.resend.sent import SentEmails
from angarium.api.compat.sendgrid.callers import Callers as SendGridCallers
from angarium.api.compat.sendgrid.dialect import SendGrid
from angarium.api.rates import LocalRates
from angarium.intake.order import Caller, Fault, FaultKind, Order, Sent
from angarium.intake.waiting_mail import WaitingMail
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import UnixMs
from angarium.tenancy.key_text import key_digest
from angarium.tenancy.model import Domain, Key, KeySecret, Tenant
from angarium.tenancy.snapshot import Snapshot, SnapshotData
from tests.api.compat.stories import WrittenHistory
from tests.api.serving import Client, serving

NOW = UnixMs(1_900_000_000_000)
SECRET = "c" * 43
KEY = f"ang_api_{'a' * 16}_{SECRET}"
READS = f"ang_api_{'b' * 16}_{SECRET}"  # may not send
SLOW = f"ang_api_{'d' * 16}_{SECRET}"  # once a second


class Remembering:
    """A Sending. What it answers is what ``says`` has for an order's subject, or that it was sent."""

    def __init__(self) -> None:
        self.says: dict[str, Fault | Sent] = {}
        self.refuses: Fault | None = None
        self.asked: list[dict[str, Any]] = []
        self._count = 0

    async def send(
        self,
        caller: Caller,
        orders: Sequence[Order | Fault],
        *,
        once: str = "",
        strict: bool = True,
        spare_suppressed: bool = False,
    ) -> tuple[Sent | Fault, ...] | Fault:
        self.asked.append({"caller": caller, "orders": orders, "once": once, "strict": strict})
        if self.refuses is not None:
            return self.refuses
        answers = tuple(self._answer(each) for each in orders)
        if strict:
            for each in answers:
                if isinstance(each, Fault) and not (
                    spare_suppressed and each.kind is FaultKind.SUPPRESSED
                ):
                    return each
        return answers

    @property
    def orders(self) -> list[Order | Fault]:
        return [each for asked in self.asked for each in asked["orders"]]

    def _answer(self, order: Order | Fault) -> Sent | Fault:
        if isinstance(order, Fault):
            return order
        if order.subject in self.says:
            return self.says[order.subject]
        self._count += 1
        return sent(self._count, "sandbox" if order.sandbox else "pending")


def sent(number: int, status: Any = "pending", suppressed: tuple[str, ...] = ()) -> Sent:
    return Sent(
        email_id=f"id-{number}",
        message_id=f"<id-{number}@example.com>",
        status=status,
        accepted_at=NOW,
        suppressed=suppressed,
    )


@contextlib.asynccontextmanager
async def vendors(
    sending: Remembering,
    history: WrittenHistory | None = None,
    spool: MemorySpool | None = None,
) -> AsyncIterator[Client]:
    """All three dialects, for the keys above."""
    snapshot = vendors_snapshot()
    access = Access(lambda: snapshot, lambda: NOW, LocalRates(), 1000)
    waiting = WaitingMail((spool or MemorySpool(lambda: NOW, 4)).administration)
    told = history or WrittenHistory()
    dialects = (
        Resend(
            Emails(access, sending, waiting, lambda: NOW),
            SentEmails(access, told),
            Lacking(access),
        ),
        SendGrid(SendGridCallers(access), sending),
        Postmark(
            access,
            sending,
            lambda: NOW,
            SentMessages(access, told),
            PostmarkLacking(access),
        ),
    )
    async with serving(Served(dialects=dialects)) as client:
        yield client


def vendors_snapshot() -> Snapshot:
    domain = Domain(id="1", tenant="acme", name="example.com", token="t", created=NOW, verified=NOW)
    keys = (_key(KEY), _key(READS, scopes=("emails:read",)), _key(SLOW, rate=1))
    tenant = Tenant(id="acme", name="acme", created=NOW)
    return Snapshot(SnapshotData(tenants=(tenant,), keys=keys, domains=(domain,)))


def _key(text: str, **values: Any) -> Key:
    secret = KeySecret(version=1, digest=key_digest(text), created=NOW)
    usual: dict[str, Any] = {"scopes": ("*",), "rate": 1000, **values}
    id_ = text.split("_")[2]
    return Key(id=id_, tenant="acme", kind="api", created=NOW, secrets=(secret,), **usual)
