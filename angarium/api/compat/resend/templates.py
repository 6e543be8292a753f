"""Resend's /templates, by id or alias: what is changed is a draft until it is published."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from angarium.api.compat.faults import invalid, missing, refuse_unsupported, renamed
from angarium.api.compat.kept_templates import Kept, KeptTemplates, new_content, with_parts
from angarium.api.compat.resend.paging import page_of, read_wanted
from angarium.api.compat.resend.wire import WireTemplateContent, WireVariable
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.reading import read_json
from angarium.intake.order import Caller, FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339
from angarium.templates.bundle import Parts
from angarium.templates.variables import Variable, VariableType
from angarium.tenancy.templates.model import Content, Template, TemplateChange

_NAMES: Final = {
    "parts": "html",
    "parts.html": "html",
    "parts.subject": "subject",
    "parts.text": "text",
}
_REASON: Final = "each email says its own"
_UNSUPPORTED: Final = {"from": _REASON, "reply_to": _REASON}
_TYPES: Final[dict[str, VariableType]] = {
    "string": "string",
    "number": "number",
    "boolean": "boolean",
    "object": "object",
    "list": "array",
}
_WORDS: Final = {ours: theirs for theirs, ours in _TYPES.items()} | {"integer": "number"}


class Templates:
    """``premises.admit`` asks for a key as Resend's clients send it."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._kept = KeptTemplates(premises, "resend")

    def routes(self) -> Sequence[Route]:
        base, one = "/templates", "/templates/{id}"
        return (
            Route(method="POST", path=base, handler=self._create),
            Route(method="GET", path=base, handler=self._list),
            Route(method="GET", path=one, handler=self._get),
            Route(method="PATCH", path=one, handler=self._update),
            Route(method="DELETE", path=one, handler=self._remove),
            Route(method="POST", path=f"{one}/publish", handler=self._publish),
            Route(method="POST", path=f"{one}/duplicate", handler=self._duplicate),
        )

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        asked = await self._asked(request)
        for name, given in (("name", asked.name), ("html", asked.html)):
            if not given:
                raise FaultError(missing(name, f"Missing `{name}` field."))
        parts = Parts(subject=asked.subject or "", html=asked.html, text=asked.text)
        content = _declared(new_content(parts), asked.variables)
        try:
            made = await self._kept.create(
                caller,
                alias=asked.alias or "",
                name=asked.name or "",
                content=content,
                publish=False,
            )
        except FaultError as error:
            raise _in_resends_names(error) from None
        return json_response(_named(made.template), 201)

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "read")
        wanted = read_wanted(request.query)
        found = await self._kept.list(caller)
        by_id = {each.id: each for each in found}
        page = page_of([{"id": each.id} for each in found], wanted)
        shown = [by_id[each["id"]] for each in page["data"]]
        published = await self._kept.published_at(caller, shown)
        page["data"] = [_head(each, published.get(each.id)) for each in shown]
        return json_response(page)

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "read")
        try:
            found = await self._kept.find(caller, request.match_info["id"])
            published = await self._kept.published_at(caller, [found.template])
        except FaultError as error:
            raise _in_resends_names(error) from None
        return json_response(_shown(found, published.get(found.template.id)))

    async def _update(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        asked = await self._asked(request)
        for name in ("name", "html"):
            if getattr(asked, name) == "":
                raise FaultError(invalid(name, "cannot be empty"))
        given = {
            name: value
            for name in ("subject", "html", "text")
            if (value := getattr(asked, name)) is not None
        }
        change = TemplateChange(alias=asked.alias, name=asked.name)
        try:
            changed = await self._kept.rewrite(
                caller,
                request.match_info["id"],
                lambda before: _declared(with_parts(before, **given), asked.variables),
                change,
                publish=False,
            )
        except FaultError as error:
            raise _in_resends_names(error) from None
        return json_response(_named(changed.template))

    async def _publish(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        try:
            found = await self._kept.publish(caller, request.match_info["id"])
        except FaultError as error:
            raise _in_resends_names(error) from None
        return json_response(_named(found))

    async def _duplicate(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        try:
            made = await self._kept.copy(caller, request.match_info["id"])
        except FaultError as error:
            raise _in_resends_names(error) from None
        return json_response(_named(made.template), 201)

    async def _remove(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        try:
            found = await self._kept.remove(caller, request.match_info["id"])
        except FaultError as error:
            raise _in_resends_names(error) from None
        return json_response({**_named(found), "deleted": True})

    def _admit(self, request: web.Request, action: str) -> Caller:
        return self._premises.admit(request, "templates", action)

    async def _asked(self, request: web.Request) -> WireTemplateContent:
        asked = await read_json(request, WireTemplateContent)
        refuse_unsupported(asked, _UNSUPPORTED)
        return asked


def _declared(content: Content, variables: list[WireVariable] | None) -> Content:
    """With what is said of variables, if anything is. Raises FaultError."""
    if variables is None:
        return content
    declared: dict[str, Variable] = {}
    for at, each in enumerate(variables):
        if not each.key:
            raise FaultError(missing(f"variables[{at}].key"))
        if each.key in declared:
            raise FaultError(invalid(f"variables[{at}].key", "is there twice"))
        if each.type not in _TYPES:
            words = ", ".join(_TYPES)
            raise FaultError(invalid(f"variables[{at}].type", f"must be one of {words}"))
        fallback = each.fallback_value
        declared[each.key] = Variable(
            type=_TYPES[each.type], required=fallback is None, default=fallback
        )
    return msgspec.structs.replace(content, variables=declared)


def _in_resends_names(error: FaultError) -> FaultError:
    fault = error.fault
    if fault.kind is FaultKind.NOT_FOUND and not fault.field:
        return FaultError(msgspec.structs.replace(fault, message="Template not found"))
    return FaultError(renamed(fault, _NAMES))


def _named(template: Template) -> dict[str, Any]:
    return {"object": "template", "id": template.id}


def _head(template: Template, published: UnixMs | None) -> dict[str, Any]:
    return {
        "id": template.id,
        "name": template.name,
        "alias": template.alias,
        "status": "draft" if template.published is None else "published",
        "published_at": None if published is None else rfc3339(published),
        "created_at": rfc3339(template.created),
        "updated_at": rfc3339(template.changed),
    }


def _shown(kept: Kept, published: UnixMs | None) -> dict[str, Any]:
    template, version = kept.template, kept.version
    variables = version.content.variables or {}
    return {
        "object": "template",
        **_head(template, published),
        "current_version_id": str(uuid.uuid5(uuid.UUID(template.id), str(version.number))),
        "from": None,
        "reply_to": None,
        "subject": kept.parts.subject,
        "html": kept.parts.html,
        "text": kept.parts.text,
        "variables": [
            {
                "id": str(uuid.uuid5(uuid.UUID(template.id), key)),
                "key": key,
                "type": _WORDS.get(each.type, "string"),
                "fallback_value": each.default,
                "created_at": rfc3339(version.created),
                "updated_at": rfc3339(version.changed),
            }
            for key, each in variables.items()
        ],
        "has_unpublished_versions": version.state == "draft",
    }
