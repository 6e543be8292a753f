"""Addresses and header fields as vendors' JSON has them, read into an order's values. Pure. Raises FaultError."""

from collections.abc import Iterable, Mapping
from typing import Any

from angarium.api.compat.faults import invalid, scalar_text
from angarium.content.letter import LetterError, Mailbox
from angarium.content.mailbox import MAX_MAILBOXES, read_mailbox, split_mailboxes
from angarium.intake.order import Addressee, FaultError


def mailbox(text: str, field: str) -> Mailbox:
    """One address, with its name or without."""
    try:
        return read_mailbox(text, field)
    except LetterError as error:
        raise FaultError(invalid(error.field, error.reason, _bare(text))) from None


def mailboxes(text: str, field: str) -> tuple[Mailbox, ...]:
    """Those between commas; none in an empty text."""
    try:
        parts = split_mailboxes(text, field)
    except LetterError as error:
        raise FaultError(invalid(error.field, error.reason, text)) from None
    if len(parts) > MAX_MAILBOXES:
        raise FaultError(invalid(field, f"has more than {MAX_MAILBOXES} addresses"))
    if len(parts) == 1:
        return (mailbox(parts[0], field),)
    return tuple(mailbox(each, f"{field}[{at}]") for at, each in enumerate(parts))


def addressees(of: Iterable[Mailbox]) -> tuple[Addressee, ...]:
    return tuple(Addressee(mailbox=each) for each in of)


def header_fields(headers: Mapping[str, Any], field: str) -> tuple[tuple[str, str], ...]:
    """Whose values are texts, numbers or truth values; they stay in their order."""
    return tuple((name, header_value(value, f"{field}.{name}")) for name, value in headers.items())


def header_value(value: Any, field: str) -> str:
    text = "" if value is None else scalar_text(value)
    if text is None:
        raise FaultError(invalid(field, "has a wrong type: a text is expected"))
    return text


def _bare(text: str) -> str:
    """What seems to be the address, of what could not be read."""
    text = text.strip()
    return text[text.rfind("<") + 1 : -1] if text.endswith(">") and "<" in text else text
