"""One parcel through one transaction, and where each of its recipients goes then."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import msgspec

from angarium.mta.egress.next_host import refuser
from angarium.mta.egress.shared import EgressShared, Way
from angarium.mta.egress.triage import Triage, defect, no_room, triage
from angarium.mta.egress.work import Parcel, Told, Work
from angarium.mta.transport.outcome import Outcome, Taken
from angarium.mta.transport.transfer import Connection, Transfer
from angarium.queue.message_id import message_id_text
from angarium.telemetry.log import log_ids


class TakesAgain(Protocol):
    """Has a parcel carried once more; ``claiming`` does."""

    def put_first(self, parcel: Parcel) -> None: ...


class TakesReferred(Protocol):
    """Has a parcel carried to the site's other hosts; ``referrals`` does."""

    def has_others(self, refused_by: frozenset[str]) -> bool: ...

    def refer(
        self, parcel: Parcel, refused: Sequence[Told], refused_by: frozenset[str]
    ) -> None: ...


class Carriage:
    """Of one egress queue.

    Invariant CG1: after a transaction each recipient is recorded, waits to be carried again, or is referred; and the
    octets of those that are neither of the last two are free.
    """

    def __init__(
        self, shared: EgressShared, way: Way, claims: TakesAgain, referrals: TakesReferred
    ) -> None:
        self._shared = shared
        self._way = way
        self._claims = claims
        self._referrals = referrals
        self.busy = 0  # connections in a transfer

    async def carry(self, connection: Connection, parcel: Parcel) -> Sequence[Outcome]:
        """Return the outcomes, one per recipient. Raises only when cancelled: the claim stays on disk, in doubt."""
        shared, work = self._shared, parcel.work
        shared.give_way()
        self.busy += 1
        began = shared.clock()
        shared.policy.begins(work, site := self._way.site)
        try:
            transfer = await self._suited(connection, parcel)
            # Invariant 5: the last look, with nothing awaited between it and the transaction
            parcel = self._without_suppressed(parcel)
            outcomes = await self._transfer(connection, parcel, transfer)
        except asyncio.CancelledError:
            shared.budget.free(work.octets)
            raise
        except Exception as error:  # noqa: BLE001 - a defect must not bring the same message back at once, for ever
            id_, tenant = message_id_text(work.message.message_id), work.message.tenant
            with log_ids(message_id=id_, tenant=tenant):
                shared.observer.internal_error("transfer", error)
            outcomes = [defect(error, shared.clock(), connection)] * len(parcel.work.recipients)
        finally:
            self.busy -= 1
            shared.policy.ends(work, site)
        work = parcel.work
        if not work.recipients:
            shared.budget.free(work.octets)
            return outcomes
        now = shared.clock()
        took_ms = max(0, now - began)
        work = msgspec.structs.replace(work, took_ms=took_ms)
        shared.counts.transaction_ended(self._way.key, outcomes, took_ms, now)
        shared.policy.told(self._way.path, site, work, outcomes, now)
        outcomes = shared.policy.understood(site, work, outcomes, now)
        if all(isinstance(outcome, Taken) for outcome in outcomes):  # nearly every time
            self._conclude(work, outcomes, connection)  # CG1
            shared.budget.free(work.octets)
        else:
            parcel = msgspec.structs.replace(parcel, work=work)
            self._sort(connection, parcel, outcomes)  # CG1
        return outcomes

    async def _suited(self, connection: Connection, parcel: Parcel) -> Transfer | None:
        """Return the transfer as it is, or for a host that takes no 8-bit content, converted; None: there is no room.

        Room for what is converted, or encoded, is reserved until ``_transfer`` has ended.
        """
        transfer = parcel.transfer
        if room := connection.room_for(transfer):
            # Invariant 8: it makes another copy
            return transfer if self._shared.budget.reserve(room) else None
        if not transfer.body_8bit or connection.offers_8bit:
            return transfer
        converted = await self._shared.packer.seven_bit(parcel)
        if converted is None:
            return transfer  # the connection says why it is not sent
        # Invariant 8: it is another copy
        return converted if self._shared.budget.reserve(_octets(converted)) else None

    def _without_suppressed(self, parcel: Parcel) -> Parcel:
        recipients = parcel.work.recipients
        left = self._shared.clerk.without_suppressed(parcel.work.message, recipients)
        return parcel if len(left) == len(recipients) else parcel.with_recipients(left)

    async def _transfer(
        self, connection: Connection, parcel: Parcel, transfer: Transfer | None
    ) -> Sequence[Outcome]:
        recipients = parcel.transfer.recipients
        if transfer is None:
            return [no_room(self._shared.clock(), connection)] * len(recipients)
        try:
            if not recipients:
                return ()
            if len(recipients) != len(transfer.recipients):
                transfer = msgspec.structs.replace(transfer, recipients=recipients)
            return await connection.transfer(transfer)
        finally:
            if transfer.body is not parcel.transfer.body:
                self._shared.budget.free(_octets(transfer))
            elif room := connection.room_for(transfer):
                self._shared.budget.free(room)

    def _sort(self, connection: Connection, parcel: Parcel, outcomes: Sequence[Outcome]) -> None:
        shared, work = self._shared, parcel.work
        refused_by = work.refused_by | {
            refuser(self._way.site, connection.host, connection.address)
        }
        found = self._triage(connection, work, outcomes, refused_by)
        if found.answered:
            recipients = tuple(each.recipient for each in found.answered)
            part = msgspec.structs.replace(work, recipients=recipients)
            self._conclude(part, [each.outcome for each in found.answered], connection)
        failed = found.next_host or (found.again and not found.is_detour)
        if failed and not connection.is_open:
            shared.hosts.avoid(connection.host, connection.address)
        for repeated in (found.next_host, found.again):
            if repeated:
                whose = tuple(each.recipient for each in repeated)
                once_more = msgspec.structs.replace(work, recipients=whose)
                shared.policy.goes_again(self._way.path, self._way.site, once_more, shared.clock())
        if found.next_host:
            self._referrals.refer(parcel, found.next_host, refused_by)
        if found.again:
            again = parcel.again(found.again, counts=not found.gained, is_detour=found.is_detour)
            self._claims.put_first(again)
        elif not found.next_host:
            shared.budget.free(work.octets)

    def _triage(
        self,
        connection: Connection,
        work: Work,
        outcomes: Sequence[Outcome],
        refused_by: frozenset[str],
    ) -> Triage:
        """What each outcome calls for, less what cannot be had now."""
        is_draining = self._way.is_draining
        has_others = not is_draining and self._referrals.has_others(refused_by)
        found = triage(work, outcomes, connection, has_others=has_others)
        if is_draining and found.again:
            answered = (*found.answered, *found.again)
            found = msgspec.structs.replace(found, again=(), answered=answered)
        if found.again and found.next_host and not self._shared.budget.reserve(work.octets):
            answered = (*found.answered, *found.next_host)  # both would hold the content
            found = msgspec.structs.replace(found, next_host=(), answered=answered)
        return found

    def _conclude(self, work: Work, outcomes: Sequence[Outcome], connection: Connection) -> None:
        self._shared.clerk.conclude(
            work, outcomes, final=self._way.site.final, offers_dsn=connection.offers_dsn
        )


def _octets(transfer: Transfer) -> int:
    return len(transfer.header) + len(transfer.body)
