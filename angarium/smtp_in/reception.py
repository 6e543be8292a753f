"""What all connections of one listener share. Values and collaborators; does nothing by itself."""

import itertools
from collections.abc import Callable, Iterator, Set
from typing import Final, Protocol

from angarium.access.certificates import ServerTls
from angarium.access.client_limits import ClientConnections, SharedOctetBudget
from angarium.access.client_table import ListenerClients
from angarium.access.credentials import Refused, Throttled, Verified
from angarium.access.networks import Networks
from angarium.config.schema import Listener
from angarium.intake.desk import AcceptanceDesk
from angarium.queue.model import UnixMs
from angarium.smtp.server.settings import ServerReplies, ServerSettings
from angarium.smtp.tap import Tap
from angarium.smtp_in.observer import ListenerObserver

OpenTap = Callable[[str], Tap | None]  # from a client's address


class Logins(Protocol):
    def find_cached(self, user: str, password: str) -> Verified | None: ...

    async def verify(
        self, user: str, password: str, client: str
    ) -> Verified | Refused | Throttled: ...

    def shown_name(self, user: str) -> str:
        """What may be logged of a name that was typed."""
        ...

    def on_changed(self, callback: Callable[[Set[str]], None]) -> None:
        """Have it called with the users whose sessions must end, before any of them can log in anew."""
        ...

    def refresh(self) -> None:
        """Look whether users have changed; called about once a second."""
        ...


class Reception:
    def __init__(
        self,
        config: Listener,
        hostname: str,
        *,
        desk: AcceptanceDesk,
        clock: Callable[[], UnixMs],
        name: str = "",
        numbers: Iterator[int] | None = None,
        logins: Logins | None = None,
        tls: ServerTls | None = None,
        observer: ListenerObserver | None = None,
        shared: ListenerClients | None = None,
    ) -> None:
        """``name``: of the process, before the numbers of its sessions in the log; ``shared``: what other processes
        have of this listener. Raises ValueError for bad networks.

        ``numbers`` are given to connections; listeners of one process share them.
        """
        if config.tls != "none" and tls is None:
            raise ValueError(f"listener {config.address}: TLS without a certificate")
        is_inbound = config.kind == "inbound"
        if config.auth == "required" and logins is None and not is_inbound:
            raise ValueError(f"listener {config.address}: auth without credentials")
        self.limits: Final = config.limits
        self.implicit_tls: Final = config.tls == "implicit"
        self.replies: Final = ServerReplies(
            ServerSettings(
                hostname=hostname,
                listener=config.address,
                auth="none" if is_inbound else config.auth,
                repair=config.repair,
                starttls=config.tls == "starttls",
                limits=config.limits,
            )
        )
        self.trusted: Final = Networks(config.trusted_networks)
        self.clear_auth: Final = Networks(config.auth_without_tls)
        self.proxies: Final = Networks(config.proxy_peers)
        shared = shared or ListenerClients.alone()
        self.clients: Final = ClientConnections(
            config.limits.connections, config.limits.connections_per_client, shared
        )
        self.desk: Final = desk
        self.clock: Final = clock
        self.name: Final = name
        self.numbers: Final = numbers or itertools.count(1)
        self.budget: Final = SharedOctetBudget(config.limits.bytes_in_flight, shared)
        self.logins: Final = logins
        self.tls: Final = tls
        self.observer: Final = observer or ListenerObserver()
        self.open_tap: OpenTap | None = None  # while somebody watches this listener
