"""Rules that can never fire, or hide others: found before a provider's reply shows it. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from angarium.config.providers import all_providers
from angarium.config.reply_texts import PatternError, expanded
from angarium.config.rules import shipped_rules
from angarium.config.schema import Config, Provider, Rule
from angarium.reputation.patterns import covers

Kind = Literal["no_such_provider", "provider_matches_nothing", "never_in_a_reply", "shadowed"]
# What replies never have, as they are kept: on one line, printable, in the peer's words
_ESCAPED: Final = re.compile(r"\\[\\.\[\](){}dswbn+*?^$/-]|\\$")


class LintFinding(msgspec.Struct, frozen=True, kw_only=True):
    rule: str  # or the provider's name
    kind: Kind
    text: str


def lint(config: Config, rules: Sequence[Rule]) -> list[LintFinding]:
    """``rules`` in their order, as ``config.rules.all_rules`` returns them."""
    in_use = [each for each in rules if each.enabled]
    shipped = shipped_rules()
    own = {each.name for each in config.rule}
    written = [each for each in in_use if each.name in own or each.name not in shipped]
    return [
        *_unknown_providers(config, in_use),
        *_dead_providers(config.provider, written),
        *_dead_patterns(in_use),
        *_shadowed(in_use),
    ]


def _unknown_providers(config: Config, rules: Sequence[Rule]) -> Iterator[LintFinding]:
    known = {each.name for each in all_providers(config.provider)}
    for rule in rules:
        for name in rule.providers:
            # The name of a site or smart host is one, too
            if name not in known and "." not in name and ":" not in name:
                text = f"no provider is named {name!r}: it never fires there"
                yield LintFinding(rule=rule.name, kind="no_such_provider", text=text)


def _dead_providers(own: Sequence[Provider], rules: Sequence[Rule]) -> Iterator[LintFinding]:
    by_name = {each.name: each for each in all_providers(own)}
    for rule in rules:
        for name in rule.providers:
            provider = by_name.get(name)
            if provider is None or "." in name or ":" in name:
                continue
            if not provider.mx_suffixes and not provider.domains:
                text = f"provider {name!r} has no mx_suffixes and no domains: it is nobody's"
                yield LintFinding(rule=rule.name, kind="provider_matches_nothing", text=text)
    for provider in own:
        for suffix in (*provider.mx_suffixes, *provider.domains):
            if suffix.endswith("."):
                text = f"{suffix!r} ends in a dot; names are compared without it"
                yield LintFinding(rule=provider.name, kind="provider_matches_nothing", text=text)


def _dead_patterns(rules: Sequence[Rule]) -> Iterator[LintFinding]:
    for rule in rules:
        for pattern in rule.match:
            if (why := _never_in_a_reply(pattern)) is not None:
                text = f"{pattern!r} {why}"
                yield LintFinding(rule=rule.name, kind="never_in_a_reply", text=text)


def _never_in_a_reply(pattern: str) -> str | None:
    if found := _ESCAPED.search(pattern):
        return f"has {found[0]!r} in it, which no reply has: patterns are texts, nothing is escaped"
    if not pattern.isprintable():
        return "has characters that replies are cleaned of"
    try:
        expanded(pattern)
    except PatternError as error:
        return f"cannot be read: {error}"
    return None


def _shadowed(rules: Sequence[Rule]) -> Iterator[LintFinding]:
    """In the order in which they are asked; a rule with a threshold hides as well: the reply counts for the first."""
    replies = [each for each in rules if each.sweep is None]
    ordered = [
        *(each for each in replies if each.providers),
        *(each for each in replies if not each.providers),
    ]
    for place, rule in enumerate(ordered):
        for earlier in ordered[:place]:
            if _hides(earlier, rule):
                how = "an immediate rule" if earlier.count < rule.count else "an earlier rule"
                text = f"{how}, {earlier.name}, fits every reply that this one waits for"
                yield LintFinding(rule=rule.name, kind="shadowed", text=text)
                break


def _hides(earlier: Rule, later: Rule) -> bool:
    if earlier.providers and not (
        later.providers and set(later.providers) <= set(earlier.providers)
    ):
        return False
    if earlier.codes and not (later.codes and set(later.codes) <= set(earlier.codes)):
        return False
    if earlier.enhanced and not (later.enhanced and set(later.enhanced) <= set(earlier.enhanced)):
        return False
    if not earlier.match:
        return True
    try:
        wide = [text for each in earlier.match for text in expanded(each)]
        narrow = [text for each in later.match for text in expanded(each)]
    except PatternError:
        return False
    return bool(narrow) and all(any(covers(w, n) for w in wide) for n in narrow)
