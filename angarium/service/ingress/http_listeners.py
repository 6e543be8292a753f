"""The HTTP listeners of an ingress process."""

import socket
import ssl
from collections.abc import Sequence

from prometheus_client import Gauge

from angarium.access.certificates import ServerTls
from angarium.access.host_certificates import HostCertificates
from angarium.api import HttpServer, Served, make_application
from angarium.api.notifications import Notifications
from angarium.config.schema import Config, Listener
from angarium.service.ingress.api_parts import ApiParts
from angarium.service.ingress.health import Health
from angarium.service.ingress.host_files import HostFiles
from angarium.service.ingress.tracked_parts import TrackedParts
from angarium.service.runtime import Runtime
from angarium.telemetry import log
from angarium.telemetry.metrics import Metrics


class HttpListeners:
    def __init__(
        self,
        runtime: Runtime,
        notifications: Notifications,
        api: ApiParts,
        tracked: TrackedParts | None,
    ) -> None:
        self._tracked = tracked
        self._notifications = notifications
        self._api = api
        self._health = Health(runtime.data_dir.state, runtime.slots, runtime.metrics)
        self._metrics: Metrics = runtime.metrics
        self._servers: list[HttpServer] = []
        self._asking: list[HttpServer] = []  # for clients' certificates
        self._tls: list[ServerTls] = []
        self._files = HostFiles(runtime.config)
        self._hosts: list[HostCertificates] = []
        self._certificate_ends: list[tuple[ServerTls, Gauge]] = []
        self._show_limits(runtime.config)

    async def start(self, listener: Listener, listening: socket.socket) -> None:
        """Raises TlsFileError."""
        serves_tracking = self._tracked is not None and "tracking" in listener.serves
        context: ssl.SSLContext | None = None
        if listener.tls == "implicit":
            tls = ServerTls.of(listener)
            self._tls.append(tls)
            end = self._metrics.certificate_end(listener.address)
            self._certificate_ends.append((tls, end))
            hosts: HostCertificates | None = None
            if serves_tracking:
                hosts = HostCertificates(self._files.find, tls.clients, _tell_trouble)
                self._hosts.append(hosts)
            context = _following(tls, hosts)
        networks: Sequence[str] = listener.trusted_networks if listener.auth == "trusted" else ()
        serves_api = "api" in listener.serves
        application = make_application(
            Served(
                listener=listener.address,
                health=self._health if "health" in listener.serves else None,
                metrics=self._health if "metrics" in listener.serves else None,
                notifications=self._notifications if serves_api else None,
                dialects=self._api.dialects if serves_api else (),
                trusted_networks=networks,
                limits=self._api.reading,
                load=self._api.load,
                meter=self._metrics.api,
                middlewares=(self._api.sessions.middleware(),) if serves_api else (),
                cors=self._api.cors if serves_api else None,
            )
        )
        site = self._tracked.site if self._tracked and serves_tracking else None
        server = HttpServer(application, connections=listener.limits.connections, site=site)
        if listener.client_ca is not None:
            self._asking.append(server)
        await server.start(listening, context)
        self._servers.append(server)

    def reload_certificates(self, config: Config) -> None:
        """Raises TlsFileError; then the certificates of before stay. Clients that are asked for theirs connect again:
        one may be revoked now.
        """
        for hosts in self._hosts:
            hosts.reload()
        self._files.exchange(config)
        for tls in self._tls:
            tls.reload()
        for server in self._asking:
            server.renew()

    def _show_limits(self, config: Config) -> None:
        """Each is of this process alone."""
        shown = self._metrics.api
        shown.in_hand_limit.set(config.api.requests_in_hand)
        shown.bytes_limit.set(config.api.octets_in_hand)
        http = [each.limits.connections for each in config.listener if each.kind == "http"]
        shown.connection_limit.set(sum(http))

    def set_metrics(self) -> None:
        """Count what was refused since the last call, and say what is in hand and when certificates end."""
        self._metrics.limits["http_connections"].follow(sum(each.refused for each in self._servers))
        self._metrics.limits["http_in_hand"].follow(self._api.load.refused)
        self._metrics.api.in_hand.set(self._api.load.requests)
        self._metrics.api.bytes_in_hand.set(self._api.load.octets)
        self._metrics.api.connections_open.set(sum(each.connections for each in self._servers))
        if self._tracked is not None:
            self._tracked.set_metrics(self._metrics)
        for tls, end in self._certificate_ends:
            end.set(tls.certificate.not_after.timestamp())

    async def close(self) -> None:
        for server in self._servers:
            await server.close()
        if self._tracked is not None:
            await self._tracked.recorder.close()


def _following(tls: ServerTls, hosts: HostCertificates | None) -> ssl.SSLContext:
    """Return a context that hands each handshake to the one in use then: of the host that the client names, or the
    listener's. A server keeps the context of its start.
    """
    context = tls.context

    def choose(
        connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
    ) -> None:
        found = None if hosts is None else hosts.find(name)
        connection.context = tls.context if found is None else found

    context.sni_callback = choose
    return context


def _tell_trouble(host: str, problem: str) -> None:
    log("host_certificate_unusable", "error", host=host, problem=problem)
