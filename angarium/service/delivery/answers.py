"""Answers what only a delivery process knows: where recipients are now, its connections, and what goes where."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

from angarium.insight.admin.connections import (
    ConnectionEnded,
    EndConnection,
    ListConnections,
    OpenConnection,
    OpenConnections,
    no_such_connection,
    number_of,
)
from angarium.insight.admin.forgetting import ForgetFailures, Forgotten
from angarium.insight.admin.live import FindLive, LiveFact, LiveFacts, QueuedRecipient
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.traffic import PATHS_AT_ONCE, AskTraffic, SomeTraffic, TrafficEnds
from angarium.mta.egress.lease import LiveConnection, opening_text
from angarium.mta.egress.narrowing import Narrowing
from angarium.mta.traffic import PathTraffic
from angarium.mta.whereabouts import Whereabouts
from angarium.queue import DeliveryId, PartitionNumber, UnixMs
from angarium.service.admin_socket import Asker, Handlers
from angarium.telemetry.log import log

# Ours, of one answer
CONNECTIONS_LISTED: Final = 5000
NARROWINGS_LISTED: Final = 5000


class LiveDelivery(Protocol):
    """``mta.dispatcher`` is."""

    def now(self) -> UnixMs: ...

    def open_connections(self) -> Sequence[LiveConnection]: ...

    def end_connection(self, connection_id: int) -> bool: ...

    def traffic(self) -> Iterator[PathTraffic]: ...

    def find_whereabouts(
        self, delivery: DeliveryId, domain: str, *, in_flight: bool
    ) -> Whereabouts: ...


class DeliveryAnswers:
    def __init__(
        self,
        delivery: LiveDelivery,
        partitions: Collection[PartitionNumber],
        slot: str,
        forget_failures: Callable[[], None],
        narrowings: Callable[[UnixMs], Sequence[Narrowing]],
    ) -> None:
        self._delivery = delivery
        self._forget_failures = forget_failures
        self._narrowings = narrowings
        self._partitions = partitions  # owned by the process
        self._slot = slot

    def handlers(self) -> Handlers:
        return (
            Handlers()
            .on(FindLive, self.find_live)
            .on(ForgetFailures, self.forget_failures)
            .on(ListConnections, self.list_connections)
            .on(EndConnection, self.end_connection)
            .on(AskTraffic, self.tell_traffic)
        )

    async def find_live(self, asked: FindLive, _: Asker) -> LiveFacts:
        mine = [each for each in asked.recipients if each.partition in self._partitions]
        return LiveFacts(tuple(self._fact(each) for each in mine))

    async def forget_failures(self, _: ForgetFailures, __: Asker) -> Forgotten:
        self._forget_failures()
        return Forgotten()

    async def list_connections(self, _: ListConnections, __: Asker) -> OpenConnections:
        found = self._delivery.open_connections()
        listed = tuple(self._shown(each) for each in found[:CONNECTIONS_LISTED])
        return OpenConnections(listed, len(found) - len(listed))

    async def end_connection(self, asked: EndConnection, asker: Asker) -> ConnectionEnded | Refused:
        number = number_of(asked.id, self._slot)
        for each in self._delivery.open_connections():
            if each.id == number and self._delivery.end_connection(number):
                log("connection_aborted", id=asked.id, by=asker.name, reason=asked.reason)
                return ConnectionEnded(self._shown(each))
        return no_such_connection(asked.id)

    async def tell_traffic(self, _: AskTraffic, asker: Asker) -> TrafficEnds:
        paths = self._delivery.traffic()
        while some := tuple(islice(paths, PATHS_AT_ONCE)):
            await asker.say(SomeTraffic(some))
            await asyncio.sleep(0)  # others have their turn, also where nobody keeps us waiting
        found = self._narrowings(self._delivery.now())
        return TrafficEnds(tuple(found[:NARROWINGS_LISTED]))

    def _fact(self, asked: QueuedRecipient) -> LiveFact:
        found = self._delivery.find_whereabouts(asked.id, asked.domain, in_flight=asked.in_flight)
        return LiveFact(
            id=asked.id,
            state=found.state,
            text=found.text,
            source=found.source,
            host=found.host,
            connection="" if found.connection is None else f"{self._slot}/{found.connection}",
            since=found.since,
            until=found.until,
        )

    def _shown(self, connection: LiveConnection) -> OpenConnection:
        return OpenConnection(
            id=f"{self._slot}/{connection.id}",
            direction="out",
            since=connection.since,
            phase=connection.stage,
            peer=connection.host,
            address=connection.address,
            place=connection.site,
            source=connection.source,
            transfers=connection.transfers,
            awaits=opening_text(connection, self._delivery.now()),
            hangs=connection.hangs,
        )
