"""What is on its way: recipients before their claim, after it, and packed for a connection. Plain values."""

from collections.abc import Sequence, Set
from typing import Any, Final, NamedTuple

import msgspec

from angarium.config.streams import DEFAULT_STREAM_PRIORITY
from angarium.mta.transport.outcome import Outcome, Transient
from angarium.mta.transport.transfer import Transfer
from angarium.queue.model import Claimed, ClaimedMessage, DueHead


class Group(msgspec.Struct):
    """Recipients of one message that wait, and may share a transaction; never empty."""

    heads: list[DueHead]
    moves: int = 0  # to another egress queue, since it was loaded
    moved: str = ""  # for people: from which source it was moved last, and why

    @property
    def octets(self) -> int:
        return self.heads[0].octets


class Work(msgspec.Struct, frozen=True):
    """Claimed recipients of one message, for one transaction."""

    message: ClaimedMessage
    recipients: tuple[Claimed, ...]  # at most as many as the limits allow; one partition
    tries: int = 0  # transactions of this claim that ended without an answer for these recipients
    # Hosts that refused these recipients for now: see ``next_host.refuser``
    refused_by: frozenset[str] = frozenset()
    detours: int = 0  # transactions of this claim that were no try: ``outcome.Again``
    # As ``queue.Attempt`` has them
    provider: str = ""
    dkim: tuple[str, ...] = ()
    unsigned: str = ""
    took_ms: int = 0
    # For its content, before its recipient's parts were put in; None: as many as it has
    reserved: int | None = None

    @property
    def octets(self) -> int:
        """Of the content as it is stored: so many are reserved in memory, and given back."""
        return len(self.message.content) if self.reserved is None else self.reserved


Opener = tuple[str, str, str]  # for whose mail a connection is opened: tenant, account, sender

NOBODY: Final[Opener] = ("", "", "")


def priority_of(mail: DueHead | ClaimedMessage) -> int:
    """Return its priority, 1 first; of what was accepted before there were any, the usual one."""
    return mail.priority or DEFAULT_STREAM_PRIORITY


def opener_of(head: DueHead) -> Opener:
    return (head.tenant, head.account, head.sender)


def opener_of_work(work: Work) -> Opener:
    message = work.message
    account = message.origin.user or message.origin.client
    return (message.tenant, account, message.envelope.reverse_path)


class Told(NamedTuple):
    """What one recipient came to in a transaction."""

    recipient: Claimed
    outcome: Outcome


def is_garbled(outcome: Outcome) -> bool:
    """Whether the peer broke the protocol (RFC 3463 section 3.6), rather than refused."""
    return isinstance(outcome, Transient) and (
        not outcome.attempt.code and outcome.attempt.enhanced == "4.5.0"
    )


class Parcel(msgspec.Struct, frozen=True):
    """Work, and the transaction that carries it."""

    work: Work
    transfer: Transfer

    def again(self, told: Sequence[Told], *, counts: bool, is_detour: bool) -> "Parcel":
        """Return the same for some of its recipients, once more. ``counts``: nothing was gained by the last try;
        ``is_detour``: which was none.

        After replies that were not understood it goes step by step, so that they cost nobody else's mail.
        """
        work = self.work
        part = self._part(
            told,
            tries=work.tries + (counts and not is_detour),
            detours=work.detours + (counts and is_detour),
        )
        if not any(is_garbled(each.outcome) for each in told):
            return part
        return Parcel(part.work, msgspec.structs.replace(part.transfer, in_steps=True))

    def for_next_host(self, told: Sequence[Told], refused_by: frozenset[str]) -> "Parcel":
        """Return the same for some of its recipients, for a host that is not among these."""
        return self._part(told, refused_by=refused_by)

    def _part(self, told: Sequence[Told], **changes: Any) -> "Parcel":
        return self.with_recipients(tuple([each.recipient for each in told]), **changes)

    def with_recipients(self, recipients: tuple[Claimed, ...], **changes: Any) -> "Parcel":
        """Return the same for some of its recipients."""
        return Parcel(
            msgspec.structs.replace(self.work, recipients=recipients, **changes),
            msgspec.structs.replace(self.transfer, recipients=recipients),
        )


class Referred(msgspec.Struct, frozen=True):
    """For a host that is not in ``parcel.work.refused_by``; ``outcomes`` hold if none can be asked."""

    parcel: Parcel
    outcomes: tuple[Outcome, ...]  # one per recipient


def split(
    messages: Sequence[ClaimedMessage],
    recipients_per_message: int,
    provider: str = "",
    one_by_one: Set[str] = frozenset(),
) -> list[Work]:
    """Cut claimed messages into transactions; ``one_by_one``: the streams whose recipients get one each, as do those of
    mail with personal parts.
    """
    work: list[Work] = []
    for message in messages:
        everyone = message.recipients
        is_personal = message.personal is not None
        most = 1 if is_personal or message.stream in one_by_one else recipients_per_message
        if len(everyone) <= most:
            work.append(Work(message, everyone, provider=provider))
            continue
        work.extend(
            Work(message, everyone[start : start + most], provider=provider)
            for start in range(0, len(everyone), most)
        )
    return work
