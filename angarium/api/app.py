"""The whole of what a listener serves: health, metrics, receivers of notifications, and the dialects of the API.

What is refused, by whomever, is answered in the form of the dialect whose path was asked, and each answer has an id.
"""

import ipaddress
from collections.abc import Sequence

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from angarium.api.access import LISTENER
from angarium.api.answering import Answering
from angarium.api.cors import Cors
from angarium.api.dialect import Dialect
from angarium.api.health import HealthSource, health_routes, metrics_route
from angarium.api.load import LOAD, Load
from angarium.api.measuring import NoMeter, RequestMeter
from angarium.api.notifications import Notifications
from angarium.api.paths import LeadingSlashes, Paths
from angarium.api.reading import LIMITS, ReadingLimits
from angarium.intake.order import Fault, FaultError, FaultKind

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What one listener serves. None, or empty: nothing of that kind."""

    listener: str = ""  # its address as configured
    health: HealthSource | None = None
    metrics: HealthSource | None = None
    notifications: Notifications | None = None
    dialects: Sequence[Dialect] = ()
    trusted_networks: Sequence[str] = ()  # only clients in these are answered; empty: all
    limits: ReadingLimits = ReadingLimits()
    load: Load | None = None
    meter: RequestMeter = NoMeter()
    cors: Cors | None = None  # None: no page of another site may ask
    middlewares: Sequence[Middleware] = ()  # further ones, inside ours


def make_application(served: Served) -> web.Application:
    """Raises ValueError: two dialects have one path, and none says when it is its own."""
    paths = Paths(served.dialects)
    load = served.load or Load(requests=10_000, octets=1 << 30)
    networks = [ipaddress.ip_network(each) for each in served.trusted_networks]
    application = web.Application(
        middlewares=[
            Answering(paths, load, served.meter).middleware(),
            *([_only_from(networks)] if networks else []),
            *([served.cors.middleware()] if served.cors is not None else []),
            *served.middlewares,
        ],
        client_max_size=served.limits.body_octets,
    )
    if served.cors is not None:
        application.on_response_prepare.append(served.cors.mark)
    application[LISTENER] = served.listener
    application[LIMITS] = served.limits
    application[LOAD] = load
    router = application.router
    if served.health is not None:
        router.add_routes(health_routes(served.health))
    if served.metrics is not None:
        router.add_routes(metrics_route(served.metrics))
    if served.notifications is not None:
        served.notifications.add_to(application)
    paths.add_to(router)
    router.register_resource(LeadingSlashes(router))
    return application


def _only_from(networks: Sequence[IpNetwork]) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_in(request.remote, networks):
            text = "this address is not in the listener's trusted_networks"
            raise FaultError(Fault(kind=FaultKind.NO_SCOPE, message=text))
        return await handler(request)

    return middleware


def _is_in(remote: str | None, networks: Sequence[IpNetwork]) -> bool:
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return False
    return any(address in network for network in networks)
