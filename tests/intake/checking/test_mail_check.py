"""Mirrors angarium/intake/checking/mail_check.py."""

from typing import Any

import msgspec
import pytest

from angarium.config.schema import Check
from angarium.content.checking.mail import DomainFacts
from angarium.content.letter import LetterError
from angarium.intake.checking.mail_check import MailCheck
from angarium.intake.checking.rspamd import SpamOpinion
from angarium.intake.checking.scanners import Scan, Scanners
from angarium.intake.order import FaultError, RawMail, TemplateUse
from angarium.intake.template_desk import TemplateDesk
from angarium.queue.model import UnixMs
from angarium.templates.bundle import Parts
from tests.intake.kept_templates import KeptTemplates
from tests.intake.order_fixture import CALLER, NOW, order


class Site:
    """Knows domains and templates, and rspamd's opinion."""

    def __init__(self) -> None:
        self.known: DomainFacts | None = DomainFacts(
            name="acme.test", dkim="right", spf="right", dmarc="right"
        )
        self.asked: list[tuple[str, str]] = []
        self.scanned: list[bytes] = []
        self.templates = KeptTemplates()
        site = self

        class Opinions(Scanners):
            async def scan(self, content: bytes, *_: Any, **__: Any) -> Scan:
                site.scanned.append(content)
                return Scan(opinion=SpamOpinion(score=1.5, action="no action"))

        desk = TemplateDesk(self.templates, self.templates, lambda: UnixMs(NOW))
        self.check = MailCheck(
            Opinions(Check()),
            self,
            desk,
            lambda stream: stream == "bulk",
            clock=lambda: UnixMs(NOW),
            random_octets=bytes,
        )

    async def facts(self, tenant: str, name: str) -> DomainFacts | None:
        self.asked.append((tenant, name))
        return self.known

    async def codes(self, **more: Any) -> list[str]:
        found = await self.check.check(CALLER, order(**more))
        return [each.code for each in found.findings]


@pytest.fixture
def site() -> Site:
    return Site()


async def test_what_is_built_is_what_is_looked_at_and_scanned(site: Site) -> None:
    found = await site.check.check(CALLER, order(text=None, html="<p>Hi</p>", makes_text=True))
    assert found.findings == ()
    (content,) = site.scanned
    assert found.sizes.message == len(content)
    assert content.startswith(b"From: Shop <a@acme.test>\r\n")
    assert (found.sizes.html, found.sizes.text, found.sizes.attachments) == (9, 0, 0)
    assert found.opinion is not None
    assert found.opinion.score == 1.5
    assert site.asked == [("acme", "acme.test")]


async def test_what_is_known_of_the_domain_counts(site: Site) -> None:
    assert site.known is not None
    site.known = msgspec.structs.replace(site.known, spf="wrong")
    assert await site.codes() == ["spf_wrong"]
    site.known = None
    assert await site.codes() == []


async def test_bulk_mail_is_judged_as_such(site: Site) -> None:
    assert "unsubscribe_header_missing" in await site.codes(stream="bulk")


async def test_a_mail_without_sender_and_recipients_is_looked_at_as_far_as_it_goes(
    site: Site,
) -> None:
    found = await site.check.check(CALLER, msgspec.structs.replace(order(author=None), to=()))
    assert [each.code for each in found.findings] == ["from_missing"]
    assert found.sizes.message == 0
    assert site.asked == []


async def test_what_cannot_be_written_is_refused_as_at_sending(site: Site) -> None:
    with pytest.raises(LetterError) as refused:
        await site.check.check(CALLER, order(fields=(("X-A", "a\r\nb"),)))
    assert refused.value.field == "headers.X-A"


async def test_a_whole_message_is_known_by_its_own_header(site: Site) -> None:
    raw = b"From: Shop <x@raw.example>\nSubject: s\n\nhttp://raw.example/a http://raw.example/a\n"
    mail = msgspec.structs.replace(
        order(author=None, subject="", text=None, raw=RawMail(content=raw)), to=()
    )
    found = await site.check.check(CALLER, mail)
    assert [each.code for each in found.findings] == ["link_insecure"]
    assert site.asked == [("acme", "raw.example")]
    assert site.scanned[0].endswith(b"\r\n")
    assert [(field, each.host) for field, each in found.links] == [("bodyText", "raw.example")]


async def test_a_template_is_filled_in_first(site: Site) -> None:
    site.templates.add("welcome", Parts(subject="Hello {{ name }}!!", text="Hi"))
    use = TemplateUse(name="welcome", data={"name": "Ann"})
    assert await site.codes(template=use, subject="", text=None) == ["subject_punctuation"]
    with pytest.raises(FaultError) as refused:
        await site.codes(template=TemplateUse(name="none"), subject="", text=None)
    assert refused.value.fault.field == "templateId"
    with pytest.raises(FaultError):
        await site.codes(template=TemplateUse(name=""), subject="", text=None)
