"""All that can be said of an order before it is sent: rules, domain, rspamd, clamd. Nothing is stored or sent."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from angarium.content.checking.checking import check_view, in_order
from angarium.content.checking.mail import DomainFacts, Facts, Mail
from angarium.content.checking.rule import Finding
from angarium.content.checking.spam_score import SpamScore, spam_score
from angarium.content.checking.view import View
from angarium.content.checking.web_address import WebAddress
from angarium.intake.checking.checked_mail import mail_of_order
from angarium.intake.checking.rspamd import SpamOpinion
from angarium.intake.checking.scanners import Scanners
from angarium.intake.order import Caller, Fault, FaultError, Order
from angarium.intake.order_check import addressees
from angarium.intake.order_letter import received_of
from angarium.intake.template_desk import TemplateDesk
from angarium.intake.template_filling import find_fault_of_use
from angarium.queue.model import UnixMs
from angarium.smtp.date import render_date

BOUNDARY_OCTETS: Final = 15
MAX_LINKS: Final = 500  # that are told


class Domains(Protocol):
    async def facts(self, tenant: str, name: str) -> DomainFacts | None:
        """Return what is known of a domain that the tenant would send as; None: nobody can say now."""
        ...


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Octets."""

    message: int  # as it is sent
    html: int  # decoded, as Gmail counts it
    text: int
    attachments: int  # decoded


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    findings: tuple[Finding, ...]
    score: SpamScore
    opinion: SpamOpinion | None  # rspamd's; None: it is not configured
    sizes: Sizes
    links: tuple[tuple[str, WebAddress], ...]  # with the field that each is in


class MailCheck:
    def __init__(
        self,
        scanners: Scanners,
        domains: Domains,
        templates: TemplateDesk,
        is_bulk: Callable[[str], bool],
        *,
        clock: Callable[[], UnixMs],
        random_octets: Callable[[int], bytes],
    ) -> None:
        """``is_bulk``: whether a stream is of mail that nobody waits for."""
        self._scanners = scanners
        self._domains = domains
        self._templates = templates
        self._is_bulk = is_bulk
        self._clock = clock
        self._random_octets = random_octets

    async def check(self, caller: Caller, order: Order) -> Checked:
        """Raises LetterError: it cannot be written; FaultError: its template cannot be filled."""
        if order.template is not None:
            order = await self._filled(caller, order)
        content = self._built(caller, order)
        mail = mail_of_order(order, len(content))
        names = sorted({each.domain for each in mail.authors if each.domain})
        domain = await self._domains.facts(caller.tenant, names[0]) if names else None
        facts = Facts(
            is_bulk=self._is_bulk(order.stream), domain=domain, now_s=self._clock() // 1000
        )
        view = View(mail, facts)
        # In a thread: what a hostile mail costs, others need not wait for
        findings = await asyncio.to_thread(check_view, view)
        recipients = [each.mailbox.address.text for each in addressees(order)]
        reverse_path = mail.authors[0].address if mail.authors else ""
        scan = await self._scanners.scan(content, reverse_path, recipients)
        found = in_order([*findings, *scan.findings])
        return Checked(
            findings=found,
            score=spam_score(found),
            opinion=scan.opinion,
            sizes=_sizes(mail),
            links=_links(view),
        )

    async def _filled(self, caller: Caller, order: Order) -> Order:
        """Raises FaultError."""
        fault = find_fault_of_use(order)
        found = await self._templates.mails(
            caller.tenant, (order if fault is None else fault,), strict=True
        )
        if isinstance(found, Fault):
            raise FaultError(found)
        (mails,) = found
        if isinstance(mails, Fault):
            raise FaultError(mails)
        return mails[0].order

    def _built(self, caller: Caller, order: Order) -> bytes:
        """Return it as it would be sent; b"" for one that has no author, and cannot be."""
        if order.raw is None and order.author is None:
            return b""
        octets = self._random_octets(BOUNDARY_OCTETS)
        return received_of(
            order,
            caller,
            email_id="check",
            date=render_date(self._clock() // 1000),
            boundary=f"=_{octets.hex()}",
        ).content


def _sizes(mail: Mail) -> Sizes:
    return Sizes(
        message=mail.octets,
        html=len((mail.html or "").encode(errors="replace")),
        text=len((mail.text or "").encode(errors="replace")),
        attachments=sum(len(each.content) for each in mail.files),
    )


def _links(view: View) -> tuple[tuple[str, WebAddress], ...]:
    seen: Sequence[tuple[str, WebAddress]] = list(dict.fromkeys(view.addresses))
    return tuple(seen[:MAX_LINKS])
