"""The net between the node and its providers: sessions that take their time, and what comes of them as values."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from angarium.mta.transport.outcome import Outcome, Transient
from angarium.mta.transport.reply_meaning import Where, meaning, opening_failure
from angarium.mta.transport.transfer import (
    ALL_EXTENSIONS,
    EgressPath,
    Extensions,
    Progress,
    TlsPolicy,
    Transfer,
)
from angarium.queue import UnixMs
from angarium.reputation.warmup import HOUR_MS
from angarium.routing.resolution import MxHost, Site
from tests.week.providers import Letter, MailboxProvider
from tests.week.sink import Sink

# To the far end and back, and what a provider takes over a message
ROUND_TRIP_S: Final = 0.05
DELIVERY_S: Final = 0.25


class Net:
    """Satisfies ``host_search.ChoosesConnector`` and ``transfer.Connector``."""

    def __init__(
        self,
        providers: Sequence[MailboxProvider],
        sinks: dict[str, Sink],
        clock: Callable[[], UnixMs],
    ) -> None:
        """``clock``: the providers'."""
        self.providers = {each.name: each for each in providers}
        self.sinks = sinks
        self.clock = clock
        self.senders_clock = clock
        self.sessions: set[Session] = set()

    def connector_of(self, site: Site) -> "_ConnectorOf":
        return _ConnectorOf(self, site.provider.name)

    def provider_of(self, name: str) -> MailboxProvider:
        """A site of no known provider is like all others of these."""
        return self.providers.get(name) or self.providers["default"]

    def sink_of(self, name: str) -> Sink:
        """But what it gets is counted by itself."""
        if name not in self.sinks:
            self.sinks[name] = Sink(
                self.sinks["default"].configured, self.sinks["default"].excesses
            )
        return self.sinks[name]

    def cut_all(self) -> None:
        """The node is dead: the far ends notice."""
        for each in list(self.sessions):
            each.end()


class _ConnectorOf:
    def __init__(self, net: Net, provider: str) -> None:
        self._net = net
        self._provider = provider

    async def connect(
        self,
        host: MxHost,
        address: str,
        path: EgressPath,
        tls: TlsPolicy,
        use: Extensions = ALL_EXTENSIONS,
        progress: Progress | None = None,
    ) -> "Session | Transient":
        net, now = self._net, self._net.clock()
        sink, provider = net.sink_of(self._provider), net.provider_of(self._provider)
        where = Where(host=host.name, address=address, source=path.source, tls="TLSv1.3")
        session = Session(net, provider, sink, host, where)
        sink.connection_begins(path.source, now)
        try:
            await asyncio.sleep(2 * ROUND_TRIP_S)
        except asyncio.CancelledError:
            session.end()
            raise
        refusal = provider.greet(path.source, sink.open[path.source], net.clock())
        if refusal is None:
            return session
        session.end()
        return opening_failure("banner", refusal, where, net.senders_clock())


def tenant_of(reverse_path: str) -> str:
    """Each has one domain; DSNs are the default tenant's."""
    return reverse_path.rpartition("@")[2].partition(".")[0] or "default"


class Session:
    """Satisfies ``transfer.Connection``."""

    offers_dsn = False
    offers_8bit = True
    content_sent = False

    def __init__(
        self, net: Net, provider: MailboxProvider, sink: Sink, host: MxHost, where: Where
    ) -> None:
        self._net = net
        self._provider = provider
        self._sink = sink
        self._where = where
        self.host = host
        self.address = where.address
        self.transfers = 0
        self.is_open = True
        net.sessions.add(self)

    def room_for(self, transfer: Transfer) -> int:
        return 0

    async def transfer(self, transfer: Transfer) -> Sequence[Outcome]:
        net, source = self._net, self._where.source
        self.transfers += 1
        sender_domain = transfer.reverse_path.rpartition("@")[2]
        tenant = tenant_of(transfer.reverse_path)
        self._sink.transaction_begins(
            source,
            tenant=tenant,
            transfers=self.transfers,
            recipients=len(transfer.recipients),
            now_ms=net.clock(),
            hour=net.senders_clock() // HOUR_MS,
        )
        letter = Letter(
            source=source,
            sender_domain=sender_domain,
            recipients=tuple(each.forward_path for each in transfer.recipients),
            transfers=self.transfers,
        )
        said = self._provider.take(letter, net.clock())
        is_taken = any(each.reply.code < 300 for each in said)
        try:
            await asyncio.sleep(DELIVERY_S if is_taken else ROUND_TRIP_S)
        finally:
            self._sink.transaction_ends(tenant)
        at = net.senders_clock()
        if any(each.reply.code == 421 for each in said):
            self.end()
        return [meaning(each.stage, each.reply, self._where, at) for each in said]

    def end(self) -> None:
        self.is_open = False
        if self in self._net.sessions:
            self._net.sessions.remove(self)
            self._sink.connection_ends(self._where.source)

    def abort(self) -> None:
        self.end()

    def on_end(self, tell: Callable[[], None] | None) -> None: ...

    async def close(self) -> None:
        if self.is_open:
            await asyncio.sleep(ROUND_TRIP_S)
        self.end()
