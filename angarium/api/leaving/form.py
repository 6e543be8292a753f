"""What a POST to a page says. Pure.

A mail program's one click (RFC 8058 section 3.2) has a body of ``List-Unsubscribe=One-Click``, as form data or
urlencoded; our own forms have the field ``do``. What has neither is a click, too: nobody comes by accident to POST at
an address that only one mail has, and whose wish was lost would complain instead.
"""

from typing import Final, Literal
from urllib.parse import parse_qsl

import msgspec

URLENCODED: Final = "application/x-www-form-urlencoded"
# Ours: our largest form has a field or two for each topic
_FIELDS: Final = 1000


class OneClick(msgspec.Struct, frozen=True):
    pass


class Leave(msgspec.Struct, frozen=True):
    """The button of the first page."""


class Rejoin(msgspec.Struct, frozen=True):
    pass


class LeaveAll(msgspec.Struct, frozen=True):
    shown: tuple[str, ...]  # scopes as text


class Save(msgspec.Struct, frozen=True):
    shown: tuple[str, ...]  # scopes as text
    wanted: frozenset[str]


class Unreadable(msgspec.Struct, frozen=True):
    pass


Posted = OneClick | Leave | Rejoin | LeaveAll | Save | Unreadable


def read_form(kind: Literal["u", "p"], content_type: str, body: bytes) -> Posted:
    """``kind``: of the page. ``content_type``: without its parameters."""
    fields: list[tuple[str, str]] = []
    if content_type == URLENCODED:
        try:
            fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError:
            return Unreadable()
    do = [value for name, value in fields if name == "do"]
    shown = tuple([value for name, value in fields if name == "shown"])
    match kind, do:
        case "u", []:
            return OneClick()
        case "u", ["leave"]:
            return Leave()
        case "u", ["rejoin"]:
            return Rejoin()
        case "p", ["leave-all"]:
            return LeaveAll(shown)
        case "p", ["save"]:
            return Save(shown, frozenset([value for name, value in fields if name == "keep"]))
        case _:
            return Unreadable()
