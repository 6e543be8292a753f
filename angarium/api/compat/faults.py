"""How a dialect says what is wrong with a request: faults with the vendor's names of its fields. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.intake.order import Fault, FaultError, FaultKind

_NATIVE: Final = re.compile(r"(messages\[\d+\]\.)?([A-Za-z]+)(.*)", re.DOTALL)


def refuse_unsupported(record: msgspec.Struct, reasons: Mapping[str, str], at: str = "") -> None:
    """Raises FaultError for the first field of the record that is given, though we lack what it asks for.

    ``reasons``: by the vendor's name of the field, what to say of it.
    """
    for field in msgspec.structs.fields(record):
        reason = reasons.get(field.encode_name)
        if reason is not None and not is_empty(getattr(record, field.name)):
            raise FaultError(unsupported(f"{at}{field.encode_name}", reason))


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


def renamed(fault: Fault, names: Mapping[str, str]) -> Fault:
    """Return the fault with the vendor's name of the native field, also where its text begins or ends with it."""
    found = _NATIVE.fullmatch(fault.field)
    name = names.get(found[2]) if found is not None else None
    if found is None or name is None:
        return fault
    field = f"{found[1] or ''}{name}{found[3]}"
    message = fault.message
    if message.startswith(fault.field):
        message = field + message.removeprefix(fault.field)
    elif message.endswith(fault.field):
        message = message.removesuffix(fault.field) + field
    return msgspec.structs.replace(fault, field=field, message=message)


def scalar_text(value: Any) -> str | None:
    """Return a string, number or truth value as JSON has it; None: it is something else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode() if isinstance(value, int | float) else None
