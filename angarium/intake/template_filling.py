"""An order that names a template, and the mails that come of it. Pure.

Where one of several recipients in To has variables, each of them gets a mail of their own, as whoever sends by
the templates of SES or SendGrid expects. Else all share one.
"""

from typing import Any, Final

import msgspec

from angarium.config.languages import is_tag
from angarium.intake.order import Addressee, Fault, FaultKind, Order, TemplateUse
from angarium.intake.recipient_places import RecipientPlaces
from angarium.queue.model import UnixMs
from angarium.templates.bundle import PARTS
from angarium.templates.rendering import (
    MAX_DATA_OCTETS,
    MAX_RENDERED_OCTETS,
    Filling,
    Problem,
    ProblemKind,
    Rendered,
)
from angarium.tenancy.templates.index import ProblemOfName, TemplateEntry, TemplateProblem

TEMPLATE: Final = "templateId"
VERSION: Final = "templateVersion"
DATA: Final = "templateData"
LOCALE: Final = "locale"
# ``constraint`` of a fault about a template that there is not: dialects have a word of their own for it
NO_TEMPLATE: Final = "template"
_MESSAGE_ID: Final = "headers.Message-ID"
_NAME_CHARACTERS: Final = 200  # ours: no id, alias or locale has more
# Why nothing was rendered, for programs
_CONSTRAINTS: Final = {
    ProblemKind.SYNTAX: "template_syntax",
    ProblemKind.MISSING_VARIABLE: "required",
    ProblemKind.WRONG_VARIABLE: "template_variable",
    ProblemKind.TOO_LARGE: "max_length",
    ProblemKind.TOO_SLOW: "time_limit",
    ProblemKind.MEMORY: "memory_limit",
    ProblemKind.FAILED: "template_failed",
    ProblemKind.BUSY: "busy",
}


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message that an order comes to."""

    order: Order
    entry: TemplateEntry | None = None  # the template that it was made of
    is_one_of_several: bool = False  # of its order


def is_split(order: Order) -> bool:
    """Whether each recipient in To gets a mail of their own."""
    if order.template is None or len(order.to) < 2:
        return False
    return any(each.variables for each in order.to)


def count_recipients(order: Order) -> int:
    """Return how many deliveries it comes to."""
    others = len(order.cc) + len(order.bcc)
    return len(order.to) * (1 + others) if is_split(order) else len(order.to) + others


def split(order: Order) -> tuple[Order, ...]:
    """Return the order, or one for each recipient in To. Whoever is in Cc or Bcc gets each of them."""
    if not is_split(order):
        return (order,)
    return tuple([msgspec.structs.replace(order, to=(each,)) for each in order.to])


def find_fault_of_use(order: Order) -> Fault | None:
    """Return what makes it impossible, whatever the template is."""
    use = order.template
    if use is None:
        return None
    if order.raw is not None:
        return _invalid(TEMPLATE, "the message is written already: leave one of them out")
    if use.inline is None and (not use.name or len(use.name) > _NAME_CHARACTERS):
        return _invalid(TEMPLATE, f"has 1 to {_NAME_CHARACTERS} characters", "max_length")
    if len(use.locale) > _NAME_CHARACTERS:
        return _invalid(LOCALE, "is no language tag like de or pt-BR", "format")
    try:
        octets = len(msgspec.json.encode(use.data))
    except (UnicodeEncodeError, OverflowError, TypeError):
        return _invalid(DATA, "has half of a surrogate pair, or what is no JSON", "format")
    if octets > MAX_DATA_OCTETS:
        return _invalid(DATA, f"has more than {MAX_DATA_OCTETS} octets", "max_length")
    if is_split(order) and any(name.lower() == "message-id" for name, _ in order.fields):
        text = "each recipient gets a mail of its own, for the sake of its variables: leave it out"
        return _invalid(_MESSAGE_ID, text)
    return None


def filling_of(order: Order, use: TemplateUse, now: UnixMs) -> Filling:
    """Each variable of the only recipient wins over the data of that name."""
    data: dict[str, Any] = dict(use.data)
    if len(order.to) == 1:
        data.update(order.to[0].variables)
    return Filling(data=data, locale=use.locale, now=now)


def filled(order: Order, rendered: Rendered) -> Order:
    """Return the order with the template's parts in the place of its own, or only where it has none."""
    use = order.template
    assert use is not None  # something was rendered
    first, second = (rendered, order) if use.wins else (order, rendered)
    html = first.html if first.html is not None else second.html
    return msgspec.structs.replace(
        order,
        subject=first.subject or second.subject,
        text=first.text if first.text is not None else second.text,
        html=html,
        amp=first.amp if first.amp is not None else second.amp,
        # It stands in the HTML
        preheader=(order.preheader or rendered.preheader) if html is not None else "",
        # Which language its reader was written to in
        language=order.language or (use.locale if is_tag(use.locale) else ""),
        template=None,
    )


def with_places(rendered: Rendered, places: RecipientPlaces) -> Rendered | Problem:
    """Fill in what the template itself has of its recipient, as it is: no mark of HTML is written another way."""
    room = MAX_RENDERED_OCTETS

    def take(characters: int) -> None:
        nonlocal room
        room -= characters
        if room < 0:
            raise _TooLargeError

    parts = {name: getattr(rendered, name) for name in PARTS}
    try:
        filled = {name: each and places.fill(each, take) for name, each in parts.items()}
    except _TooLargeError:
        text = "what its places come to for a recipient is too large: fill in less"
        return Problem(kind=ProblemKind.TOO_LARGE, message=text)
    return msgspec.structs.replace(rendered, **filled)


class _TooLargeError(Exception):
    """There is no room for what is to be filled in."""


def octets_of(order: Order) -> int:
    """Return how much room the mail takes, at least."""
    parts = (order.subject, order.html, order.text, order.amp)
    files = sum(len(each.content) for each in order.attachments)
    return files + sum(len(each) for each in parts if each)


def fault_of_name(problem: TemplateProblem) -> Fault:
    """Return why the template cannot be used."""
    field = VERSION if problem.problem is ProblemOfName.NO_VERSION else TEMPLATE
    message = f"{field}: {problem.text}"
    return Fault(kind=FaultKind.INVALID, message=message, field=field, constraint=NO_TEMPLATE)


def fault_of_problem(problem: Problem, to: Addressee | None) -> Fault:
    """Return why it was not rendered, and where that lies. ``to``: whose mail it is, of several of one order."""
    field = DATA
    if problem.variable:
        field = f"{DATA}.{problem.variable[:200]}"
    elif problem.kind is ProblemKind.SYNTAX:
        field = TEMPLATE
    whose = f" (for {to.mailbox.address.text})" if to is not None else ""
    message = f"{field}: {problem.message}{_place(problem)}{whose}"
    return Fault(
        kind=FaultKind.INVALID,
        message=message,
        field=field,
        constraint=_CONSTRAINTS[problem.kind],
        line=problem.line,
        column=problem.column,
    )


def _place(problem: Problem) -> str:
    """`` (html, line 3, column 7, in the partial "footer", locale de)``"""
    words = [problem.part] if problem.part else []
    if problem.line is not None:
        words.append(f"line {problem.line}")
    if problem.column is not None:
        words.append(f"column {problem.column}")
    if problem.template:
        words.append(f'in "{problem.template}"')
    if problem.locale:
        words.append(f"locale {problem.locale}")
    return f" ({', '.join(words)})" if words else ""


def _invalid(field: str, reason: str, constraint: str = "conflict") -> Fault:
    message = f"{field}: {reason}"
    return Fault(kind=FaultKind.INVALID, message=message, field=field, constraint=constraint)
