"""Checks what ``[receiver_reports]`` says. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.config.address import is_fqdn, is_ip
from angarium.config.error import KeyPath, Problem
from angarium.config.schema import Config

_URL: Final = re.compile(
    r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[^\s?#]*)?"
)
_AT: Final[KeyPath] = ("receiver_reports",)


def receiver_report_problems(config: Config) -> Iterator[Problem]:
    table = config.receiver_reports
    for name in ("google_url", "google_token_url", "snds_url", "snds_token_url"):
        yield from _url_problems(name, getattr(table, name))
    for provider in ("google", "snds"):
        if getattr(table, f"{provider}_key_file"):
            continue
        for name in (f"{provider}_url", f"{provider}_token_url"):
            if getattr(table, name):
                text = f"does nothing without {provider}_key_file; give that too"
                yield Problem((*_AT, name), text)
    if table.google_domains and not table.google_key_file:
        yield Problem((*_AT, "google_domains"), "does nothing without google_key_file")
    for index, address in enumerate(table.own_addresses):
        if not is_ip(address):
            text = f"{address!r} is no address; write one like 192.0.2.10"
            yield Problem((*_AT, "own_addresses", index), text)
    for index, domain in enumerate(table.google_domains):
        if not is_fqdn(domain) or domain != domain.lower():
            text = f"{domain!r} is no domain; write one like example.com, in lower case"
            yield Problem((*_AT, "google_domains", index), text)


def _url_problems(name: str, url: str) -> Iterator[Problem]:
    if not url:
        return
    found = _URL.fullmatch(url)
    if found is None:
        yield Problem((*_AT, name), f"{url!r} is not https://host[:port][/path]")
    elif found[1] == "http" and found[2] not in ("localhost", "127.0.0.1"):
        text = "a secret would go out in the clear; write https:// for a host that is not this one"
        yield Problem((*_AT, name), text)
