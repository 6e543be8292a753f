"""What a SendGrid version says, as a version of ours. Raises FaultError, whose field is SendGrid's."""

import re
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, json_object, missing, unsupported
from angarium.api.compat.kept_templates import new_content
from angarium.api.compat.sendgrid.template_wire import GENERATION, WireTemplate, WireVersion
from angarium.intake.order import FaultError
from angarium.templates.bundle import Parts
from angarium.tenancy.templates.model import Content

MAX_NAME: Final = 100  # SendGrid's, as the next
MAX_SUBJECT: Final = 255
# Of templates of the older kind: each would go out as it is written
_LEGACY: Final = re.compile(r"<%\s*(?:body|subject)\s*%>")
_TEXTS: Final = ("subject", "html_content", "plain_content")


def check_template(asked: WireTemplate) -> None:
    if asked.generation not in (None, "", GENERATION):
        raise FaultError(unsupported("generation", f"templates are {GENERATION} ones"))
    check_name(asked.name)


def check_name(name: str | None) -> None:
    """None: none is given, and none is needed."""
    if name == "":
        raise FaultError(missing("name"))
    if len(name or "") > MAX_NAME:
        raise FaultError(invalid("name", f"has more than {MAX_NAME} characters"))


def check_version(asked: WireVersion) -> None:
    check_name(asked.name)
    if asked.editor not in (None, "", "code"):
        reason = "what the design editor makes is kept as HTML; leave it out, or say code"
        raise FaultError(unsupported("editor", reason))
    if asked.active not in (None, 0, 1):
        raise FaultError(invalid("active", "must be 0 or 1"))
    if len(asked.subject or "") > MAX_SUBJECT:
        raise FaultError(invalid("subject", f"has more than {MAX_SUBJECT} characters"))
    for field in _TEXTS:
        found = _LEGACY.search(getattr(asked, field) or "")
        if found is not None:
            reason = f"{found[0]} is of legacy templates: write variables as {{{{name}}}}"
            raise FaultError(unsupported(field, reason))


def content_of(asked: WireVersion) -> Content:
    """Of a new version."""
    if asked.name is None:
        raise FaultError(missing("name"))
    if not asked.subject:
        raise FaultError(missing("subject"))
    return changed(new_content(Parts()), asked)


def changed(before: Content, asked: WireVersion) -> Content:
    """What is not given stays."""
    default = before.default_locale
    parts = before.locales[default]
    given: dict[str, Any] = {}
    if asked.subject is not None:
        given["subject"] = asked.subject
    if asked.html_content is not None:
        given["html"] = asked.html_content or None
    if asked.generate_plain_content:
        given["text"] = None  # one is made of the HTML
    elif asked.plain_content is not None:
        given["text"] = asked.plain_content or None
    elif asked.generate_plain_content is False and parts.text is None:
        raise FaultError(missing("plain_content", "plain_content is required: it is not generated"))
    sample = before.sample if asked.test_data is None else _sample(asked.test_data)
    return msgspec.structs.replace(
        before,
        locales={**before.locales, default: msgspec.structs.replace(parts, **given)},
        sample=sample,
    )


def _sample(given: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    return json_object(given, "test_data") if given else {}
