"""How a dialect says what is wrong with a request: faults with the vendor's names of its fields. Pure."""

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.intake.order import Fault, FaultError, FaultKind

_NATIVE: Final = re.compile(r"(?:messages\[(\d+)\]\.?)?(.*)", re.DOTALL)
# ``attachments[0].contentId``: its first word, and its last
_WORDS: Final = re.compile(r"([A-Za-z]*)(.*?)((?<=\])\.[A-Za-z]+|)", re.DOTALL)


def refuse_unsupported(record: msgspec.Struct, reasons: Mapping[str, str], at: str = "") -> None:
    """Raises FaultError for the first field of the record that is given, though we lack what it asks for.

    ``reasons``: by the vendor's name of the field, what to say of it.
    """
    for attribute, name in _names(type(record)):
        if name in reasons and not is_empty(getattr(record, attribute)):
            raise FaultError(unsupported(f"{at}{name}", reasons[name]))


@functools.lru_cache(maxsize=64)  # of types: there are a dozen
def _names(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """Return each field's name here, and in JSON. Not for each request: it takes some 100 us."""
    return tuple((each.name, each.encode_name) for each in msgspec.structs.fields(kind))


def is_empty(value: object) -> bool:
    """Clients send these for what their users left out."""
    return value is None or value in ("", [], {})


def unsupported(field: str, reason: str) -> Fault:
    message = f"{field}: is not supported here: {reason}"
    return Fault(kind=FaultKind.UNSUPPORTED, message=message, field=field)


def invalid(field: str, reason: str, *addresses: str) -> Fault:
    message = f"{field}: {reason}"
    return Fault(kind=FaultKind.INVALID, message=message, field=field, addresses=addresses)


def missing(field: str, message: str = "") -> Fault:
    return Fault(
        kind=FaultKind.MISSING,
        message=message or f"Missing required field: {field}",
        field=field,
        constraint="required",
    )


def renamed(fault: Fault, names: Mapping[str, str], items: str = "messages") -> Fault:
    """Return the fault with the vendor's name of the native field, also where its text begins or ends with it.

    ``names``: by a field, by its first word, or by its last with its dot. ``items``: what the vendor calls several,
    instead of ``messages[2]``.
    """
    found = _NATIVE.fullmatch(fault.field)
    assert found is not None  # it matches anything
    index, native = found.groups()
    own = _vendors_name(native, names)
    message = fault.message
    place = ""
    if index is not None:
        place = f"{items}[{index}]"
        message = message.removeprefix(f"messages[{index}]: ")
    if native and message.startswith(native):
        message = own + message.removeprefix(native)
    elif native and message.endswith(native):
        message = message.removesuffix(native) + own
    if place:
        message = f"{place}: {message}"
    field = ".".join(each for each in (place, own) if each)
    return msgspec.structs.replace(fault, field=field, message=message)


def _vendors_name(native: str, names: Mapping[str, str]) -> str:
    if native in names:
        return names[native]
    found = _WORDS.fullmatch(native)
    assert found is not None  # it matches anything
    word, rest, last = found.groups()
    return f"{names.get(word, word)}{rest}{names.get(last, last)}"


def json_object(text: str, field: str) -> dict[str, Any]:
    """Return the object that a client has put into a text. Raises FaultError."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FaultError(invalid(field, "is no JSON object"))
    return found


def scalar_text(value: Any) -> str | None:
    """Return a string, number or truth value as JSON has it; None: it is something else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, int | float) else None
