"""SES's templates: what is saved counts at once, and one that is rendered to be looked at is sent to nobody."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, json_object, missing, renamed, unsupported
from angarium.api.compat.kept_templates import KeptTemplates, new_content, with_parts
from angarium.api.compat.raw_mail import open_raw
from angarium.api.compat.ses import wire
from angarium.api.compat.ses.answers import ALREADY, LIMIT
from angarium.api.native.premises import Premises
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.templates.bundle import Parts
from angarium.tenancy.templates.model import Content, TemplateChange

MAX_PAGE: Final = 100  # of Amazon
_USUAL_PAGE: Final = 10
_CONTENT: Final = "TemplateContent"
_NAMES: Final = {
    "alias": "TemplateName",
    "name": "TemplateName",
    "data": "TemplateData",
    "parts": _CONTENT,
    "parts.subject": f"{_CONTENT}.Subject",
    "parts.html": f"{_CONTENT}.Html",
    "parts.text": f"{_CONTENT}.Text",
}
# Of a mail that nobody gets
_ENVELOPE: Final = frozenset({b"from", b"to", b"date"})


class SesTemplates:
    """Each method raises FaultError."""

    def __init__(self, premises: Premises) -> None:
        self._kept = KeptTemplates(premises, "ses")

    async def create(self, caller: Caller, asked: wire.CreateEmailTemplate) -> dict[str, Any]:
        name = asked.template_name or ""
        if not name:
            raise FaultError(missing("TemplateName"))
        if asked.tags:
            raise FaultError(unsupported("Tags", "templates have none"))
        content = _strict(new_content(_parts(asked.template_content)))
        try:
            await self._kept.create(caller, alias=name, name=name, content=content, publish=True)
        except FaultError as error:
            fault = error.fault
            if fault.kind is FaultKind.CONFLICT:
                taken = fault.field == "alias"
                text = f"Template {name[:64]} already exists." if taken else fault.message
                constraint = ALREADY if taken else LIMIT
                fault = Fault(kind=FaultKind.INVALID, message=text, constraint=constraint)
            raise FaultError(renamed(fault, _NAMES)) from None
        return {}

    async def get(self, caller: Caller, name: str) -> dict[str, Any]:
        try:
            found = await self._kept.find(caller, name)
        except FaultError as error:
            raise _in_sess_words(error, name) from None
        parts = {
            "Subject": found.parts.subject,
            "Text": found.parts.text,
            "Html": found.parts.html,
        }
        given = {each: text for each, text in parts.items() if text is not None}
        return {"TemplateName": found.template.alias, _CONTENT: given}

    async def list(self, caller: Caller, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        limit, after = _page(query)
        found = await self._kept.list(caller)
        start = 0
        if after:
            ids = [each.id for each in found]
            if after not in ids:
                raise FaultError(invalid("NextToken", "is none that was given out"))
            start = ids.index(after) + 1
        page = found[start : start + limit]
        answer: dict[str, Any] = {
            "TemplatesMetadata": [
                {"TemplateName": each.alias, "CreatedTimestamp": each.created / 1000}
                for each in page
            ]
        }
        if start + limit < len(found):
            answer["NextToken"] = page[-1].id
        return answer

    async def update(
        self, caller: Caller, name: str, asked: wire.UpdateEmailTemplate
    ) -> dict[str, Any]:
        if asked.template_name not in (None, name):
            raise FaultError(invalid("TemplateName", "is another one than that of the path"))
        parts = _parts(asked.template_content)

        def rewrite(before: Content) -> Content:
            changed = with_parts(before, subject=parts.subject, html=parts.html, text=parts.text)
            return _strict(changed)

        try:
            await self._kept.rewrite(caller, name, rewrite, TemplateChange(), publish=True)
        except FaultError as error:
            raise _in_sess_words(error, name) from None
        return {}

    async def delete(self, caller: Caller, name: str) -> dict[str, Any]:
        try:
            await self._kept.remove(caller, name)
        except FaultError as error:
            raise _in_sess_words(error, name) from None
        return {}

    async def render(
        self, caller: Caller, name: str, asked: wire.RenderEmailTemplate
    ) -> dict[str, Any]:
        if asked.template_name not in (None, name):
            raise FaultError(invalid("TemplateName", "is another one than that of the path"))
        if not asked.template_data:
            raise FaultError(missing("TemplateData"))
        data = json_object(asked.template_data, "TemplateData")
        try:
            mail = (await self._kept.preview(caller, name, data)).mail
        except FaultError as error:
            raise _in_sess_words(error, name) from None
        shown = open_raw(mail, "TemplateData").without(_ENVELOPE)
        return {"RenderedTemplate": shown.decode(errors="replace")}


def _strict(content: Content) -> Content:
    """A variable that a mail writes must be given, as with SES."""
    return msgspec.structs.replace(content, missing="strict")


def _parts(content: wire.TemplateContent | None) -> Parts:
    if content is None:
        raise FaultError(missing(_CONTENT))
    if not (content.text or content.html):
        raise FaultError(missing(f"{_CONTENT}.Html", f"{_CONTENT} must have Text or Html"))
    return Parts(
        subject=content.subject or "", html=content.html or None, text=content.text or None
    )


def _page(query: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Return how many are wanted, and the id behind which; "": from the first."""
    values: dict[str, str] = {}
    for name, value in query:
        if name not in ("NextToken", "PageSize"):
            text = f"{name[:80]} is no parameter of this request"
            raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=name[:80]))
        if name in values:
            raise FaultError(invalid(name, "is given twice"))
        values[name] = value
    size = values.get("PageSize") or str(_USUAL_PAGE)
    if not (size.isascii() and size.isdigit() and 1 <= int(size[:4]) <= MAX_PAGE):
        raise FaultError(invalid("PageSize", f"is no number from 1 to {MAX_PAGE}"))
    return int(size[:4]), values.get("NextToken", "")


def _in_sess_words(error: FaultError, name: str) -> FaultError:
    fault = error.fault
    if fault.kind is FaultKind.NOT_FOUND:
        message = f"Template {name[:64]} does not exist."
        return FaultError(msgspec.structs.replace(fault, message=message))
    if fault.kind is FaultKind.CONFLICT:
        return FaultError(msgspec.structs.replace(fault, kind=FaultKind.INVALID))
    return FaultError(renamed(fault, _NAMES))
