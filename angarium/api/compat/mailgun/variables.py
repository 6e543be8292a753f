"""Recipient variables of Mailgun: ``%recipient.name%`` in texts, filled in for each recipient. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from angarium.api.compat.faults import invalid, unsupported
from angarium.content.letter import Mailbox
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.intake.recipient_places import RecipientPlaces
from angarium.smtp.address import AddressSyntaxError, parse_mailbox

FIELD: Final = "recipient-variables"
# Mailgun puts addresses of its own in for these
_FOREIGN: Final = re.compile(r"%(?:mailing_list_|tag_)?unsubscribe_(?:url|email)%")
_NO_LINK: Final = "write the link itself; mail of bulk streams has List-Unsubscribe without it"

Variables = Mapping[str, Any]
Filling = Callable[[str], str]


def read_variables(text: str) -> dict[str, Variables]:
    """Return them by address, for ``places_of``. Raises FaultError."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise FaultError(invalid(FIELD, "is not JSON")) from None
    if not isinstance(found, dict):
        raise FaultError(invalid(FIELD, "is no object of addresses and their variables"))
    for address, values in found.items():
        if not isinstance(values, dict):
            at = f"{FIELD}.{address[:80]}"
            raise FaultError(invalid(at, "is no object of names and values"))
    return {_compared(address): values for address, values in found.items()}


class Room:
    """What all messages of one request together may have, in characters and octets; a place costs PLACE at least.

    Invariant RO1: whoever takes more than there is gets a FaultError, however small the request was.
    """

    def __init__(self, size: int) -> None:
        self._size = self._left = size

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            text = f"The messages of this request have more than {self._size} octets together: send them in several"
            raise FaultError(Fault(kind=FaultKind.TOO_LARGE, message=text, field="to"))  # RO1


def places_of(variables: Mapping[str, Variables], recipient: Mailbox) -> RecipientPlaces:
    """Return what a recipient's places are filled with; ``variables``: of all."""
    own = variables.get(recipient.address.text.lower(), {})
    return RecipientPlaces(variables=own, address=recipient.address.text, name=recipient.name)


def filling(places: RecipientPlaces, room: Room) -> Filling:
    """Return what fills in texts, as long as there is room."""
    return lambda text: places.fill(text, room.take)


def refuse_places(field: str, text: str) -> None:
    """Raises FaultError for what would go out as it is written, and lead nowhere."""
    if "%" in text and (found := _FOREIGN.search(text)) is not None:
        raise FaultError(unsupported(field, f"{found[0]} is not filled in: {_NO_LINK}"))


def _compared(address: str) -> str:
    """With its domain as A-labels, as that of the recipient is."""
    try:
        return parse_mailbox(address.strip()).text.lower()
    except AddressSyntaxError:
        return address.lower()
