"""A template that comes with a request of SES, and is kept nowhere. Pure. Raises FaultError."""

from typing import Final

from angarium.api.compat.faults import invalid, missing
from angarium.api.compat.ses import wire
from angarium.intake.order import FaultError
from angarium.templates.bundle import MAX_PART_OCTETS, MAX_SUBJECT_OCTETS, Bundle, Part, Parts
from angarium.templates.mustache.translation import translate
from angarium.templates.rendering import Problem

_LOCALE: Final = "en"


def inline_bundle(content: wire.TemplateContent, at: str) -> Bundle:
    if not content.subject:
        raise FaultError(missing(f"{at}.Subject"))
    if not (content.text or content.html):
        raise FaultError(missing(f"{at}.Html", f"{at} must have Text or Html"))
    parts = Parts(
        subject=_translated(content.subject, "subject", f"{at}.Subject", MAX_SUBJECT_OCTETS),
        html=_translated(content.html, "html", f"{at}.Html", MAX_PART_OCTETS) or None,
        text=_translated(content.text, "text", f"{at}.Text", MAX_PART_OCTETS) or None,
    )
    return Bundle(locales={_LOCALE: parts}, default_locale=_LOCALE, syntax="mustache")


def _translated(source: str | None, part: Part, at: str, limit: int) -> str:
    if not source:
        return ""
    if len(source.encode(errors="replace")) > limit:
        raise FaultError(invalid(at, f"has more than {limit} octets"))
    found = translate(source, "ses", part=part)
    if isinstance(found, Problem):
        reason = f"{found.message} (line {found.line}, column {found.column})"
        raise FaultError(invalid(at, reason))
    return found
