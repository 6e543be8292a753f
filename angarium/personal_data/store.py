"""What a store that has personal data offers: the protocol, and the values that go over it."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import msgspec

from angarium.queue.act import Actor
from angarium.queue.person import Person


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose data, of whom, and on whose behalf."""

    person: Person
    tenant: str | None = None  # only what is this tenant's; None: all
    by: Actor


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One record that has the address, as the person may have it: nobody else's address is in it."""

    data: Mapping[str, Any]  # as JSON has it
    mail: bytes | None = None  # a whole mail that goes with it
    mail_name: str = ""  # of its file


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    changed: int = 0  # records that were deleted, or written anew without the address
    left: tuple[str, ...] = ()  # what remains, and until when


class StoreAwayError(Exception):
    """A store cannot be reached or changed now; the text says why. What was done until then stays done."""


class PersonalStore(Protocol):
    """Blocks.

    Invariant PD1: ``erase`` may be broken off anywhere; once it has returned, then or of a later try, ``find`` yields
    nothing but what its ``left`` names.
    """

    @property
    def name(self) -> str:
        """Of its file in an export, and of its line in a report."""
        ...

    def find(self, subject: Subject) -> Iterator[Found]:
        """Yield what there is. Raises StoreAwayError."""
        ...

    def erase(self, subject: Subject) -> Erased:
        """On disk when it returns. Raises StoreAwayError."""
        ...
