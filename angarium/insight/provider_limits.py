"""Which limits a provider has, and where each comes from: what ships, the configuration, or what is in force. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from angarium.config.providers import DEFAULT_PROVIDER, find_shipped
from angarium.config.schema import Provider
from angarium.mta.egress.policy import Limits

Origin = Literal["shipped", "configured", "default"]
# Which provider it is; the rest says how it is treated
_WHICH: Final = frozenset({"name", "mx_suffixes", "domains"})
# By which keys of a provider the limits in force go
_IN_FORCE: Final = (
    ("connections", "connections"),
    ("messages_per_connection", "transfers"),
    ("recipients_per_message", "recipients"),
)


class LimitShown(msgspec.Struct, frozen=True, kw_only=True):
    key: str  # of [[provider]]
    value: str
    origin: Origin
    now: str = ""  # in force, where that is narrower; else ""


def limits_shown(
    provider: Provider, configured: Sequence[Provider], in_force: Limits | None
) -> list[LimitShown]:
    """Return every key. One that is written as it ships counts as shipped."""
    found = find_shipped(provider.name)
    own = next((each for each in configured if each.name == DEFAULT_PROVIDER), None)
    usual = found or own or find_shipped(DEFAULT_PROVIDER)
    written = any(each.name == provider.name for each in configured)
    now = {} if in_force is None else {key: getattr(in_force, name) for key, name in _IN_FORCE}
    shown = []
    for key in Provider.__struct_fields__:
        if key in _WHICH:
            continue
        value = getattr(provider, key)
        origin: Origin = "shipped" if found is not None else "default"
        if (written and value != getattr(usual, key)) or (
            found is None and own is not None and value != _default(key)
        ):
            origin = "configured"
        narrower = now.get(key, value)
        shown.append(
            LimitShown(
                key=key,
                value=_text(value),
                origin=origin,
                now=_text(narrower) if narrower != value else "",
            )
        )
    return shown


def _default(key: str) -> object:
    default = find_shipped(DEFAULT_PROVIDER)
    assert default is not None
    return getattr(default, key)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)


def matched_text(provider: Provider) -> str:
    """Return which hosts and domains are the provider's."""
    parts = []
    if provider.mx_suffixes:
        parts.append("MX hosts " + ", ".join(f"*{each}" for each in provider.mx_suffixes))
    if provider.domains:
        parts.append("domains " + ", ".join(provider.domains))
    if parts:
        return "; ".join(parts)
    if provider.name == DEFAULT_PROVIDER:
        return "sites of no other provider, each by itself"
    return "the site of that name"
