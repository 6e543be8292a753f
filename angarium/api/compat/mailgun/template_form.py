"""What Mailgun's clients say of templates and their versions, in forms and queries. Pure. Raises FaultError."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from angarium.api.compat.faults import invalid, json_object, missing, unsupported
from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.mailgun.variables import refuse_places
from angarium.intake.order import Fault, FaultError, FaultKind

ENGINE: Final = "handlebars"
INITIAL: Final = "initial"  # Mailgun's tag of a first version that has none
LIMIT: Final = 100  # Mailgun's, of a page
_SUBJECT: Final = "subject"
_OWN: Final = "each mail says its own"
_UNSUPPORTED: Final = {
    "createdBy": "the audit says who did what",
    "mjml": "give HTML as template; MJML templates are kept by /v1/templates",
}
# Names of pages, and what some clients call them
_PAGES: Final = {
    "": "first",
    "first": "first",
    "last": "last",
    "next": "next",
    "previous": "previous",
    "prev": "previous",
}
T = TypeVar("T")


class TemplateForm(msgspec.Struct, frozen=True, kw_only=True):
    """What is None was not given."""

    name: str | None = None
    description: str | None = None
    template: str | None = None
    tag: str | None = None
    comment: str | None = None
    subject: str | None = None
    active: bool = False


def read_template_form(form: Iterable[FormField], allowed: Sequence[str]) -> TemplateForm:
    """``allowed``: the names that the request has; an empty field is as none, but for a description or comment."""
    values: dict[str, str] = {}
    for field in form:
        name = field.name
        if name not in allowed and name not in _UNSUPPORTED:
            text = f"{name[:80]} is no field of this request"
            raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=name[:80]))
        if name in values:
            raise FaultError(invalid(name, "is given twice"))
        values[name] = field.text()
    for name, reason in _UNSUPPORTED.items():
        if values.get(name):
            raise FaultError(unsupported(name, reason))
    if values.get("engine", ENGINE).lower() not in ("", ENGINE):
        raise FaultError(unsupported("engine", f"templates are written for {ENGINE}"))
    template = values.get("template") or None
    refuse_places("template", template or "")
    tag = values.get("tag") or None
    return TemplateForm(
        name=values.get("name") or None,
        description=values.get("description"),
        template=template,
        tag=None if tag is None else tag.lower(),
        comment=values.get("comment"),
        subject=_subject(values.get("headers", "")),
        active=_is_active(values.get("active", "")),
    )


def required(value: str | None, name: str) -> str:
    if value is None:
        raise FaultError(missing(name, f"{name} parameter is missing"))
    return value


def _subject(headers: str) -> str | None:
    """Return it of the header fields that are kept with a version; None: nothing is said of it."""
    if not headers:
        return None
    found: str | None = None
    for name, value in json_object(headers, "headers").items():
        field = f"headers.{name[:80]}"
        if not isinstance(value, str):
            raise FaultError(invalid(field, "is no text"))
        if name.lower() == _SUBJECT:
            refuse_places(field, value)
            found = value
        elif value:
            raise FaultError(unsupported(field, _OWN))
    return found


def _is_active(text: str) -> bool:
    match text.strip().lower():
        case "yes" | "true":
            return True
        case "" | "no" | "false":
            return False
    raise FaultError(invalid("active", "is not yes or no"))


class Page(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "first"
    pivot: str = ""
    limit: int = LIMIT
    shows_active: bool = False  # with what is active of each


def read_page(query: Mapping[str, str]) -> Page:
    for name in query:
        if name not in ("page", "p", "limit", "active"):
            text = f"{name[:80]}: is no parameter of this list"
            raise FaultError(Fault(kind=FaultKind.UNKNOWN_FIELD, message=text, field=name[:80]))
    page, limit = query.get("page", ""), query.get("limit", "")
    if page not in _PAGES:
        raise FaultError(invalid("page", "must be first, last, next or previous"))
    if limit and not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:4]) <= LIMIT):
        raise FaultError(invalid("limit", f"must be a number from 1 to {LIMIT}"))
    return Page(
        name=_PAGES[page],
        pivot=query.get("p", ""),
        limit=int(limit or LIMIT),
        shows_active=_is_active(query.get("active", "")),
    )


def page_of(
    items: Sequence[T], names: Sequence[str], page: Page
) -> tuple[Sequence[T], dict[str, str]]:
    """Return those of the page, and the queries of the pages around. ``names``: of each, as pivots name them."""
    at = 0
    if page.pivot:
        if page.pivot not in names:
            raise FaultError(invalid("p", "is none that was given out"))
        at = names.index(page.pivot)
    match page.name:
        case "last":
            begin, end = max(len(items) - page.limit, 0), len(items)
        case "next" if page.pivot:
            begin, end = at + 1, at + 1 + page.limit
        case "previous" if page.pivot:
            begin, end = max(at - page.limit, 0), at
        case _:
            begin, end = 0, page.limit
    shown = names[begin:end]
    first, last = (shown[0], shown[-1]) if shown else (page.pivot, page.pivot)
    limit = f"limit={page.limit}"
    return items[begin:end], {
        "first": f"page=first&{limit}",
        "last": f"page=last&{limit}",
        "next": f"page=next&p={last}&{limit}",
        "previous": f"page=previous&p={first}&{limit}",
    }
