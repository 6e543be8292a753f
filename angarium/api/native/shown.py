"""Values of the queue and of insight as our dialect shows them: camelCase, times as RFC 3339, ids as text.

The struct that is answered is made of the struct that is known, field by field, so that what an operator is shown has
one owner; the API's description is made of it too, with the comments of the known one.
"""

import functools
import types
from collections.abc import Callable, Collection, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Optional,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import Meta

from angarium.api.native.wire import Time
from angarium.queue import DeliveryId, MessageId, UnixMs, delivery_id_text, message_id_text
from angarium.telemetry.timestamp import rfc3339

Convert = Callable[[Any], Any]
_PLAIN: Final = (str, int, float, bool, type(None))
_TEXT_ID = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
# What is no field of a struct on its way out: (what it is shown as, how)
_LEAVES: Final[dict[Any, tuple[Any, Convert]]] = {
    UnixMs: (Time, rfc3339),
    MessageId: (_TEXT_ID, message_id_text),
    DeliveryId: (str, delivery_id_text),
}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """How values of one type are shown."""

    type: Any  # what the answer has
    of: Convert


@functools.cache
def shown_struct(known: type[msgspec.Struct], *without: str, name: str = "") -> Shown:
    """Return how values of a struct are shown. ``without``: fields that are not.

    Raises TypeError for a field of a type that nothing is known of: at the start, and in every test.
    """
    hints = get_type_hints(known, include_extras=True)
    fields = [each for each in msgspec.structs.fields(known) if each.name not in without]
    shown = {each.name: shown_type(hints[each.name]) for each in fields}
    made: Any = msgspec.defstruct(
        name or known.__name__,
        [(each, found.type) for each, found in shown.items()],
        bases=(msgspec.Struct,),
        namespace={"__doc__": known.__doc__, "shows": classmethod(lambda _: known)},
        module=known.__module__,
        rename="camel",
        frozen=True,
        kw_only=True,
    )

    def convert(value: Any) -> Any:
        return made(**{each: found.of(getattr(value, each)) for each, found in shown.items()})

    return Shown(type=made, of=convert)


def shown_type(known: Any) -> Shown:
    if known in _LEAVES:
        kind, of = _LEAVES[known]
        return Shown(type=kind, of=of)
    if known in _PLAIN:
        return Shown(type=known, of=_same)
    if isinstance(known, type) and issubclass(known, msgspec.Struct):
        return shown_struct(known)
    supertype = getattr(known, "__supertype__", None)  # of a NewType
    if supertype is not None:
        return shown_type(supertype)
    origin, arguments = get_origin(known), get_args(known)
    if origin is Annotated:
        return shown_type(arguments[0])
    if origin is Literal:
        return Shown(type=known, of=_same)
    if origin in (Union, types.UnionType):
        return _maybe(arguments)
    if origin in (tuple, list, frozenset, Sequence, Collection) and arguments[-1] in (
        ...,
        arguments[0],
    ):
        inner = shown_type(arguments[0])
        several: Any = Sequence[inner.type]  # type: ignore[name-defined] # made now
        return Shown(type=several, of=lambda many: [inner.of(each) for each in many])
    raise TypeError(f"nothing says how {known} is shown")


def _maybe(arguments: Sequence[Any]) -> Shown:
    present = [each for each in arguments if each is not type(None)]
    if len(present) != 1:
        raise TypeError(f"nothing says how one of {present} is shown")
    inner = shown_type(present[0])
    if len(present) == len(arguments):
        return inner
    maybe: Any = Optional[inner.type]  # noqa: UP045 - a type that is made now
    return Shown(type=maybe, of=lambda value: None if value is None else inner.of(value))


def _same(value: Any) -> Any:
    return value
