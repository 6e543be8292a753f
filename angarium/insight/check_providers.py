"""Check for providers whose rules can never act, or take each other's sites."""

from collections.abc import Iterator

from angarium.config.providers import all_providers
from angarium.config.schema import Config
from angarium.insight.finding import Finding
from angarium.routing.provider_lint import lint_providers


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
    if own and not found:
        yield Finding("provider", "ok", f"{', '.join(sorted(own))}: every rule can act")
