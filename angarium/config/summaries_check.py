"""Checks what types cannot say of ``[[summary]]``; the machine says which time zones there are."""

import re
import zoneinfo
from collections.abc import Iterator
from typing import Final

from angarium.config.error import KeyPath, Problem
from angarium.config.schema import Config

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def summary_problems(config: Config) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, each in enumerate(config.summary):
        at: KeyPath = ("summary", index)
        if each.name in seen:
            yield Problem((*at, "name"), f"{each.name!r} is used twice; names must differ")
        seen.add(each.name)
        if not config.analytics.counts:
            yield Problem((*at, "name"), "there is nothing to tell while analytics.counts is false")
        if not each.to:
            yield Problem((*at, "to"), "names nobody; write one like ops@example.com")
        for address in (*each.to, *filter(None, (each.sender,))):
            local, _, domain = address.rpartition("@")
            if not local or not domain or any(character <= " " for character in address):
                key = "sender" if address == each.sender else "to"
                text = f"{address!r} is no address; write one like ops@example.com"
                yield Problem((*at, key), text)
        if _TIME.fullmatch(each.at) is None:
            yield Problem((*at, "at"), f"{each.at!r} is no time of day; write one like 07:00")
        if each.zone not in zoneinfo.available_timezones():
            text = f"{each.zone!r} is no time zone; write one like Europe/Berlin, or UTC"
            yield Problem((*at, "zone"), text)
