"""SendGrid's /v3/templates and their versions: dynamic ones, of which the active version is what is published."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from aiohttp import web

from angarium.api.compat.faults import invalid, missing, renamed
from angarium.api.compat.kept_templates import KeptTemplates
from angarium.api.compat.kept_versions import KeptVersions, VersionWish
from angarium.api.compat.sendgrid.callers import Callers
from angarium.api.compat.sendgrid.template_content import (
    changed,
    check_template,
    check_version,
    content_of,
)
from angarium.api.compat.sendgrid.template_wire import (
    GENERATION,
    WireTemplate,
    WireVersion,
    name_by_number,
    shown_id,
    template_shown,
    version_shown,
    versions_shown,
)
from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.reading import read_json
from angarium.intake.order import Caller, FaultError
from angarium.tenancy.templates.model import Template, TemplateChange
from angarium.tenancy.templates.naming import NamedVersion, VersionEdit

MAX_PAGE: Final = 200  # SendGrid's
# Ours, of what the versions of one template that is shown say; of older ones no content is shown
MAX_SHOWN: Final = 8 << 20
_PATH: Final = "/v3/templates"
_NAMES: Final = {
    "parts": "html_content",
    "parts.html": "html_content",
    "parts.subject": "subject",
    "parts.text": "plain_content",
    "comment": "name",
    "sample": "test_data",
    "data": "test_data",
    "alias": "name",
}


class Templates:
    def __init__(self, callers: Callers, premises: Premises) -> None:
        self._admit = callers.admit
        self._platform = premises.platform
        self._kept = KeptTemplates(premises, "sendgrid")
        self._versions = KeptVersions(premises, "sendgrid", name_by_number)

    def routes(self) -> Sequence[Route]:
        one = f"{_PATH}/{{id}}"
        versions = f"{one}/versions"
        version = f"{versions}/{{version}}"
        return (
            Route(method="POST", path=_PATH, handler=self._create),
            Route(method="GET", path=_PATH, handler=self._list),
            Route(method="GET", path=one, handler=self._get),
            Route(method="PATCH", path=one, handler=self._rename),
            Route(method="DELETE", path=one, handler=self._remove),
            Route(method="POST", path=one, handler=self._duplicate),
            Route(method="POST", path=versions, handler=self._create_version),
            Route(method="GET", path=version, handler=self._get_version),
            Route(method="PATCH", path=version, handler=self._edit_version),
            Route(method="DELETE", path=version, handler=self._remove_version),
            Route(method="POST", path=f"{version}/activate", handler=self._activate),
        )

    async def _create(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "write")
        asked = await read_json(request, WireTemplate)
        check_template(asked)
        if asked.name is None:
            raise FaultError(missing("name"))
        with _in_sendgrids_words():
            made = await self._kept.create_empty(caller, name=asked.name)
        return json_response(template_shown(made, ()), 201)

    async def _list(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "read")
        wanted = _wanted(request.query)
        found = await self._kept.list(caller) if GENERATION in wanted.generations else ()
        page = _page(found, wanted)
        listed = await self._versions.list_all(caller, page)
        shown = [
            template_shown(template, versions_shown(template, versions, {}))
            for template, versions in listed
        ]
        url = f"{request.scheme}://{request.host}{_PATH}"
        url += f"?generations={','.join(wanted.generations)}&page_size={wanted.size}"
        at = f"&page_token={wanted.after}" if wanted.after else ""
        metadata: dict[str, Any] = {"self": url + at, "count": len(found)}
        if page and page[-1].id != found[-1].id:
            metadata["next"] = f"{url}&page_token={shown_id(page[-1])}"
        name = "result" if wanted.is_paged else "templates"
        return json_response({name: shown, "_metadata": metadata})

    async def _get(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "read")
        with _in_sendgrids_words():
            return json_response(await self._shown(caller, request.match_info["id"]))

    async def _rename(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "write")
        asked = await read_json(request, WireTemplate)
        check_template(asked)
        name = request.match_info["id"]
        with _in_sendgrids_words():
            template, _ = await self._versions.list(caller, name)
            await self._kept.change(caller, template.id, TemplateChange(name=asked.name))
            return json_response(await self._shown(caller, template.id))

    async def _remove(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "write")
        with _in_sendgrids_words():
            template, _ = await self._versions.list(caller, request.match_info["id"])
            await self._kept.remove(caller, template.id)
        return web.Response(status=204)

    async def _duplicate(self, request: web.Request) -> web.Response:
        """Of its versions the active one alone, or else the newest."""
        caller = self._admit(request, "templates", "write")
        asked = WireTemplate()
        if request.can_read_body:
            asked = await read_json(request, WireTemplate)
        check_template(asked)
        with _in_sendgrids_words():
            template, versions = await self._versions.list(caller, request.match_info["id"])
            title = asked.name or f"Duplicate: {template.name}"[:100]
            if versions:
                made = await self._kept.copy(caller, template.id, title=title, publish=True)
                copied = made.template
            else:
                copied = await self._kept.create_empty(caller, name=title)
            return json_response(await self._shown(caller, copied.id), 201)

    async def _create_version(self, request: web.Request) -> web.Response:
        caller, asked = await self._asked(request)
        wish = VersionWish(
            content=content_of(asked), comment=asked.name or "", publish=asked.active == 1
        )
        with _in_sendgrids_words():
            made = await self._versions.save(caller, request.match_info["id"], wish)
        return json_response(version_shown(made.template, made, made.content), 201)

    async def _get_version(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "read")
        with _in_sendgrids_words():
            return _answer(await self._versions.find(caller, *_in_path(request)))

    async def _edit_version(self, request: web.Request) -> web.Response:
        caller, asked = await self._asked(request)
        edit = VersionEdit(
            rewrite=lambda before: changed(before, asked),
            comment=asked.name,
            publish=asked.active == 1,
        )
        with _in_sendgrids_words():
            if (
                asked.active == 0
                and (await self._versions.find(caller, *_in_path(request))).is_active
            ):
                raise FaultError(invalid("active", "this is the active version: activate another"))
            return _answer(await self._versions.edit(caller, *_in_path(request), edit))

    async def _remove_version(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "write")
        with _in_sendgrids_words():
            await self._versions.remove(caller, *_in_path(request))
        return web.Response(status=204)

    async def _activate(self, request: web.Request) -> web.Response:
        caller = self._admit(request, "templates", "write")
        with _in_sendgrids_words():
            return _answer(await self._versions.publish(caller, *_in_path(request)))

    async def _asked(self, request: web.Request) -> tuple[Caller, WireVersion]:
        """Return who asks, and what of a version."""
        caller = self._admit(request, "templates", "write")
        asked = await read_json(request, WireVersion)
        check_version(asked)
        if asked.template_id not in (None, "", request.match_info["id"]):
            raise FaultError(invalid("template_id", "is another one than that of the path"))
        return caller, asked

    async def _shown(self, caller: Caller, name: str) -> dict[str, Any]:
        template, versions, contents = await self._versions.list_with_contents(
            caller, name, room=MAX_SHOWN
        )
        return template_shown(template, versions_shown(template, versions, contents))


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What of the list is asked for."""

    generations: Sequence[str]
    size: int
    is_paged: bool  # the client knows that there are pages
    after: str  # the shown id behind which the page begins; "": from the first


def _wanted(query: Mapping[str, str]) -> _Wanted:
    for name in query:
        if name not in ("generations", "page_size", "page_token"):
            raise FaultError(invalid(name[:80], "is no parameter of this list"))
    generations = (query.get("generations") or GENERATION).split(",")
    if not {*generations} <= {"legacy", GENERATION}:
        raise FaultError(invalid("generations", "must be legacy, dynamic, or legacy,dynamic"))
    size = query.get("page_size", "")
    if size and not (
        size.isascii() and size.isdigit() and len(size) < 4 and 1 <= int(size) <= MAX_PAGE
    ):
        raise FaultError(invalid("page_size", f"must be a number from 1 to {MAX_PAGE}"))
    return _Wanted(
        generations=generations,
        size=int(size or MAX_PAGE),
        is_paged=bool(size),
        after=query.get("page_token", ""),
    )


def _page(found: Sequence[Template], wanted: _Wanted) -> Sequence[Template]:
    start = 0
    if wanted.after:
        ids = [shown_id(each) for each in found]
        if wanted.after not in ids:
            raise FaultError(invalid("page_token", "is none that was given out"))
        start = ids.index(wanted.after) + 1
    return found[start : start + wanted.size]


def _in_path(request: web.Request) -> tuple[str, str]:
    return request.match_info["id"], request.match_info["version"]


def _answer(found: NamedVersion) -> web.Response:
    return json_response(version_shown(found.template, found, found.content))


@contextlib.contextmanager
def _in_sendgrids_words() -> Iterator[None]:
    try:
        yield
    except FaultError as error:
        raise FaultError(renamed(error.fault, _NAMES)) from None
