"""What a mail looks like that a version makes, before anybody gets it: as it is sent, and what is to be said of it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.content.building import build
from angarium.content.checking.checking import check_rendered
from angarium.content.checking.rule import Finding
from angarium.content.letter import Letter, Mailbox
from angarium.content.preheader import with_preheader
from angarium.queue.model import UnixMs
from angarium.smtp.address import Address
from angarium.templates.rendering import Filling, Problem, ProblemKind, Rendered, Renderer
from angarium.tenancy.templates.examining import RendererBusyError
from angarium.tenancy.templates.model import Version

_BOUNDARY: Final = "=_preview"
_DATE: Final = "Thu, 1 Jan 1970 00:00:00 +0000"


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    subject: str
    preheader: str
    html: str | None  # with the preheader in it
    text: str | None
    amp: str | None
    locale: str  # of the parts that were chosen
    mail: bytes  # as it would be sent to somebody, without files
    findings: tuple[Finding, ...]

    @property
    def octets(self) -> int:
        return len(self.mail)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be looked at."""

    version: Version
    encoded: bytes  # its bundle
    data: Mapping[str, Any] | None = None  # None: its own sample
    locale: str = ""


async def preview_of(
    wanted: Wanted, renderer: Renderer, tenant: str, now: UnixMs
) -> Preview | Problem:
    """Raises RendererBusyError."""
    version = wanted.version
    data = version.content.sample if wanted.data is None else wanted.data
    filling = Filling(data=data, locale=wanted.locale, now=now)
    (found,) = await renderer.render(
        version.digest, lambda: wanted.encoded, [filling], tenant=tenant
    )
    if isinstance(found, Problem):
        if found.kind is ProblemKind.BUSY:
            raise RendererBusyError(found.message)
        return found
    return _preview(found)


def _preview(rendered: Rendered) -> Preview:
    html = rendered.html
    if html is not None and rendered.preheader:
        html = with_preheader(html, rendered.preheader)
    somebody = Mailbox(
        address=Address(text="somebody@example.com", local_part="somebody", domain="example.com")
    )
    letter = Letter(
        author=somebody,
        to=(somebody,),
        subject=rendered.subject,
        text=rendered.text,
        html=html,
        amp=rendered.amp,
        date=_DATE,
    )
    return Preview(
        subject=rendered.subject,
        preheader=rendered.preheader,
        html=html,
        text=rendered.text,
        amp=rendered.amp,
        locale=rendered.locale,
        mail=build(letter, _BOUNDARY).content,
        findings=check_rendered(
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            amp=rendered.amp,
            preheader=rendered.preheader,
        ),
    )
