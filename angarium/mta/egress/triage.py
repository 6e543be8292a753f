"""What each outcome of a transaction calls for next: another transaction, another host, or the record. Pure."""

from collections.abc import Sequence

import msgspec

from angarium.mta.egress.next_host import is_for_next_host, is_silence
from angarium.mta.egress.work import Told, Work
from angarium.mta.transport.outcome import Outcome, Scope, Transient
from angarium.mta.transport.transfer import Connection, EgressPath
from angarium.queue.model import Attempt, UnixMs

# Transactions without an answer before the recipients wait for their next attempt
TRIES = 3
# Transactions that say nothing against the recipients (``outcome.Again``), the same. Ours: as many old sessions as may
# have ended together.
DETOURS = 100


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """Each recipient of a transaction is in one of these."""

    again: Sequence[Told]  # in another transaction, at once
    next_host: Sequence[Told]  # at another host of the site, at once
    answered: Sequence[Told]
    gained: bool  # the transaction decided about some, so that the next one has fewer
    is_detour: bool  # none of those to be tried again has had a try


def triage(
    work: Work, outcomes: Sequence[Outcome], connection: Connection, *, has_others: bool
) -> Triage:
    """``has_others``: the site has hosts that have not refused these recipients."""
    again: list[Told] = []
    next_host: list[Told] = []
    answered: list[Told] = []
    gained = not all(is_unanswered(outcome, connection) for outcome in outcomes)
    for recipient, outcome in zip(work.recipients, outcomes, strict=True):
        # However few recipients a host takes at once, each transaction that it takes some in is a gain (RFC 5321
        # section 4.5.3.1.10); only those that gain nothing are counted.
        if is_unanswered(outcome, connection) and (gained or _may_try(work, outcome)):
            again.append(Told(recipient, outcome))
        elif has_others and is_for_next_host(outcome):
            next_host.append(Told(recipient, outcome))
        else:
            answered.append(Told(recipient, outcome))
    return Triage(
        again=again,
        next_host=next_host,
        answered=answered,
        gained=gained,
        is_detour=bool(again) and all(_is_detour(told.outcome) for told in again),
    )


def _is_detour(outcome: Outcome) -> bool:
    return isinstance(outcome, Transient) and outcome.again is not None


def _may_try(work: Work, outcome: Outcome) -> bool:
    return work.detours < DETOURS if _is_detour(outcome) else work.tries < TRIES - 1


def is_unanswered(outcome: Outcome, connection: Connection) -> bool:
    """Whether another transaction, at once, may do what this one did not.

    Never after a final dot: it may be delivered. Nor when the peer itself says 421 to a new connection, or for reasons
    of policy: it would say so again.
    """
    if not isinstance(outcome, Transient):
        return False
    if outcome.again is not None:
        return True
    attempt = outcome.attempt
    if attempt.enhanced == "4.5.3":  # too many recipients: the rest goes in another transaction
        return True
    if outcome.scope is not Scope.SESSION or attempt.stage == "final_dot":
        return False
    if is_silence(outcome) and connection.transfers == 1:
        return False  # it would fall silent again, for minutes; only an old session may just have been forgotten
    return not attempt.code or (connection.transfers > 1 and not attempt.enhanced.startswith("4.7"))


def hung_up(now: UnixMs, path: EgressPath, connection: Connection) -> Transient:
    """The outcome for a site whose sessions end before they carry anything."""
    attempt = Attempt(
        at=now,
        host=connection.host.name,
        address=connection.address,
        source=path.source,
        code=0,
        enhanced="4.4.2",
        text="the host closes each connection before it is given anything",
        tls="",
        stage="ehlo",
    )
    return Transient(attempt, Scope.SITE)


def defect(error: BaseException, now: UnixMs, connection: Connection | None = None) -> Transient:
    """An outcome for an attempt that met a fault of ours."""
    return _ours(now, connection, 451, "4.3.0", f"internal error: {type(error).__name__}")


def no_room(now: UnixMs, connection: Connection) -> Transient:
    """An outcome for a message whose copy, converted or encoded, is one too many in memory now."""
    return _ours(now, connection, 452, "4.3.1", "no memory for another copy of the message now")


def _ours(
    now: UnixMs, connection: Connection | None, code: int, enhanced: str, text: str
) -> Transient:
    attempt = Attempt(
        at=now,
        host="" if connection is None else connection.host.name,
        address="" if connection is None else connection.address,
        source="",
        code=code,
        enhanced=enhanced,
        text=text,
        tls="",
        stage="internal",
    )
    return Transient(attempt, Scope.MESSAGE)


def withheld(text: str, now: UnixMs, provider: str) -> Transient:
    """An outcome for a message that we may not send as it is: it waits for the operator."""
    attempt = Attempt(
        at=now,
        host="",
        address="",
        source="",
        code=451,
        enhanced="4.7.0",
        text=text,
        tls="",
        stage="internal",
        provider=provider,
        unsigned=text,
    )
    return Transient(attempt, Scope.MESSAGE)
