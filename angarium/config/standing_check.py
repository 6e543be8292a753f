"""Checks what types cannot say of ``[breaker]`` and ``[blocklists]``."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

from angarium.config.address import a_labels, is_host_name, is_ip
from angarium.config.blocklists import shipped_zones
from angarium.config.error import KeyPath, Problem
from angarium.config.schema import Config

_MEANING: Final = re.compile(r"(\S+): .*\S")


def standing_problems(config: Config) -> Iterator[Problem]:
    yield from _breaker(config)
    yield from _blocklists(config)


def _breaker(config: Config) -> Iterator[Problem]:
    limits = config.breaker
    for what in ("complaints", "bounces"):
        warn, stop = getattr(limits, f"{what}_warn_percent"), getattr(limits, f"{what}_percent")
        if warn > stop:
            text = f"nobody would be warned: above {what}_percent ({stop:g}); lower it"
            yield Problem(("breaker", f"{what}_warn_percent"), text)


def _blocklists(config: Config) -> Iterator[Problem]:
    at: KeyPath = ("blocklists",)
    for address in config.blocklists.addresses:
        if not is_ip(address):
            yield Problem((*at, "addresses"), f"{address!r} is no IP address")
    for domain in config.blocklists.domains:
        if not is_host_name(a_labels(domain)):
            yield Problem((*at, "domains"), f"{domain!r} is no domain; write one like example.com")
    for name in config.blocklists.without:
        if name not in shipped_zones():
            shipped = ", ".join(shipped_zones())
            yield Problem((*at, "without"), f"no zone {name!r} is shipped; there are: {shipped}")
    seen: set[str] = set()
    for index, zone in enumerate(config.blocklists.zone):
        below: KeyPath = (*at, "zone", index)
        if not is_host_name(zone.name):
            yield Problem(
                (*below, "name"), f"{zone.name!r} is no zone; write one like zen.spamhaus.org"
            )
        if zone.name in seen:
            yield Problem((*below, "name"), f"{zone.name!r} is used twice; names must differ")
        seen.add(zone.name)
        for meaning in zone.meanings:
            found = _MEANING.fullmatch(meaning)
            if found is None or not (_is_code(found[1]) or _is_bit(found[1])):
                text = f'{meaning!r} is no meaning; write "127.0.0.2: sends spam" or "+8: phishing"'
                yield Problem((*below, "meanings"), text)
        for code in zone.refusals:
            if not _is_code(code):
                yield Problem(
                    (*below, "refusals"), f"{code!r} is no answer; write one like 127.0.0.1"
                )


def _is_code(text: str) -> bool:
    return is_ip(text) and ":" not in text and IPv4Address(text).is_loopback


def _is_bit(text: str) -> bool:
    bit = text.removeprefix("+")
    return bit != text and bit in {str(1 << number) for number in range(8)}
