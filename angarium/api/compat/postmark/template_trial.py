"""Postmark's look at a template's content before it is saved: what is wrong in each part, or what it makes."""

from typing import Any, Final

from angarium.api.compat.faults import invalid, missing
from angarium.api.compat.postmark.wire import WireTrial
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.templates.bundle import (
    MAX_PART_OCTETS,
    MAX_SUBJECT_OCTETS,
    Bundle,
    Part,
    Parts,
    encode_bundle,
    encoded_digest,
)
from angarium.templates.mustache.translation import translate
from angarium.templates.rendering import Filling, Problem, ProblemKind, Renderer

_LOCALE: Final = "en"
_RETRY_S: Final = 1
_NAMES: Final[dict[Part, str]] = {"subject": "Subject", "html": "HtmlBody", "text": "TextBody"}


class TemplateTrial:
    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    async def run(self, tenant: str, asked: WireTrial) -> dict[str, Any]:
        """Return Postmark's answer. Raises FaultError: there is nothing to look at; nobody renders now."""
        sources: dict[Part, str | None] = {
            "subject": asked.subject,
            "html": asked.html_body,
            "text": asked.text_body,
        }
        given = {part: source for part, source in sources.items() if source}
        if not given:
            raise FaultError(missing("HtmlBody", "Provide Subject, HtmlBody or TextBody."))
        problems: list[Problem] = []
        found: dict[str, str] = {}
        for part, source in given.items():
            limit = MAX_SUBJECT_OCTETS if part == "subject" else MAX_PART_OCTETS
            if len(source.encode(errors="replace")) > limit:
                raise FaultError(invalid(_NAMES[part], f"has more than {limit} octets"))
            translated = translate(source, "postmark", part=part)
            if isinstance(translated, Problem):
                problems.append(translated)
            else:
                found[part] = translated
        if "html" not in found:
            found.setdefault("text", "")
        bundle = Bundle(
            locales={_LOCALE: Parts(**found)},
            default_locale=_LOCALE,
            syntax="mustache",
            missing="lenient",
        )
        examined = await self._renderer.examine(bundle, None, tenant=tenant)
        problems += examined.problems
        model = {**_suggested(examined.used), **asked.test_render_model}
        made: dict[str, str | None] = {}
        if not problems:
            encoded = encode_bundle(bundle)
            # A text is no value of what a loop goes through: then what is given must do
            fillings = [Filling(data=each) for each in (model, asked.test_render_model)]
            suggested_mail, own_mail = await self._renderer.render(
                encoded_digest(encoded), lambda: encoded, fillings, tenant=tenant
            )
            rendered = own_mail if isinstance(suggested_mail, Problem) else suggested_mail
            if isinstance(rendered, Problem):
                problems.append(rendered)
            else:
                made = {part: getattr(rendered, part) for part in given}
        for each in problems:
            if each.kind is ProblemKind.BUSY:
                raise FaultError(
                    Fault(kind=FaultKind.BUSY, message=each.message, retry_after_s=_RETRY_S)
                )
        answer: dict[str, Any] = {"AllContentIsValid": not problems}
        for part, name in _NAMES.items():
            if part in given:
                answer[name] = _part(part, problems, made.get(part))
        return {**answer, "SuggestedTemplateModel": model}


def _part(part: Part, problems: list[Problem], made: str | None) -> dict[str, Any]:
    """A problem of no part alone is each one's."""
    own = [each for each in problems if each.part in (part, "")]
    return {
        "ContentIsValid": not own,
        "ValidationErrors": [
            {"Message": each.message, "Line": each.line, "CharacterPosition": each.column}
            for each in own
        ],
        "RenderedContent": made,
    }


def _suggested(used: tuple[str, ...]) -> dict[str, Any]:
    """Return a value for each variable that is used: ``order.total`` is one of an object."""
    found: dict[str, Any] = {}
    for name in used:
        *outer, last = name.split(".")
        place = found
        for each in outer:
            inner = place.get(each)
            if not isinstance(inner, dict):
                inner = place[each] = {}
            place = inner
        place.setdefault(last, f"{last}_Value")
    return found
