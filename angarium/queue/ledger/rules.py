"""What becomes of a row, a batch and a campaign by what is told of them. Pure.

Invariants of every campaign that comes out of here:

LG1. Its tally has each row of the ledger in exactly one state.
LG2. It is completed only when all of its source was read, and each row has a final state.
LG3. Nothing that is over for a row is taken back but by what comes later on its way: sent, delivered, bounced.
"""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from angarium.queue.ledger.values import (
    MAX_ASKED_OCTETS,
    MAX_REASON_CHARACTERS,
    OPEN_PHASES,
    Flag,
    LedgerBatch,
    LedgerCampaign,
    LedgerRow,
    Phase,
    RowState,
    Tally,
    Told,
)
from angarium.queue.model import UnixMs
from angarium.queue.reschedule import LAST_MS

_STATES: Final = len(RowState)
_FLAGS: Final = tuple(each for each in Flag if each and each is not Flag.UNNAMED)
# What may follow a final state: a smart host's answer is not the end, nor is a mailbox's
_LATER: Final = {
    RowState.SENT: frozenset({RowState.DELIVERED, RowState.BOUNCED}),
    RowState.DELIVERED: frozenset({RowState.BOUNCED}),
}


def advance(row: LedgerRow, told: Told) -> LedgerRow | None:
    """Return the row after it; None: it is as it was (LG3)."""
    state = row.state
    if told.state is not None and _may_follow(row.state, told.state):
        state = told.state
    flag = told.flag | (Flag.DELAYED if told.state is RowState.DEFERRED else Flag.NONE)
    flags = row.flags | flag if row.message else row.flags
    if state is row.state and flags == row.flags:
        return None
    reason = told.reason[:MAX_REASON_CHARACTERS] if state is not row.state else row.reason
    # When somebody read it says who, where rows are few
    at = row.at if flag & Flag.UNNAMED and state is row.state else told.at
    return msgspec.structs.replace(row, state=state, flags=flags, at=at, reason=reason)


def _may_follow(before: RowState, after: RowState) -> bool:
    if before.is_final:
        return after in _LATER.get(before, frozenset())
    return after > before


class Count:
    """A tally while it changes."""

    def __init__(self, tally: Tally) -> None:
        self._counts = list(msgspec.structs.astuple(tally))

    def add(self, row: LedgerRow, number: int = 1) -> None:
        self._counts[row.state] += number
        if row.flags:
            for at, flag in enumerate(_FLAGS):
                if row.flags & flag:
                    self._counts[_STATES + at] += number

    def move(self, before: LedgerRow, after: LedgerRow) -> None:
        self.add(before, -1)
        self.add(after)  # LG1

    def tally(self) -> Tally:
        names = Tally.__struct_fields__
        return Tally(**dict(zip(names, self._counts, strict=True)))


def batch_after(batch: LedgerBatch, before: RowState, after: RowState, at: UnixMs) -> LedgerBatch:
    """Return a batch of which a row has moved."""
    tried = batch.tried + (before is RowState.QUEUED and after is not RowState.QUEUED)
    ended = batch.ended + (after.is_final and not before.is_final)
    is_last = ended == batch.accepted and ended > batch.ended
    return msgspec.structs.replace(
        batch, tried=tried, ended=ended, ended_at=at if is_last else batch.ended_at
    )


def batch_status(batch: LedgerBatch) -> Literal["ready", "sent", "completed"]:
    if batch.ended >= batch.accepted:
        return "completed"
    return "sent" if batch.tried >= batch.accepted else "ready"


def next_phase(campaign: LedgerCampaign) -> Phase | None:
    """Return the phase that follows from what is known of its rows; None: it is in the right one."""
    tally = campaign.tally
    match campaign.phase:
        case "processing" if campaign.is_read:
            return "ready_to_send"
        case "ready_to_send" if not tally.untried:
            return "sent"
        case "sent" if tally.ended == tally.accepted:
            return "completed"  # LG2
        case _:
            return None


def settle(campaign: LedgerCampaign, now: UnixMs) -> Iterator[LedgerCampaign]:
    """Yield it in each phase that it passes through now, and at last as it is to be kept."""
    while (phase := next_phase(campaign)) is not None:
        finished = now if phase == "completed" else campaign.finished
        campaign = msgspec.structs.replace(
            campaign, phase=phase, changed=now, finished=finished, waits=""
        )
        yield campaign
    if not campaign.finished and campaign.is_over and campaign.phase in ("cancelled", "failed"):
        yield msgspec.structs.replace(campaign, finished=now)


class Conflict(msgspec.Struct, frozen=True):
    """It is not in a state in which this can be done. Nothing was changed."""

    text: str


class Begin(msgspec.Struct, frozen=True):
    """The runner takes it up: it is processing, or scheduled where its start has not come."""


class Pause(msgspec.Struct, frozen=True):
    pass


class Resume(msgspec.Struct, frozen=True):
    pass


class Cancel(msgspec.Struct, frozen=True):
    pass


class MoveStart(msgspec.Struct, frozen=True):
    start: UnixMs  # 0, or what has passed: now


class Fail(msgspec.Struct, frozen=True):
    reason: str


class Wait(msgspec.Struct, frozen=True):
    """The runner waits for something; "": no more."""

    reason: str


class Describe(msgspec.Struct, frozen=True):
    """The runner knows more of what was asked: the same campaign, of which nothing was read."""

    asked: bytes


class QueueTold(msgspec.Struct, frozen=True):
    """The queue holds, has cancelled, or no longer holds what waits of it."""

    told: Literal["", "held", "cancelled"]


Change = Begin | Pause | Resume | Cancel | MoveStart | Fail | Wait | Describe | QueueTold


def change(campaign: LedgerCampaign, asked: Change, now: UnixMs) -> LedgerCampaign | Conflict:
    """Return it changed; the same where nothing is to be changed."""
    if isinstance(asked, QueueTold):
        return msgspec.structs.replace(campaign, told=asked.told)
    if isinstance(asked, Wait):
        return msgspec.structs.replace(campaign, waits=asked.reason[:MAX_REASON_CHARACTERS])
    if campaign.phase in ("completed", "cancelled", "failed"):
        if isinstance(asked, Cancel) and campaign.phase == "cancelled":
            return campaign
        return Conflict(f"It is {campaign.phase}: nothing of it can be changed any more")
    match asked:
        case Begin():
            return _begun(campaign, now)
        case Pause():
            return _changed(campaign, now, is_paused=True, waits="")
        case Resume():
            return _changed(campaign, now, is_paused=False)
        case Cancel():
            return _changed(campaign, now, phase="cancelled", is_paused=False, waits="")
        case Fail(reason=reason):
            text = reason[:MAX_REASON_CHARACTERS]
            return _changed(campaign, now, phase="failed", is_paused=False, reason=text, waits="")
        case MoveStart(start=start):
            return _moved(campaign, start, now)
        case Describe(asked=described):
            return _described(campaign, described, now)


def _begun(campaign: LedgerCampaign, now: UnixMs) -> LedgerCampaign:
    if campaign.phase not in OPEN_PHASES or campaign.is_paused:
        return campaign
    phase: Phase = "scheduled" if campaign.start > now else "processing"
    began = campaign.began or (now if phase == "processing" else UnixMs(0))
    return _changed(campaign, now, phase=phase, began=began)


def _moved(campaign: LedgerCampaign, start: UnixMs, now: UnixMs) -> LedgerCampaign | Conflict:
    if not 0 <= start <= LAST_MS:
        return Conflict("sendAt: is no time before the year 10000")
    if campaign.phase not in ("accept", "scheduled"):
        return Conflict("Rows of it were accepted already: its start cannot be moved")
    phase: Phase = campaign.phase if start > now else "accept"
    return _changed(campaign, now, start=start, phase=phase)


def _described(campaign: LedgerCampaign, asked: bytes, now: UnixMs) -> LedgerCampaign | Conflict:
    if campaign.phase not in ("accept", "scheduled"):
        return Conflict("Rows of it were accepted already: nothing else can be asked of it")
    if len(asked) > MAX_ASKED_OCTETS:
        return Conflict(f"What is asked of it comes to more than {MAX_ASKED_OCTETS} octets")
    return _changed(campaign, now, asked=asked, waits="")


def _changed(campaign: LedgerCampaign, now: UnixMs, **values: object) -> LedgerCampaign:
    new = msgspec.structs.replace(campaign, **values)
    return campaign if new == campaign else msgspec.structs.replace(new, changed=now)
