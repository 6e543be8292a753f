"""Postmark's /templates, by number or alias: mails and layouts, which count as soon as they are saved."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from angarium.api.compat.faults import invalid, missing, renamed, unsupported
from angarium.api.compat.kept_templates import Kept, KeptTemplates, new_content, with_parts
from angarium.api.compat.postmark.template_trial import TemplateTrial
from angarium.api.compat.postmark.wire import WireTemplateContent, WireTrial
from angarium.api.compat.postmark.words import KEY_FIELD
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.reading import read_json
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.intake.template_filling import NO_TEMPLATE
from angarium.templates.bundle import Parts
from angarium.tenancy.templates.index import Kind, number_of
from angarium.tenancy.templates.model import Content, Template, TemplateChange

MAX_COUNT: Final = 500  # Postmark's
_KINDS: Final[Mapping[str, Kind]] = {"Standard": "mail", "Layout": "layout"}
_TYPES: Final = {kind: word for word, kind in _KINDS.items()}
_SERVER: Final = 1  # there is one, and Postmark's clients want its number
_DIGITS: Final = 15  # of a number that JSON's readers keep as it is
_NAMES: Final = {
    "alias": "Alias",
    "name": "Name",
    "layout": "LayoutTemplate",
    "parts": "HtmlBody",
    "parts.subject": "Subject",
    "parts.html": "HtmlBody",
    "parts.text": "TextBody",
}


class Templates:
    """``premises.admit`` asks for a key as Postmark's clients send it."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._kept = KeptTemplates(premises, "postmark")
        self._trial = TemplateTrial(premises.renderer)

    def routes(self) -> Sequence[Route]:
        one = "/templates/{id}"
        return tuple(
            # Resend has some of the same paths
            Route(method=method, path=path, handler=handler, claims=_has_token)
            for method, path, handler in (
                ("GET", "/templates", self._list),
                ("GET", "/templates/", self._list),
                ("POST", "/templates", self._create),
                ("POST", "/templates/", self._create),
                ("POST", "/templates/validate", self._validate),
                ("GET", one, self._get),
                ("PUT", one, self._edit),
                ("DELETE", one, self._delete),
            )
        )

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "read")
        query = {name.lower(): value for name, value in request.query.items()}
        for name in query:
            if name not in ("count", "offset", "templatetype", "layouttemplate"):
                raise FaultError(invalid(name[:80], "is no parameter of this list"))
        count = _number(query, "count", 100, MAX_COUNT)
        offset = _number(query, "offset", 0, 10_000)
        word, layout = query.get("templatetype") or "All", query.get("layouttemplate", "")
        if word != "All" and word not in _KINDS:
            raise FaultError(invalid("TemplateType", "must be one of All, Standard, Layout"))
        found = [
            each for each in await self._all(caller) if word == "All" or each.kind == _KINDS[word]
        ]
        if layout:
            kept = await self._kept.versions(caller, found)
            found = [each for each in found if each.id in kept and _layout(kept[each.id]) == layout]
        page = found[offset : offset + count]
        kept = await self._kept.versions(caller, page)
        shown = [_head(each, kept.get(each.id)) for each in page]
        return json_response({"TotalCount": len(found), "Templates": shown})

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "read")
        found = await self._found(caller, request)
        kept = (await self._kept.versions(caller, [found])).get(found.id)
        parts = Parts() if kept is None else kept.parts
        return json_response(
            {
                **_head(found, kept),
                "Subject": parts.subject,
                "HtmlBody": parts.html,
                "TextBody": parts.text,
                "AssociatedServerId": _SERVER,
            }
        )

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "write")
        asked = await read_json(request, WireTemplateContent)
        if not asked.name:
            raise FaultError(missing("Name"))
        word = asked.template_type or "Standard"
        if word not in _KINDS:
            raise FaultError(invalid("TemplateType", "must be one of Standard, Layout"))
        if word == "Standard" and not asked.subject:
            raise FaultError(missing("Subject"))
        _check_layout(_KINDS[word], asked)
        parts = Parts(
            subject=asked.subject or "", html=asked.html_body or None, text=asked.text_body or None
        )
        content = msgspec.structs.replace(new_content(parts), layout=asked.layout_template or "")
        try:
            made = await self._kept.create(
                caller,
                alias=asked.alias or "",
                name=asked.name,
                content=content,
                publish=True,
                kind=_KINDS[word],
            )
        except FaultError as error:
            raise FaultError(renamed(error.fault, _NAMES)) from None
        return json_response(_head(made.template, made))

    async def _edit(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "write")
        asked = await read_json(request, WireTemplateContent)
        found = await self._found(caller, request)
        if asked.template_type not in (None, "", _TYPES[found.kind]):
            raise FaultError(invalid("TemplateType", "stays as it is"))
        if asked.name == "":
            raise FaultError(invalid("Name", "cannot be empty"))
        _check_layout(found.kind, asked)
        given = {
            name: value
            for name, value in (
                ("subject", asked.subject),
                ("html", asked.html_body),
                ("text", asked.text_body),
            )
            if value is not None
        }

        def rewrite(before: Content) -> Content:
            layout = before.layout if asked.layout_template is None else asked.layout_template
            return msgspec.structs.replace(with_parts(before, **given), layout=layout)

        change = TemplateChange(alias=asked.alias or None, name=asked.name)
        try:
            kept = await self._kept.rewrite(caller, found.id, rewrite, change, publish=True)
        except FaultError as error:
            raise FaultError(renamed(error.fault, _NAMES)) from None
        return json_response(_head(kept.template, kept))

    async def _delete(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "write")
        found = await self._found(caller, request)
        await self._kept.remove(caller, found.id)
        return json_response(
            {"ErrorCode": 0, "Message": f"Template {shown_number(found)} removed."}
        )

    async def _validate(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "templates", "read")
        asked = await read_json(request, WireTrial)
        if asked.inline_css_for_html_test_render is False:
            reason = "the styles of a template's HTML are inlined; leave it out"
            raise FaultError(unsupported("InlineCssForHtmlTestRender", reason))
        if asked.layout_template:
            reason = "content is looked at without its layout; leave it out"
            raise FaultError(unsupported("LayoutTemplate", reason))
        return json_response(await self._trial.run(caller.tenant, asked))

    async def _all(self, caller: Caller) -> list[Template]:
        found = await self._kept.list(caller, kind=None)
        return [each for each in found if each.kind in _TYPES]

    async def _found(self, caller: Caller, request: web.Request) -> Template:
        """By its alias, its id or its number. Raises FaultError."""
        name = request.match_info["id"]
        templates = await self._all(caller)
        for named in (
            [each for each in templates if name in (each.alias, each.id)],
            [each for each in templates if name == str(number_of(each.id))],
        ):
            if named:
                return named[0]
        raise FaultError(
            Fault(kind=FaultKind.INVALID, message="", field="TemplateId", constraint=NO_TEMPLATE)
        )


def shown_number(template: Template) -> int:
    """Mail may name it by that: what is all digits is an alias, others have a number made of their id."""
    alias = template.alias
    if alias.isascii() and alias.isdigit() and len(alias) <= _DIGITS and str(int(alias)) == alias:
        return int(alias)
    return number_of(template.id)


def _head(template: Template, kept: Kept | None) -> dict[str, Any]:
    return {
        "TemplateId": shown_number(template),
        "Name": template.name,
        "Active": template.published is not None,
        "Alias": template.alias,
        "TemplateType": _TYPES[template.kind],
        "LayoutTemplate": None if kept is None else _layout(kept) or None,
    }


def _layout(kept: Kept) -> str:
    return kept.version.content.layout


def _check_layout(kind: Kind, asked: WireTemplateContent) -> None:
    """Raises FaultError."""
    if kind == "layout":
        for name, given in (("Subject", asked.subject), ("LayoutTemplate", asked.layout_template)):
            if given:
                raise FaultError(invalid(name, "a layout has none"))


def _number(query: Mapping[str, str], name: str, usual: int, most: int) -> int:
    text = query.get(name) or str(usual)
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= most):
        raise FaultError(invalid(name.capitalize(), f"must be a number up to {most}"))
    return int(text)


def _has_token(request: web.Request) -> bool:
    return KEY_FIELD in request.headers
