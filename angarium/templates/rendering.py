"""What a template is filled with, and what comes of it: values, and whoever renders. Plain values."""

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from angarium.templates.bundle import Bundle

# Ours: what SES allows, the most of all vendors
MAX_DATA_OCTETS: Final = 256 * 1024
# Ours, of all parts of one mail together: many times what mailbox providers show
MAX_RENDERED_OCTETS: Final = 4 << 20
# Ours, of a rendered subject or preheader: a header field's line (RFC 5322 section 2.1.1) and some
MAX_SUBJECT_CHARACTERS: Final = 1000


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """What one mail is made with."""

    # Plain data, as JSON has it: its names are the variables
    data: Mapping[str, Any] = {}
    locale: str = ""  # a language tag; "" or one that is not there: what comes nearest
    # Unix ms: what ``now`` is in the template; None: there is no such variable. Not the queue's type: whoever renders
    # would import the queue with it
    now: int | None = None


class Rendered(msgspec.Struct, frozen=True, kw_only=True, tag="rendered"):
    """The parts of one mail. The subject and the preheader are one line each, whatever was filled in."""

    subject: str = ""
    preheader: str = ""
    html: str | None = None  # its CSS inlined
    text: str | None = None  # made of the HTML, where the template has none
    amp: str | None = None
    locale: str = ""  # of the parts that were chosen


class ProblemKind(enum.Enum):
    """Why nothing was rendered."""

    SYNTAX = "syntax"  # the template cannot be read
    MISSING_VARIABLE = "missing_variable"
    WRONG_VARIABLE = "wrong_variable"  # it is not what the template's variables say
    TOO_LARGE = "too_large"  # what came of it, or what it was filled with
    TOO_SLOW = "too_slow"
    MEMORY = "memory"
    FAILED = "failed"  # the template says something that cannot be done with these variables
    BUSY = "busy"  # nothing was tried: too much waits, or there is nobody who renders; try again


class Problem(msgspec.Struct, frozen=True, kw_only=True, tag="problem"):
    """Nothing was rendered, and where it lies. Another try ends alike, but for ``BUSY``."""

    kind: ProblemKind
    part: str = ""  # subject, preheader, html, text, amp; "": of none alone
    line: int | None = None  # in the source of the part, from 1
    column: int | None = None  # in characters, from 1
    message: str  # for people: what is wrong, and what to do
    template: str = ""  # the layout or partial in which it is; "": the template itself
    locale: str = ""  # of the parts in which it is
    variable: str = ""  # which it is about: ``order.items[2].price``


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """What the author may want to look at. The template can be used as it is."""

    part: str = ""
    line: int | None = None
    column: int | None = None
    message: str
    template: str = ""
    locale: str = ""
    variable: str = ""


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a template before it is used. With a problem it cannot be."""

    problems: tuple[Problem, ...] = ()
    hints: tuple[Hint, ...] = ()
    used: tuple[str, ...] = ()  # variables that it asks for, sorted: ``name``, ``order.total``
    undeclared: tuple[
        str, ...
    ] = ()  # of these, those that its ``variables`` lack; none without any
    sample: Rendered | None = None  # what came of the sample data


class Renderer(Protocol):
    """Whoever renders, wherever that is. Bounded in time and size, whatever the template and the data are."""

    async def render(
        self,
        bundle_digest: str,
        load: Callable[[], bytes],
        fillings: Sequence[Filling],
        *,
        tenant: str,
    ) -> list[Rendered | Problem]:
        """Return one answer per filling, in order. Tenants take turns.

        ``load`` gives the encoded bundle of this digest; it is called only where it is not known yet, and what it
        raises goes to the caller.
        """
        ...

    async def examine(
        self, bundle: Bundle, sample: Filling | None = None, *, tenant: str
    ) -> Examination:
        """Look at a version before it is saved, and fill it with the sample once, if there is one."""
        ...
