"""Checks of certificates of tracking hosts: files that are given, and the authority that issues them. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from angarium.config.address import is_fqdn
from angarium.config.error import Problem
from angarium.config.schema import Acme, Config

_URL: Final = re.compile(r"https://[^\s/?#@]+(/[^\s?#]*)?")
_ADDRESS: Final = re.compile(r"[^\s@,?&]{1,64}@[^\s@,?&]{1,253}")


def issuance_problems(config: Config) -> Iterator[Problem]:
    yield from _files(config)
    if config.acme is not None:
        yield from _acme(config, config.acme)


def _files(config: Config) -> Iterator[Problem]:
    seen: set[str] = set()
    has_tls = any(
        each.kind == "http" and each.tls == "implicit" and "tracking" in each.serves
        for each in config.listener
    )
    for index, each in enumerate(config.tracking_certificate):
        at = ("tracking_certificate", index)
        if not is_fqdn(each.host) or each.host != each.host.lower():
            text = f"{each.host!r} is no tracking host; write one like t.example.com (lower case)"
            yield Problem((*at, "host"), text)
        if each.host in seen:
            yield Problem((*at, "host"), f"{each.host!r} is used twice; keep one of them")
        seen.add(each.host)
        if not has_tls:
            text = (
                'is shown by no listener: add one of kind = "http" with tls = "implicit" that serves'
                ' "tracking"'
            )
            yield Problem((*at, "certificate"), text)


def _acme(config: Config, acme: Acme) -> Iterator[Problem]:
    if not acme.agree_terms:
        text = "must be true: an authority issues nothing to who does not agree to its terms; read them"
        yield Problem(("acme", "agree_terms"), text)
    if _URL.fullmatch(acme.directory_url) is None:
        yield Problem(("acme", "directory_url"), "must be https://host/path of its directory")
    for index, each in enumerate(acme.contact):
        if _ADDRESS.fullmatch(each) is None:
            text = f"{each!r} is no mail address; write one like hostmaster@example.com"
            yield Problem(("acme", "contact", index), text)
    if bool(acme.account_id) != bool(acme.account_key_file):
        key = "account_key_file" if acme.account_id else "account_id"
        yield Problem(("acme", key), "is missing: both are handed out together; give both")
    answering = [each for each in config.listener if each.kind == "http" and each.tls == "none"]
    if not any("tracking" in each.serves for each in answering):
        text = (
            'would never be answered: add a [[listener]] of kind = "http" without TLS that serves'
            ' "tracking", and have port 80 of tracking hosts lead to it'
        )
        yield Problem(("acme", "directory_url"), text)
