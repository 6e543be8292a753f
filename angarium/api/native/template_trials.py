"""/v1/templates/{template}/preview, /test and /difference: what a version makes, before anybody relies on it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.send_wire import SendAnswer
from angarium.api.native.template_access import ONE, TemplateAccess
from angarium.api.native.template_wire import Number, OneTemplateAsked
from angarium.api.native.wire import Asked, Wire, invalid, read_query
from angarium.api.reading import read_json
from angarium.content.checking.rule import Finding, Level
from angarium.content.mailbox import read_mailbox
from angarium.intake.order import (
    Addressee,
    Fault,
    FaultError,
    FaultKind,
    Order,
    TemplateUse,
)
from angarium.intake.sending import Sending
from angarium.telemetry.timestamp import rfc3339
from angarium.templates.bundle import Part
from angarium.templates.difference import as_text, difference
from angarium.tenancy.templates.comparison import settings_changed
from angarium.tenancy.templates.index import State
from angarium.tenancy.templates.model import Version
from angarium.tenancy.templates.preview import Preview

MAX_TESTERS: Final = 50  # ours: who are to look at it


class PreviewAsked(Asked, frozen=True, kw_only=True):
    version: Number | None = None  # omitted: the published one, or else the newest
    data: Mapping[str, Any] | None = None  # omitted: the version's own sample
    locale: Annotated[str, Meta(max_length=100)] = ""


class TestAsked(PreviewAsked, frozen=True, kw_only=True):
    sender: str = msgspec.field(name="from")  # of a domain of yours that is verified
    to: (
        Annotated[str, Meta(min_length=1)]
        | Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_TESTERS)]
    )


class FindingShown(Wire, frozen=True, kw_only=True):
    """What a check of the mail found."""

    code: str  # for programs
    level: Level
    field: str
    message: str  # what is wrong, and what to do
    detail: str


class PreviewShown(Wire, frozen=True, kw_only=True):
    """The mail as it is sent."""

    version: int
    state: State
    locale: str  # of the parts that were chosen
    subject: str
    preheader: str
    html: str | None  # with the preheader in it
    text: str | None
    amp: str | None
    size: int  # octets of the whole mail, without files
    warnings: Sequence[FindingShown]


class DifferenceAsked(Asked, frozen=True, kw_only=True):
    older: Number | None = msgspec.field(name="from", default=None)  # omitted: the published one
    newer: Number | None = msgspec.field(name="to", default=None)  # omitted: the newest one
    tenant: str = ""  # omitted: the caller's own


class PartDifferenceShown(Wire, frozen=True, kw_only=True):
    """A part that is not the same."""

    locale: str
    part: Part
    is_in_old: bool
    is_in_new: bool
    lines: Sequence[str]  # of a unified diff


class DifferenceShown(Wire, frozen=True, kw_only=True):
    older: int = msgspec.field(name="from")
    newer: int = msgspec.field(name="to")
    settings: Sequence[str]  # a line for each that is another one
    parts: Sequence[PartDifferenceShown]
    text: str  # the parts as one unified diff


class TrialResource:
    def __init__(self, premises: Premises, sending: Sending) -> None:
        self._premises = premises
        self._sending = sending
        self._access = TemplateAccess(premises)

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path=f"{ONE}/preview",
                handler=self.preview,
                summary="Show the mail that a version makes. Sends nothing.",
                scope="templates:read",
                query=OneTemplateAsked,
                request=PreviewAsked,
                answers={200: PreviewShown},
            ),
            Route(
                method="POST",
                path=f"{ONE}/test",
                handler=self.test,
                summary="Send the mail that a version makes to some addresses.",
                scope="emails:send",
                query=OneTemplateAsked,
                request=TestAsked,
                answers={200: SendAnswer},
            ),
            Route(
                method="GET",
                path=f"{ONE}/difference",
                handler=self.difference,
                summary="Show what changed between two versions.",
                scope="templates:read",
                query=DifferenceAsked,
                answers={200: DifferenceShown},
            ),
        )

    async def preview(self, request: web.Request) -> web.Response:
        asking = self._access.asking(request, "read")
        asked = PreviewAsked()
        if request.can_read_body:
            asked = await read_json(request, PreviewAsked)
        found, version = await self._access.preview(
            asking, asked.version, data=asked.data, locale=asked.locale
        )
        return json_response(preview_shown(found, version))

    async def test(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "emails", "send")
        asking = self._access.about(
            request, caller, read_query(request, OneTemplateAsked).tenant, "read"
        )
        if asking.tenant != caller.tenant:
            text = "tenant: mail is sent by a key of that tenant"
            raise invalid("tenant", text, FaultKind.NO_SCOPE)
        asked = await read_json(request, TestAsked)
        version = await self._access.run(
            asking,
            lambda platform: platform.template_versions.find(
                asking.tenant, asking.name, asked.version
            ),
        )
        order = _order(asking.name, version, asked)
        found = await self._sending.send(caller, (order,))
        sent = found if isinstance(found, Fault) else found[0]
        if isinstance(sent, Fault):
            raise FaultError(sent)
        return json_response(
            SendAnswer(
                success=True,
                email_id=sent.email_id,
                message_id=sent.message_id,
                status=sent.status,
                accepted_at=rfc3339(sent.accepted_at),
                suppressed=sent.suppressed,
            )
        )

    async def difference(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "read")
        asked = read_query(request, DifferenceAsked)
        asking = self._access.about(request, caller, asked.tenant, "read")
        older, newer = await self._access.run(
            asking,
            lambda platform: platform.template_versions.pair(
                asking.tenant, asking.name, asked.older, asked.newer
            ),
        )
        return json_response(difference_shown(older, newer))


def _order(name: str, version: Version, asked: TestAsked) -> Order:
    """Raises LetterError."""
    if isinstance(asked.to, str):
        to = [read_mailbox(asked.to, "to")]
    else:
        to = [read_mailbox(each, f"to[{at}]") for at, each in enumerate(asked.to)]
    return Order(
        author=read_mailbox(asked.sender, "from"),
        to=tuple(Addressee(mailbox=each) for each in to),
        makes_text=True,
        template=TemplateUse(
            name=name,
            version=version.number,
            data=version.content.sample if asked.data is None else asked.data,
            locale=asked.locale,
        ),
        tags=("template-test",),
    )


def difference_shown(older: Version, newer: Version) -> DifferenceShown:
    parts = difference(older.content.locales, newer.content.locales)
    return DifferenceShown(
        older=older.number,
        newer=newer.number,
        settings=list(settings_changed(older.content, newer.content)),
        parts=[PartDifferenceShown(**msgspec.structs.asdict(each)) for each in parts],
        text=as_text(parts),
    )


def preview_shown(preview: Preview, version: Version) -> PreviewShown:
    return PreviewShown(
        version=version.number,
        state=version.state,
        locale=preview.locale,
        subject=preview.subject,
        preheader=preview.preheader,
        html=preview.html,
        text=preview.text,
        amp=preview.amp,
        size=preview.octets,
        warnings=[finding_shown(each) for each in preview.findings],
    )


def finding_shown(finding: Finding) -> FindingShown:
    return FindingShown(
        code=finding.code,
        level=finding.level,
        field=finding.field,
        message=finding.message,
        detail=finding.detail,
    )
