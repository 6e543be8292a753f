"""Fills the templates that orders name, those of a batch together, before their mails are built."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import msgspec

from angarium.intake.faults import placed
from angarium.intake.order import Fault, FaultKind, Order, TemplateUse
from angarium.intake.template_filling import (
    Mail,
    fault_of_name,
    fault_of_problem,
    filled,
    filling_of,
    octets_of,
    split,
    with_places,
)
from angarium.queue.model import UnixMs
from angarium.templates.bundle import encode_bundle, encoded_digest
from angarium.templates.rendering import Filling, Problem, ProblemKind, Rendered, Renderer
from angarium.tenancy.templates.index import TemplateEntry, TemplateProblem

# Ours: what all mails of one request may come to by their templates
MAX_OCTETS: Final = 134_217_728
# Ours: mails that are handed to the renderer at once; each may come to some megabytes
LOT: Final = 32
_RETRY_AFTER_S: Final = 1


class Templates(Protocol):
    """The templates of all tenants, as they are now. No database is asked."""

    def find(
        self, tenant: str, name: str, version: int | str | None
    ) -> TemplateEntry | TemplateProblem: ...

    def load(self, digest: str) -> bytes:
        """Return an encoded bundle. Raises OSError."""
        ...


class _Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail is made of."""

    digest: str  # of the bundle
    load: Callable[[], bytes]
    entry: TemplateEntry | None  # None: it came with the order


class _Blank(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that is to be filled."""

    at: int  # which order it is of
    order: Order  # with the recipients of this mail alone
    source: _Source
    filling: Filling
    is_one_of_several: bool  # of its order


class TemplateDesk:
    """Invariant US1: what an order is made of is a template of its sender's tenant, filled with that order's data.

    Invariant US2: the mails of one request come to MAX_OCTETS at most, and one lot of them more while they are made.
    """

    def __init__(
        self, templates: Templates, renderer: Renderer, clock: Callable[[], UnixMs]
    ) -> None:
        self._templates = templates
        self._renderer = renderer
        self._clock = clock

    async def mails(
        self, tenant: str, orders: Sequence[Order | Fault], *, strict: bool
    ) -> list[tuple[Mail, ...] | Fault] | Fault:
        """Return what each order comes to, in order; or a fault of the request as a whole.

        An order without a template is one mail, as it is. ``strict``: the first order that comes to nothing is the
        fault of all, its field as it is among several. What the renderer or a bundle's file raises goes to the caller.
        """
        now = self._clock()
        found: list[list[Mail] | Fault] = []
        blanks: list[_Blank] = []
        for at, order in enumerate(orders):
            if isinstance(order, Fault):
                found.append(order)
            elif order.template is None:
                found.append([Mail(order=order)])
            else:
                source = self._source(tenant, order.template)  # US1
                if isinstance(source, TemplateProblem):
                    found.append(fault_of_name(source))
                else:
                    found.append([])
                    blanks += _blanks(at, order, order.template, source, now)
        room = MAX_OCTETS
        for lot in _lots(blanks):
            if strict and (fault := _first_fault(found)) is not None:
                return fault
            for blank, answer in zip(lot, await self._rendered(tenant, lot), strict=True):
                if isinstance(answer, Problem) and answer.kind is ProblemKind.BUSY:
                    return _busy()
                room -= _take(found, blank, answer)
            if room < 0:  # US2
                return _too_large()
        if strict and (fault := _first_fault(found)) is not None:
            return fault
        return [each if isinstance(each, Fault) else tuple(each) for each in found]

    def _source(self, tenant: str, use: TemplateUse) -> _Source | TemplateProblem:
        if use.inline is not None:
            encoded = encode_bundle(use.inline)
            return _Source(digest=encoded_digest(encoded), load=lambda: encoded, entry=None)
        entry = self._templates.find(tenant, use.name, use.version)
        if isinstance(entry, TemplateProblem):
            return entry
        digest = entry.digest
        return _Source(digest=digest, load=lambda: self._templates.load(digest), entry=entry)

    async def _rendered(self, tenant: str, lot: Sequence[_Blank]) -> Sequence[Rendered | Problem]:
        source = lot[0].source
        fillings = [each.filling for each in lot]
        return await self._renderer.render(source.digest, source.load, fillings, tenant=tenant)


def _blanks(
    at: int, order: Order, use: TemplateUse, source: _Source, now: UnixMs
) -> Iterator[_Blank]:
    parts = split(order)
    for each in parts:
        filling = filling_of(each, use, now)
        yield _Blank(
            at=at, order=each, source=source, filling=filling, is_one_of_several=len(parts) > 1
        )


def _lots(blanks: Sequence[_Blank]) -> Iterator[Sequence[_Blank]]:
    """Those of one bundle together, in the order of their first ones."""
    by_digest: dict[str, list[_Blank]] = {}
    for each in blanks:
        by_digest.setdefault(each.source.digest, []).append(each)
    for group in by_digest.values():
        for begin in range(0, len(group), LOT):
            yield group[begin : begin + LOT]


def _take(found: list[list[Mail] | Fault], blank: _Blank, answer: Rendered | Problem) -> int:
    """Return how much room is taken. An order one of whose mails cannot be made comes to none."""
    mails = found[blank.at]
    if isinstance(mails, Fault):
        return 0
    use = blank.order.template
    if isinstance(answer, Rendered) and use is not None and use.places is not None:
        answer = with_places(answer, use.places)
    if isinstance(answer, Problem):
        whose = blank.order.to[0] if blank.is_one_of_several else None
        found[blank.at] = fault_of_problem(answer, whose)
        return 0
    order = filled(blank.order, answer)
    mails.append(
        Mail(order=order, entry=blank.source.entry, is_one_of_several=blank.is_one_of_several)
    )
    return octets_of(order)


def _first_fault(found: Sequence[list[Mail] | Fault]) -> Fault | None:
    for at, each in enumerate(found):
        if isinstance(each, Fault):
            return placed(each, at, len(found))
    return None


def _busy() -> Fault:
    text = "Too many templates are being filled in now; nothing was stored: try again"
    return Fault(kind=FaultKind.BUSY, message=text, retry_after_s=_RETRY_AFTER_S)


def _too_large() -> Fault:
    text = f"The mails of this request have more than {MAX_OCTETS} octets together: send them in several"
    return Fault(kind=FaultKind.TOO_LARGE, message=text, field="body", constraint="max_length")
