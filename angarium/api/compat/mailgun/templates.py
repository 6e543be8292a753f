"""Mailgun's templates and their versions, by name and tag: what is active is what is published.

They are the tenant's, whatever domain the path names; /v4/templates names none.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from email.utils import formatdate
from typing import Any, Final

from aiohttp import web

from angarium.api.compat.faults import invalid, renamed, unsupported
from angarium.api.compat.kept_templates import KeptTemplates, new_content, with_parts
from angarium.api.compat.kept_versions import KeptVersions, VersionWish
from angarium.api.compat.mailgun.callers import Callers
from angarium.api.compat.mailgun.form import read_form
from angarium.api.compat.mailgun.template_form import (
    ENGINE,
    INITIAL,
    TemplateForm,
    page_of,
    read_page,
    read_template_form,
    required,
)
from angarium.api.dialect import Handler, Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.intake.order import Caller, FaultError
from angarium.templates.bundle import Parts
from angarium.tenancy.templates.model import Content, Template, TemplateChange, VersionHead
from angarium.tenancy.templates.naming import Named, NamedVersion, VersionEdit

_BASES: Final = ("/v3/{domain}/templates", "/v4/templates")
_OF_VERSION: Final = ("template", "tag", "comment", "engine", "headers")
_NAMES: Final = {
    "parts": "template",
    "parts.html": "template",
    "parts.text": "template",
    "parts.subject": "headers.Subject",
    "alias": "name",
    "name": "description",
}


class Templates:
    def __init__(self, callers: Callers, premises: Premises) -> None:
        self._callers = callers
        self._kept = KeptTemplates(premises, "mailgun")
        self._versions = KeptVersions(premises, "mailgun", _name_by_number)

    def routes(self) -> Sequence[Route]:
        handlers: tuple[tuple[str, str, Handler], ...] = (
            ("POST", "", self._create),
            ("GET", "", self._list),
            ("DELETE", "", self._remove_all),
            ("GET", "/{name}", self._get),
            ("PUT", "/{name}", self._describe),
            ("DELETE", "/{name}", self._remove),
            ("POST", "/{name}/versions", self._create_version),
            ("GET", "/{name}/versions", self._list_versions),
            ("GET", "/{name}/versions/{tag}", self._get_version),
            ("PUT", "/{name}/versions/{tag}", self._edit_version),
            ("DELETE", "/{name}/versions/{tag}", self._remove_version),
            ("PUT", "/{name}/versions/{tag}/copy/{new_tag}", self._copy_version),
        )
        return tuple(
            Route(method=method, path=base + tail, handler=handler)
            for base in _BASES
            for method, tail, handler in handlers
        )

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        form = await _form(request, ("name", "description", *_OF_VERSION))
        name = required(form.name, "name").lower()
        title = form.description or ""
        if form.template is None:
            for given, field in (
                (form.tag, "tag"),
                (form.comment, "comment"),
                (form.subject, "headers"),
            ):
                if given:
                    raise FaultError(invalid(field, "is of a version: give template, too"))
        with _in_mailguns_words():
            if form.template is None:
                made = await self._kept.create_empty(caller, alias=name, name=title)
                shown = {**_head(made), "version": None}
            else:
                version = await self._versions.create(
                    caller, alias=name, name=title, wish=_wish(form, form.tag or INITIAL)
                )
                shown = {**_head(version.template), "version": _whole(version)}
        return json_response({"message": "template has been stored", "template": shown})

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "read")
        page = read_page(request.query)
        found = (await self._kept.list(caller))[::-1]
        shown, queries = page_of(found, [each.alias for each in found], page)
        items = []
        for each in shown:
            item = _head(each)
            if page.shows_active:
                item["version"] = await self._active(caller, each)
            items.append(item)
        return json_response({"items": items, "paging": _paging(request, queries)})

    async def _remove_all(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        if "domain" in request.match_info and len(caller.domains) > 1:
            reason = "all domains have the same templates: remove each by its name, or all by DELETE /v4/templates"
            raise FaultError(unsupported("domain", reason))
        await self._kept.remove_own(caller)
        return json_response({"message": "templates have been deleted"})

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "read")
        page = read_page(request.query)
        with _in_mailguns_words():
            template, _ = await self._versions.list(caller, request.match_info["name"])
            shown = _head(template)
            if page.shows_active:
                shown["version"] = await self._active(caller, template)
        return json_response({"template": shown})

    async def _describe(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        form = await _form(request, ("description",))
        with _in_mailguns_words():
            template, _ = await self._versions.list(caller, request.match_info["name"])
            if form.description is not None:
                change = TemplateChange(name=form.description)
                template = await self._kept.change(caller, template.id, change)
        return json_response({"message": "template has been updated", "template": _head(template)})

    async def _remove(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        with _in_mailguns_words():
            template, _ = await self._versions.list(caller, request.match_info["name"])
            await self._kept.remove(caller, template.id)
        named = {"name": template.alias}
        return json_response({"message": "template has been deleted", "template": named})

    async def _create_version(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        form = await _form(request, (*_OF_VERSION, "active"))
        required(form.template, "template")
        wish = _wish(form, required(form.tag, "tag"))
        with _in_mailguns_words():
            made = await self._versions.save(caller, request.match_info["name"], wish)
        shown = {**_head(made.template), "version": _whole(made)}
        text = "new version of the template has been stored"
        return json_response({"message": text, "template": shown})

    async def _list_versions(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "read")
        page = read_page(request.query)
        with _in_mailguns_words():
            template, versions = await self._versions.list(caller, request.match_info["name"])
        found = versions[::-1]
        shown, queries = page_of(found, [each.name for each in found], page)
        listed = {**_head(template), "versions": [_version(template, each) for each in shown]}
        return json_response({"template": listed, "paging": _paging(request, queries)})

    async def _get_version(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "read")
        with _in_mailguns_words():
            found = await self._versions.find(caller, *_in_path(request))
        return json_response({"template": {**_head(found.template), "version": _whole(found)}})

    async def _edit_version(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        form = await _form(request, ("template", "comment", "active", "headers", "engine"))
        name, tag = _in_path(request)
        edit = VersionEdit(rewrite=_rewrite(form), comment=form.comment, publish=form.active)
        says_nothing = form.template is None and form.subject is None and form.comment is None
        with _in_mailguns_words():
            if says_nothing and form.active:
                found = await self._versions.publish(caller, name, tag)
            else:
                found = await self._versions.edit(caller, name, tag, edit)
        return _told("version has been updated", found.template.alias, found.name)

    async def _remove_version(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        name, tag = _in_path(request)
        with _in_mailguns_words():
            template, _ = await self._versions.list(caller, name)
            found = await self._versions.remove(caller, template.id, tag)
        return _told("version has been deleted", template.alias, found.name)

    async def _copy_version(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "write")
        for each in request.query:
            if each != "comment":
                raise FaultError(invalid(each[:80], "is no parameter of this request"))
        form = await _form(request, ("comment",))
        comment = request.query.get("comment", form.comment)
        name, tag = _in_path(request)
        new_tag = request.match_info["new_tag"].lower()
        with _in_mailguns_words():
            made = await self._versions.copy(caller, name, tag, new_tag, comment)
        text = "version has been copied"
        return json_response(
            {"message": text, "version": _whole(made), "template": {"tag": made.name}}
        )

    def _admit(self, request: web.Request, action: str) -> Caller:
        """Raises FaultError, also for a domain that is not the caller's."""
        if "domain" in request.match_info:
            return self._callers.of_domain(request, "templates", action)[0]
        return self._callers.admit(request, "templates", action)

    async def _active(self, caller: Caller, template: Template) -> dict[str, Any] | None:
        found = await self._versions.find_active(caller, template.id)
        return None if found is None else _whole(found)


def _name_by_number(_: Template, head: VersionHead) -> str:
    return str(head.number)


async def _form(request: web.Request, allowed: Sequence[str]) -> TemplateForm:
    return read_template_form(await read_form(request) if request.can_read_body else (), allowed)


def _wish(form: TemplateForm, tag: str) -> VersionWish:
    parts = Parts(subject=form.subject or "", html=form.template)
    return VersionWish(
        content=new_content(parts), comment=form.comment or "", tag=tag, publish=form.active
    )


def _rewrite(form: TemplateForm) -> Callable[[Content], Content]:
    given = {"subject": form.subject, "html": form.template}
    changed = {name: each for name, each in given.items() if each is not None}
    return lambda before: with_parts(before, **changed)


def _in_path(request: web.Request) -> tuple[str, str]:
    return request.match_info["name"], request.match_info["tag"]


def _head(template: Template) -> dict[str, Any]:
    return {
        "name": template.alias,
        "description": "" if template.name == template.alias else template.name,
        "createdAt": formatdate(template.created / 1000, usegmt=True),
        "createdBy": "",
        "id": template.id,
    }


def _version(template: Template, version: Named) -> dict[str, Any]:
    return {
        "tag": version.name,
        "engine": ENGINE,
        "mjml": "",
        "createdAt": formatdate(version.created / 1000, usegmt=True),
        "comment": version.head.comment,
        "active": version.is_active,
        "id": f"{template.id}-{version.numbers[-1]}",
    }


def _whole(version: NamedVersion) -> dict[str, Any]:
    content = version.content
    parts = content.locales[content.default_locale]
    shown = {**_version(version.template, version), "template": parts.html or parts.text or ""}
    return {**shown, "headers": {"Subject": parts.subject}} if parts.subject else shown


def _paging(request: web.Request, queries: dict[str, str]) -> dict[str, str]:
    url = f"{request.scheme}://{request.host}{request.path}"
    return {name: f"{url}?{query}" for name, query in queries.items()}


def _told(message: str, name: str, tag: str) -> web.Response:
    template = {"name": name, "version": {"tag": tag}}
    return json_response({"message": message, "template": template})


@contextlib.contextmanager
def _in_mailguns_words() -> Iterator[None]:
    try:
        yield
    except FaultError as error:
        raise FaultError(renamed(error.fault, _NAMES)) from None
