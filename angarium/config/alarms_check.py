"""Checks what types cannot say of ``[alarms]`` and ``[[alarm]]``. Pure."""

from collections.abc import Iterator
from typing import Final

from angarium.config.address import is_network
from angarium.config.alarm_limits import ALARM_NAMES, LimitError, merged_limits
from angarium.config.alarms import Notify
from angarium.config.error import KeyPath, Problem
from angarium.config.schema import Config

# By kind: what it needs, one of each group; and what else it may have
_NEEDS: Final = {
    "mail": (("to",),),
    "webhook": (("url", "url_file"), ("secret_file",)),
    "slack": (("url", "url_file"),),
    "pagerduty": (("secret_file",),),
}
_MAY: Final = {"mail": ("sender",), "webhook": (), "slack": (), "pagerduty": ("url",)}
_OF_KINDS: Final = ("to", "sender", "url", "url_file", "secret_file")
# Coarser than a look every minute nothing with a window of five would be seen in time
MAX_EVERY_S: Final = 60.0


def alarms_problems(config: Config) -> Iterator[Problem]:
    yield from _limits(config)
    at: KeyPath = ("alarms",)
    if config.alarms.every_s > MAX_EVERY_S:
        text = f"windows are as short as five minutes; write {MAX_EVERY_S:g} s at most"
        yield Problem((*at, "every_s"), text)
    for network in config.alarms.allow_networks:
        if not is_network(network):
            text = f"{network!r} is no network; write one like 10.1.0.0/16"
            yield Problem((*at, "allow_networks"), text)
    seen: set[str] = set()
    for index, notify in enumerate(config.alarms.notify):
        below: KeyPath = (*at, "notify", index)
        if notify.name in seen:
            yield Problem((*below, "name"), f"{notify.name!r} is used twice; names must differ")
        seen.add(notify.name)
        yield from _notify(below, notify)


def _limits(config: Config) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, own in enumerate(config.alarm):
        if own.name in seen:
            yield Problem(
                ("alarm", index, "name"), f"{own.name!r} is used twice; names must differ"
            )
        seen.add(own.name)
        try:
            merged_limits(own)
        except LimitError as error:
            yield Problem(("alarm", index, error.key), str(error))


def _notify(at: KeyPath, notify: Notify) -> Iterator[Problem]:
    for group in _NEEDS[notify.kind]:
        given = [each for each in group if getattr(notify, each)]
        if not given:
            text = f"is needed by kind {notify.kind!r}"
            text += "".join(f", or {each}" for each in group[1:])
            yield Problem((*at, group[0]), text)
        elif len(given) > 1:
            yield Problem((*at, given[1]), f"stands beside {given[0]}: give one of them")
    allowed = {each for group in _NEEDS[notify.kind] for each in group} | set(_MAY[notify.kind])
    for key in _OF_KINDS:
        if getattr(notify, key) and key not in allowed:
            yield Problem((*at, key), f"does nothing for kind {notify.kind!r}: leave it out")
    for address in (*notify.to, *filter(None, (notify.sender,))):
        local, _, domain = address.rpartition("@")
        if not local or not domain or any(each <= " " for each in address):
            key = "sender" if address == notify.sender else "to"
            yield Problem((*at, key), f"{address!r} is no address; write one like ops@example.com")
    if notify.url and not notify.url.startswith(("https://", "http://")):
        yield Problem((*at, "url"), f"{notify.url!r} is no URL; write https://...")
    for name in notify.only:
        if name not in ALARM_NAMES:
            text = f"no alarm {name!r}; there are: {', '.join(ALARM_NAMES)}"
            yield Problem((*at, "only"), text)
