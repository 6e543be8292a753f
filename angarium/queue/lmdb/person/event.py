"""An event without a person. Pure.

Events stay, under their numbers, so that all that is counted from them comes to the same: the address becomes a token.
What was said of the person alone (names, variables, the client that they read with) goes.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.queue.about import About, decode_about, encode_about
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.events.catalogue import decode_readable, encode_event
from angarium.queue.events.clicked import Clicked
from angarium.queue.events.fetched import Fetched
from angarium.queue.events.opened import Opened
from angarium.queue.model import MessageId
from angarium.queue.person import Person

_HEADER_OCTETS: Final = 3


class EventEraser:
    """Goes through events in their order, and remembers which recipients of which messages the person is."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._places: dict[MessageId, frozenset[int]] = {}

    def without(self, raw: bytes) -> bytes | None:
        """Return the event as it is to be; None: it is already. PSN1 holds of what is returned.

        Who was erased before is known by their token: what came since then, of mail that they had, is theirs too.
        """
        person = self._person
        if raw[1:_HEADER_OCTETS] == _FETCHED:
            return self._without_reader(raw)
        if not person.is_known_in(raw):
            return None
        event = decode_readable(raw)
        if isinstance(event, MessageAccepted):
            return self._accepted(raw, event)
        if isinstance(event, Opened | Clicked) and person.is_known_as(event.recipient):
            return _opened_without(raw, event, person)
        return _fields_without(raw, person)

    def _accepted(self, raw: bytes, event: MessageAccepted) -> bytes | None:
        person = self._person
        them = [at for at, each in enumerate(event.recipients) if person.is_known_as(each)]
        if them:
            self._places[event.message_id] = frozenset(them)
        about = decode_about(event.about)
        alone = bool(them) and len(them) == len(event.recipients)
        cleared = about_without(about, person, alone=alone)
        if cleared == about:
            return _fields_without(raw, person)
        changed = msgspec.structs.replace(event, about=encode_about(cleared))
        return _fields_without(encode_event(changed), person) or encode_event(changed)

    def _without_reader(self, raw: bytes) -> bytes | None:
        """Of a fetch, which names nobody but by a message and a place; its link may have the address."""
        event = decode_readable(raw)
        if (
            isinstance(event, Fetched)
            and (event.network or event.agent)
            and event.index in self._places.get(event.message_id, ())
        ):
            cleared = encode_event(msgspec.structs.replace(event, network="", agent=""))
            return _fields_without(cleared, self._person) or cleared
        return _fields_without(raw, self._person) if self._person.may_be_in(raw) else None


_FETCHED: Final = Fetched.number.to_bytes(2, "big")


def about_without(about: About, person: Person, *, alone: bool) -> About:
    """``alone``: the message is to nobody else."""

    def names(given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple([person.token if person.is_in_text(each) else each for each in given])

    def of_others(given: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        return {key: each for key, each in given.items() if not person.is_in_text(key)}

    return msgspec.structs.replace(
        about,
        subject="" if alone else person.out_of_text(about.subject),
        author=person.token if person.is_in_text(about.author) else about.author,
        to=names(about.to),
        cc=names(about.cc),
        bcc=names(about.bcc),
        reply_to=names(about.reply_to),
        metadata={} if alone else person.out_of(about.metadata),
        recipients=person.out_of(of_others(about.recipients)),
        variables=person.out_of(of_others(about.variables)),
    )


def _opened_without(raw: bytes, event: Opened | Clicked, person: Person) -> bytes | None:
    if not event.client:
        return _fields_without(raw, person)
    cleared = encode_event(msgspec.structs.replace(event, client=""))
    return _fields_without(cleared, person) or cleared


def _fields_without(raw: bytes, person: Person) -> bytes | None:
    """Of any event, also one that this Angarium does not know: by its array alone."""
    try:
        fields = msgspec.msgpack.decode(raw[_HEADER_OCTETS:])
    except msgspec.DecodeError:
        return None
    if not person.is_in(fields):
        return None
    return raw[:_HEADER_OCTETS] + msgspec.msgpack.encode(person.out_of(fields))
