"""The tracking host of tenants that have none of their own, as the configuration names it. Pure."""

from typing import Final

import msgspec

from angarium.config.address import parse_host_port
from angarium.config.schema import Config, Tracking

HTTPS: Final = 443
HTTP: Final = 80


class DefaultHost(msgspec.Struct, frozen=True, kw_only=True):
    host: str  # lower case; "": none is configured
    port: int | None = None  # None: the usual one


def default_host(config: Config) -> DefaultHost:
    text = config.tracking.host
    if text is None:
        return DefaultHost(host="")
    found = parse_host_port(text, default_port=0)
    return DefaultHost(host=found.host.lower(), port=found.port or None)


def links_lead_to(tracking: Tracking, own: str) -> str:
    """Return the host of links, with its port where that is not the usual one: a tenant's ``own``, at the port of the
    configuration's, or that one; "": there is none.
    """
    default = tracking.host or ""
    if not own:
        return default
    _, colon, port = default.partition(":")
    return f"{own}{colon}{port}"


def reserved_hosts(config: Config) -> frozenset[str]:
    """Return names that no tenant may have requests to: the server's own."""
    named = {config.server.hostname.lower(), default_host(config).host}
    named |= {_host_of(config.tenancy.origin), _host_of(config.uploads.url)}
    return frozenset(named - {""})


def _host_of(url: str) -> str:
    """Of an origin that the loader has checked; "": none."""
    return url.partition("://")[2].rstrip("/").partition(":")[0].lower()
