"""Check for providers whose rules can never act, or take each other's sites; and what a written one comes to."""

from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.config.providers import all_providers, find_shipped
from angarium.config.schema import Config, Provider
from angarium.insight.checks.finding import Finding
from angarium.routing.provider_lint import lint_providers

_MATCHING: Final = ("mx_suffixes", "domains")


def check_providers(config: Config) -> Iterator[Finding]:
    """The operator's come before the shipped ones, so one of theirs may also keep a shipped one from acting."""
    own = {each.name for each in config.provider}
    found = [
        each
        for each in lint_providers(all_providers(config.provider))
        if each.provider in own or each.kind == "shadowed"
    ]
    for each in found:
        name = each.provider if each.provider in own else f"{each.provider} (shipped)"
        yield Finding("provider", "warn", f"{name}: {each.text}")
    for provider in config.provider:
        yield from _changed(provider)
    if own and not found:
        yield Finding("provider", "ok", f"{', '.join(sorted(own))}: every rule can act")


def _changed(own: Provider) -> Iterator[Finding]:
    """Say what a provider of a shipped name changes of it: the rest stays as shipped."""
    shipped = find_shipped(own.name)
    if shipped is None:
        return
    changed = [
        f"{key} {_text(getattr(own, key))}, not {_text(getattr(shipped, key))}"
        for key in Provider.__struct_fields__
        if key != "name" and getattr(own, key) != getattr(shipped, key)
    ]
    kept = [
        f"{key} {_text(getattr(own, key))}"
        for key in _MATCHING
        if getattr(own, key) and getattr(own, key) == getattr(shipped, key)
    ]
    words = "; ".join(changed) or "nothing is changed"
    rest = f" (so {' and '.join(kept)})" if kept else ""
    yield Finding("provider", "ok", f"{own.name}: {words}; the rest as shipped{rest}")


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
