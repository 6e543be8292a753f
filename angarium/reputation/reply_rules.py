"""Rules as they are asked: which one counts for a reply, or for a share of refusals. Pure.

Knows nothing of what is in force: that is ``rule_engine``'s.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, assert_never

import msgspec

from angarium.config.schema import Rule, RuleScope
from angarium.queue.model import Attempt
from angarium.reputation.patterns import Patterns, fold


class Reach(NamedTuple):
    """Whose mail, to which provider."""

    subject: str  # the source, tenant, sender's domain, stream, or "tenant/campaign"
    scope: RuleScope
    provider: str


SCOPES: Final[tuple[RuleScope, ...]] = ("source", "tenant", "sender_domain", "stream", "campaign")


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A peer's reply, and about whose mail."""

    code: int
    enhanced: str  # ""
    text: str
    source: str
    provider: str
    tenant: str = ""
    sender_domain: str = ""  # of the reverse path, lower-case; "": it is null
    stream: str = ""
    campaign: str = ""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mail it is that would go, or went."""

    tenant: str
    sender_domain: str
    stream: str
    campaign: str


def find_reach(scope: RuleScope, source: str, mail: Mail, provider: str) -> Reach | None:
    """Return what of the mail a rule of that scope concerns; None: it has no such thing, so it concerns nothing."""
    match scope:
        case "source":
            subject = source
        case "tenant":
            subject = mail.tenant
        case "sender_domain":
            subject = mail.sender_domain
        case "stream":
            subject = mail.stream
        case "campaign":
            subject = f"{mail.tenant}/{mail.campaign}" if mail.campaign else ""
        case _:
            assert_never(scope)
    return Reach(subject, scope, provider) if subject else None


# What we answer ourselves has no code, or is from this stage
_OWN_STAGE: Final = "internal"


def is_from_peer(attempt: Attempt) -> bool:
    """Whether it is a peer's reply: our own words must never trigger a rule."""
    return bool(attempt.code) and attempt.stage != _OWN_STAGE


class ReplyRule:
    """One rule, ready to be asked."""

    def __init__(self, rule: Rule) -> None:
        """Raises PatternError."""
        self.rule = rule
        self._patterns = Patterns(rule.match)
        self._codes = frozenset(rule.codes)
        self._enhanced = frozenset(rule.enhanced)

    def fits(self, code: int, enhanced: str, folded: str) -> bool:
        if self._codes and code not in self._codes:
            return False
        if self._enhanced and enhanced not in self._enhanced:
            return False
        return self._patterns.match(folded)


class RuleBook:
    """All rules in their order: those that name the provider come before those that name none."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Raises PatternError."""
        in_use = [each for each in rules if each.enabled]
        self.rules = {each.name: each for each in in_use}
        self._sweeps = [each for each in in_use if each.sweep is not None]
        self._of_any: list[ReplyRule] = []
        self._of_provider: dict[str, list[ReplyRule]] = {}
        for each in in_use:
            if each.sweep is not None:
                continue
            made = ReplyRule(each)
            for provider in each.providers:
                self._of_provider.setdefault(provider, []).append(made)
            if not each.providers:
                self._of_any.append(made)

    def find(self, *, provider: str, code: int, enhanced: str, text: str) -> Rule | None:
        """Return the first rule that fits a reply of 4yz or 5yz."""
        if code < 400:
            return None
        folded = fold(text)
        for rules in (self._of_provider.get(provider, ()), self._of_any):
            for each in rules:
                if each.fits(code, enhanced, folded):
                    return each.rule
        return None

    def sweeps_of(self, provider: str) -> list[Rule]:
        return [each for each in self._sweeps if provider in each.providers or not each.providers]
