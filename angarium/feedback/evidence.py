"""What is known of the mail that a report is about: its references once verified, and what they lead to. Pure."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from angarium.feedback.reference import (
    Expired,
    Forged,
    NotOurs,
    Reference,
    ReferenceKeys,
    UnknownKey,
    Valid,
    Verified,
)
from angarium.queue.model import MessageId
from angarium.queue.suppression_key import compared_form


class Why(StrEnum):
    """Why a report is not known to be about a recipient of ours."""

    UNSIGNED = "unsigned"
    FORGED = "forged"
    EXPIRED = "expired"
    UNKNOWN_KEY = "unknown-key"
    SEVERAL = "several"  # of the message's recipients it may be any
    OTHER_RECIPIENT = "other-recipient"  # it names somebody who is none of the message's
    UNKNOWN_RECIPIENT = "unknown-recipient"  # nothing says who it was, or whose mail it was
    DAMAGED = "damaged"  # the disk changed the report


class KnownMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What the event log still has of a message."""

    tenant: str
    stream: str
    campaign: str
    reverse_path: str
    recipients: tuple[str, ...]  # by their indexes
    topic: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of one message of ours."""

    message_id: MessageId
    index: int  # -1: known by the address only
    address: str
    tenant: str
    stream: str
    campaign: str
    sender_domain: str
    topic: str = ""  # as far as the event log still has the message


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    valid: tuple[Reference, ...] = ()  # best first
    why: Why = Why.UNSIGNED  # there is none
    claimed: MessageId = MessageId(b"")  # what one that is not believed any more refers to


def judge(verified: Sequence[Verified]) -> Evidence:
    """Weigh what became of a report's references, best evidence first."""
    valid = tuple(each.reference for each in verified if isinstance(each, Valid))
    if valid:
        return Evidence(valid=valid)
    for kind, why in _FAULTS:
        for each in verified:
            if isinstance(each, kind):
                claimed = each.reference.message_id if isinstance(each, Expired) else MessageId(b"")
                return Evidence(why=why, claimed=claimed)
    return Evidence()


_FAULTS: Final[tuple[tuple[type[Verified], Why], ...]] = (
    (Expired, Why.EXPIRED),
    (Forged, Why.FORGED),
    (UnknownKey, Why.UNKNOWN_KEY),
    (NotOurs, Why.UNSIGNED),
)


class Knowledge:
    """Answers who a reference and a reported address mean together.

    Invariant KN1: a target's address is one that we sent the message to: it stood in the reference, fits its check, or
    is the message's in the event log.
    """

    def __init__(
        self,
        keys: ReferenceKeys,
        lanes: Callable[[bytes], tuple[str, str] | None],
        messages: Mapping[MessageId, KnownMessage],
    ) -> None:
        """``lanes``: tenant and stream by ``reference.lane_of``. ``messages``: those that were looked up."""
        self._keys = keys
        self._lanes = lanes
        self._messages = messages

    def is_sufficient(
        self, reference: Reference, *, has_address: bool, asks_for_no_more: bool = False
    ) -> bool:
        """Whether the message need not be looked up: that costs a search of the log. No reference has its topic, which
        who asks for no more means.
        """
        if asks_for_no_more:
            return False
        lane = reference.tenant or self._lanes(reference.lane)
        return (
            bool(lane) and reference.index is not None and (has_address or bool(reference.address))
        )

    def named(self, reference: Reference, address: str) -> Target | Why:
        """Return the message's recipient of this address."""
        known = self._messages.get(reference.message_id)
        if reference.index is not None:
            if not self._keys.fits(reference, address):  # KN1
                return Why.OTHER_RECIPIENT
            return self._target(reference, reference.index, address)
        if known is None:
            return Why.SEVERAL
        wanted = _compared(address)
        for index, each in enumerate(known.recipients):
            if _compared(each) == wanted:  # KN1
                return self._target(reference, index, each)
        return Why.OTHER_RECIPIENT

    def only(self, reference: Reference) -> Target | Why:
        """Return the one recipient that the reference is for, whatever the report says."""
        if reference.index is None:
            return Why.SEVERAL
        if reference.address:
            return self._target(reference, reference.index, reference.address)  # KN1
        known = self._messages.get(reference.message_id)
        if known is None or reference.index >= len(known.recipients):
            return Why.UNKNOWN_RECIPIENT
        return self._target(reference, reference.index, known.recipients[reference.index])

    def whole(self, reference: Reference) -> Target | Why:
        """Return the message as such: nobody in particular."""
        return self._target(reference, -1, "")

    def _target(self, reference: Reference, index: int, address: str) -> Target | Why:
        known = self._messages.get(reference.message_id)
        lane = self._lanes(reference.lane)
        if reference.tenant:
            tenant, stream = reference.tenant, reference.stream
        elif lane is not None:
            tenant, stream = lane
        elif known is not None:
            tenant, stream = known.tenant, known.stream
        else:
            return Why.UNKNOWN_RECIPIENT
        from_log = known.reverse_path.rpartition("@")[2].lower() if known is not None else ""
        return Target(
            message_id=reference.message_id,
            index=index,
            address=address,
            tenant=tenant,
            stream=stream,
            campaign=reference.campaign or (known.campaign if known is not None else ""),
            sender_domain=reference.sender_domain or from_log,
            topic=known.topic if known is not None else "",
        )


def _compared(address: str) -> str:
    try:
        return compared_form(address)
    except ValueError:
        return ""
