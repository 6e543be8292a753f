"""Checks of ``[tracking]``. Pure."""

from collections.abc import Iterator

from angarium.config.address import is_fqdn, is_host_name, is_network, parse_host_port
from angarium.config.error import Problem
from angarium.config.schema import Config
from angarium.config.streams import streams_by_name


def tracking_problems(config: Config) -> Iterator[Problem]:
    yield from _networks(config)
    if config.tracking.host is not None:
        yield from _host(config, config.tracking.host)
    elif not config.tracks and (config.tracking.opens or config.tracking.clicks):
        text = (
            "has opens or clicks, and no listener answers what is fetched: add one of kind = "
            '"http" that serves "tracking", and host, or a host of each tenant'
        )
        yield Problem(("tracking",), text)
    if not config.tracks:
        yield from _streams(config)


def wants_tracking(config: Config) -> bool:
    """Whether mail is tracked of which nobody says so, where there is a host for its links."""
    streams = streams_by_name(config.stream).values()
    usual = config.tracking
    return usual.opens or usual.clicks or any(each.opens or each.clicks for each in streams)


def _streams(config: Config) -> Iterator[Problem]:
    for index, stream in enumerate(config.stream):
        for name, is_on in (("opens", stream.opens), ("clicks", stream.clicks)):
            if is_on:
                text = 'no listener of kind = "http" serves "tracking": nothing could be counted'
                yield Problem(("stream", index, name), text)


def _networks(config: Config) -> Iterator[Problem]:
    tracking = config.tracking
    for name, networks in (
        ("machine_networks", tracking.machine_networks),
        ("proxies", tracking.proxies),
    ):
        for index, network in enumerate(networks):
            if not is_network(network):
                text = f"{network!r} is no network; write one like 192.0.2.0/24"
                yield Problem(("tracking", name, index), text)


def _host(config: Config, host: str) -> Iterator[Problem]:
    try:
        name = parse_host_port(host, default_port=443).host
    except ValueError:
        name = ""
    if not is_host_name(name) or (not is_fqdn(name) and not config.tracking.insecure):
        text = f"{host!r} is no host of links in mail; write one like t.example.com (ASCII)"
        yield Problem(("tracking", "host"), text)
    if not config.tracks:
        text = (
            'has no listener that answers for it: add one of kind = "http" that serves "tracking"'
        )
        yield Problem(("tracking", "host"), text)
