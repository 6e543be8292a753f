"""The DNS blocklists that are asked: those that ship, and the operator's, which change them key by key."""

import functools
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, Final

import msgspec

from angarium.config.schema import Blocklists, BlocklistZone

_KEY: Final = "blocklists"


@functools.cache
def shipped_zones() -> Mapping[str, Mapping[str, Any]]:
    """Return what ships, by name, as it is written."""
    text = resources.files("angarium.config").joinpath("shipped/blocklists.toml").read_text("utf-8")
    return {each["name"]: each for each in tomllib.loads(text)["zone"]}


def complete_blocklists(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give each ``[[blocklists.zone]]`` of a shipped name what ships for each key that it leaves out."""
    table = tree.get(_KEY)
    if not isinstance(table, Mapping) or not isinstance(written := table.get("zone"), list):
        return tree
    return {**tree, _KEY: {**table, "zone": [_completed(each) for each in written]}}


def _completed(zone: Any) -> Any:
    if not isinstance(zone, Mapping) or not isinstance(name := zone.get("name"), str):
        return zone  # msgspec says what is wrong with it
    return {**shipped_zones().get(name, {}), **zone}


def all_zones(settings: Blocklists) -> tuple[BlocklistZone, ...]:
    """Return what is asked: the operator's, then the shipped ones of other names."""
    return tuple(_in_order(settings))


def _in_order(settings: Blocklists) -> Iterator[BlocklistZone]:
    yield from settings.zone
    names = {each.name for each in settings.zone} | set(settings.without)
    for name, written in shipped_zones().items() if settings.shipped else ():
        if name not in names:
            yield msgspec.convert(written, BlocklistZone)
