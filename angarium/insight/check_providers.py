"""Checks of the operator's ``[[provider]]`` rules: what of them can never act. Pure."""

from angarium.config.schema import Config
from angarium.insight.finding import Finding
from angarium.routing.provider_lint import lint_providers


def check_providers(config: Config) -> list[Finding]:
    """A rule that can never act is a warning: the server runs, with other limits than its operator thinks."""
    found = lint_providers(config.provider)
    if config.provider and not found:
        return [Finding("providers", "ok", f"each of the {len(config.provider)} rules can act")]
    return [Finding("providers", "warn", f"{each.provider}: {each.text}") for each in found]
