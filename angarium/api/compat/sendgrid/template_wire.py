"""What SendGrid's clients send of templates and their versions, and what they are answered. Pure."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from angarium.queue.model import UnixMs
from angarium.templates.bundle import Parts
from angarium.tenancy.templates.index import dynamic_id
from angarium.tenancy.templates.model import Content, Template, VersionHead
from angarium.tenancy.templates.naming import Named

GENERATION: Final = "dynamic"
_PREFIX: Final = "d-"  # what begins so is a dynamic template to their clients


class WireTemplate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str | None = None
    generation: str | None = None


class WireVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is None was not given."""

    name: str | None = None
    subject: str | None = None
    html_content: str | None = None
    plain_content: str | None = None
    generate_plain_content: bool | None = None
    active: int | None = None
    editor: str | None = None
    test_data: str | dict[str, Any] | None = None
    template_id: str | None = None


def shown_id(template: Template) -> str:
    """The alias where that is a dynamic template's id to their clients; else what is made of its id."""
    return template.alias if template.alias.startswith(_PREFIX) else dynamic_id(template.id)


def name_by_number(template: Template, head: VersionHead) -> str:
    """Return the id of a version that SendGrid's clients did not change yet."""
    return str(uuid.uuid5(uuid.UUID(template.id), str(head.number)))


def template_shown(template: Template, versions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": shown_id(template),
        "name": template.name,
        "generation": GENERATION,
        "updated_at": _moment(template.changed),
        "versions": versions,
    }


def versions_shown(
    template: Template, versions: Sequence[Named], contents: Mapping[int, Content]
) -> list[dict[str, Any]]:
    """``contents``: by their numbers; of what is not there no subject, HTML and text are shown."""
    return [
        version_shown(template, each, contents.get(each.head.number), is_inner=True)
        for each in versions
    ]


def version_shown(
    template: Template, version: Named, content: Content | None, *, is_inner: bool = False
) -> dict[str, Any]:
    """``is_inner``: it is shown as a part of its template."""
    head = version.head
    shown: dict[str, Any] = {
        "id": version.name,
        "template_id": shown_id(template),
        "active": int(version.is_active),
        "name": head.comment or f"Version {head.number}",
        "updated_at": _moment(head.changed),
        "editor": "code",
        "thumbnail_url": "",
    }
    if content is not None:
        parts: Parts = content.locales[content.default_locale]
        shown |= {
            "subject": parts.subject,
            "html_content": parts.html or "",
            "plain_content": parts.text or "",
            "generate_plain_content": parts.text is None,
        }
        if not is_inner:
            shown["test_data"] = msgspec.json.encode(content.sample).decode()
    return shown


def _moment(at: UnixMs) -> str:
    return dt.datetime.fromtimestamp(at // 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
