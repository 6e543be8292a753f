"""Mailbox providers that Angarium knows: ``shipped/providers.toml``. A ``[[provider]]`` of the same name changes the
keys that it gives and keeps the others; the operator's come first.
"""

import functools
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

import msgspec

from angarium.config.schema import Provider
from angarium.config.written import read_table

# Matches nothing: the limits of every site of no known provider.
DEFAULT_PROVIDER: Final = "default"


class Shipped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``shipped/providers.toml`` has."""

    provider: tuple[Provider, ...]
    smart_host: Provider


@functools.cache
def shipped() -> Shipped:
    """Read the file; once, it is a part of the program."""
    text = resources.files("angarium.config").joinpath("shipped/providers.toml").read_text("utf-8")
    return parse_shipped(text)


def parse_shipped(text: str) -> Shipped:
    """Raises ValueError: it is not such a file."""
    return msgspec.convert(read_table(tomllib.loads(text), Shipped), Shipped)


def complete_providers(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give each ``[[provider]]`` of a shipped name, or of a smart host, what ships for each key that it leaves out.

    Without it a limit written for Gmail would lose Gmail's hosts, and so limit nothing.
    """
    written = tree.get("provider")
    if not isinstance(written, list):
        return tree
    return {**tree, "provider": [_completed(each) for each in written]}


def _completed(written: Any) -> Any:
    if not isinstance(written, Mapping) or not isinstance(name := written.get("name"), str):
        return written  # msgspec says what is wrong with it
    found = find_shipped(name)
    return written if found is None else {**msgspec.to_builtins(found), **written}


def find_shipped(name: str) -> Provider | None:
    """Return what a provider of that name is without the operator's words; None: nothing ships for it."""
    if name == "ses" or name.startswith(("smtp://", "smtps://")):
        return shipped().smart_host
    return next((each for each in shipped().provider if each.name == name), None)


def all_providers(own: Sequence[Provider]) -> tuple[Provider, ...]:
    """Return the operator's, then the shipped ones whose names are not among them."""
    names = {each.name for each in own}
    return (*own, *(each for each in shipped().provider if each.name not in names))
