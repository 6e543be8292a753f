"""Answers what only an ingress process knows: its connections with clients."""

from collections.abc import Sequence
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
from angarium.insight.admin.protocol import Refused
from angarium.queue import UnixMs
from angarium.service.admin_socket import Asker, Handlers
from angarium.telemetry.log import log

# Ours, of one answer
CONNECTIONS_LISTED: Final = 5000


class ClientConnection(Protocol):
    """What is shown of one connection."""

    @property
    def id(self) -> int:
        """Unique in the process, over all its listeners."""
        ...

    @property
    def client(self) -> str: ...

    @property
    def user(self) -> str: ...

    @property
    def phase(self) -> str: ...

    @property
    def since(self) -> UnixMs: ...

    @property
    def messages(self) -> int: ...


class LiveListener(Protocol):
    """``smtp_in.listener`` is."""

    def connections(self) -> Sequence[ClientConnection]: ...

    def end(self, connection_id: int) -> bool: ...


class IngressAnswers:
    def __init__(self, listeners: Sequence[tuple[str, LiveListener]], slot: str) -> None:
        # With their addresses in the configuration; grows as they start
        self._listeners = listeners
        self._slot = slot

    def handlers(self) -> Handlers:
        return (
            Handlers()
            .on(ListConnections, self.list_connections)
            .on(EndConnection, self.end_connection)
        )

    async def list_connections(self, _: ListConnections, __: Asker) -> OpenConnections:
        found = [
            (address, each)
            for address, listener in self._listeners
            for each in listener.connections()
        ]
        found.sort(key=lambda each: each[1].id)
        listed = tuple(self._shown(*each) for each in found[:CONNECTIONS_LISTED])
        return OpenConnections(listed, len(found) - len(listed))

    async def end_connection(self, asked: EndConnection, asker: Asker) -> ConnectionEnded | Refused:
        number = number_of(asked.id, self._slot)
        for address, listener in self._listeners:
            for each in listener.connections():
                if each.id == number and listener.end(number):
                    log("connection_aborted", id=asked.id, by=asker.name, reason=asked.reason)
                    return ConnectionEnded(self._shown(address, each))
        return no_such_connection(asked.id)

    def _shown(self, address: str, connection: ClientConnection) -> OpenConnection:
        return OpenConnection(
            id=f"{self._slot}/{connection.id}",
            direction="in",
            since=connection.since,
            phase=connection.phase,
            peer=connection.client,
            place=address,
            user=connection.user,
            transfers=connection.messages,
        )
