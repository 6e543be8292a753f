"""A hold that binds later mail too: who must wait, on whose word, why, and until when. Pure."""

from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from angarium.queue.entry import refuse_empty, sender_matches
from angarium.queue.model import Filter, UnixMs

# Ours: each claim asks the rules of its domain, and all that name no domain
HOLD_RULE_LIMIT: Final = 1000


class HoldRule(msgspec.Struct, frozen=True, kw_only=True):
    """All given conditions must hold; at least one is given. One to be added has its conditions and ``until`` only."""

    id: int = 0  # given by the queue, never given twice
    tenant: str | None = None
    sender: str | None = None  # address, or @domain; "" is the null reverse-path
    domain: str | None = None  # recipient's domain
    provider: str | None = None
    campaign: str | None = None  # as its sender names it; best with its tenant
    who: str = ""
    why: str = ""
    since: UnixMs = UnixMs(0)
    until: UnixMs | None = None  # from then on it binds nothing, and what it held is released

    @property
    def wanted(self) -> Filter:
        """What it holds at the moment when it is added."""
        return Filter(
            tenants=_given(self.tenant),
            senders=_given(self.sender),
            domains=_given(self.domain),
            providers=_given(self.provider),
            campaigns=_given(self.campaign),
        )

    def is_in_force(self, now: UnixMs) -> bool:
        return self.until is None or now < self.until


def _given(condition: str | None) -> tuple[str, ...]:
    return () if condition is None else (condition,)


def check_rule(rule: HoldRule, now: UnixMs) -> HoldRule:
    """Return a rule to be added with its conditions as they are compared: without case, as operators type them.

    Raises EmptyFilterError, ValueError.
    """
    refuse_empty(rule.wanted)
    if not rule.is_in_force(now):
        raise ValueError("a hold rule whose time is over already would hold nothing")
    return HoldRule(
        tenant=rule.tenant,
        sender=None if rule.sender is None else rule.sender.casefold(),
        domain=None if rule.domain is None else rule.domain.casefold(),
        provider=rule.provider,
        campaign=rule.campaign,
        until=rule.until,
    )


class ClaimedMail(Protocol):
    """What a claim is about to begin an attempt of. Methods read the queue: they are asked only when it matters."""

    @property
    def tenant(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def campaign(self) -> str: ...
    def sender(self) -> str: ...
    def provider(self) -> str | None: ...
    def free_of(self) -> int:
        """Return up to which rule's id its next attempt is free."""
        ...


class BindingRules:
    """Hold rules made ready to be asked at every claim. Empty is false."""

    def __init__(self, rules: Iterable[HoldRule] = ()) -> None:
        self._of_domain: dict[str, list[HoldRule]] = {}
        self._of_any: list[HoldRule] = []
        for rule in rules:
            if rule.domain is None:
                self._of_any.append(rule)
            else:
                self._of_domain.setdefault(rule.domain, []).append(rule)
        self._is_empty = not self._of_any and not self._of_domain

    def __bool__(self) -> bool:
        return not self._is_empty

    def find(self, mail: ClaimedMail, now: UnixMs) -> HoldRule | None:
        """Return a rule in force that binds the mail: of its domain first, then of any, each in the order of ids."""
        for rules in (self._of_domain.get(mail.domain.casefold(), ()), self._of_any):
            for rule in rules:
                if (
                    (rule.until is None or now < rule.until)
                    and (rule.tenant is None or mail.tenant == rule.tenant)
                    and (rule.campaign is None or mail.campaign == rule.campaign)
                    and (rule.sender is None or sender_matches(rule.sender, mail.sender()))
                    and (rule.provider is None or mail.provider() == rule.provider)
                    and rule.id > mail.free_of()
                ):
                    return rule
        return None
