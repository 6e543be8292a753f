"""The gate of rules: what providers said, and what is in force for it. Pure.

It has no state of its own but the pace of throttles: what is in force or on probation is the engine's.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from angarium.config.quantity import even_rate
from angarium.config.schema import Provider, Rule
from angarium.mta.egress.gates.rates import Line, line_of
from angarium.mta.egress.gates.restraint import Restraint
from angarium.mta.egress.policy import Limits, Traffic, Wait, domain_of, traffic_of_work
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Failure, Outcome, Permanent, Scope, Taken, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.model import Attempt, DueHead, UnixMs
from angarium.reputation.appointments import Appointments
from angarium.reputation.in_force import EffectKey, InForce
from angarium.reputation.reply_rules import SCOPES, Heard, Mail, Reach, find_reach, is_from_peer
from angarium.reputation.rule_engine import Ceilings, RuleEngine, per_second, scope_text
from angarium.routing.resolution import Site

# Until an operator's undo or another look: the queue asks again at the latest then
HELD_MS: Final = 60_000
# How soon it shows that one was taken. Ours: who asks costs microseconds
TRIAL_MS: Final = 1_000
# About this host and session: another connection, at once, may do
_OF_CONNECTIONS: Final = frozenset(("connections", "messages_per_connection"))
# About one session or message: nothing is said of the source
_OF_ONE_SESSION: Final = _OF_CONNECTIONS | {"retry"}
# Keep mail waiting: what a source may send there is less than was thought
_OF_VOLUME: Final = frozenset(("suspend", "hold", "throttle"))
# What has begun to be sent is sent; the next one is not
_STOPPING: Final = frozenset(("suspend", "hold"))
# Scopes of less than a lane
_PARTS: Final = frozenset(("sender_domain", "campaign"))
# Of a reply, in the reason of a wait
SHOWN_CHARACTERS: Final = 200


class RuleGate:
    """Satisfies ``shaping.Gate``, and ``restraint.KnowsReplies``."""

    def __init__(self, engine: RuleEngine) -> None:
        self._engine = engine
        self._pace: Appointments[EffectKey, Line] = Appointments()

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        longest: Wait | None = None
        for effect in self._effects(traffic, path, now):
            until = self._until(effect, traffic, now)
            if until > now and (longest is None or until > longest.until):
                longest = Wait(until, reason_of(effect), "rule")
        if longest is None:
            found = next(self._trials(traffic, path, now), None)
            longest = None if found is None else found[1]
        return longest

    def take(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> None:
        for effect in self._effects(traffic, path, now):
            if effect.action == "throttle":
                rate = even_rate(effect.allowed(now))
                self._pace.take(effect.key, rate, line_of(traffic), now)
        for reach in self._on_probation(traffic, path):
            self._engine.probation.goes(reach, now)

    def limits(self, path: EgressPath, provider: Provider, limits: Limits) -> Limits:
        engine = self._engine
        if not engine.has_any(provider.name):
            return limits
        connections, transfers = limits.connections, limits.transfers
        for effect in engine.effects_on_source(path.source, provider.name, engine.now):
            allowed = int(effect.allowed(engine.now))
            if effect.action == "connections":
                connections = min(connections, allowed)
            elif effect.action == "messages_per_connection":
                transfers = min(transfers, allowed)
        return msgspec.structs.replace(limits, connections=connections, transfers=transfers)

    def told(
        self, path: EgressPath, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> None:
        delivered = bounced = 0
        said: set[str] = set()
        for outcome in outcomes:
            if isinstance(outcome, Taken):
                delivered += 1
                continue
            attempt = outcome.attempt
            if not is_from_peer(attempt):
                continue
            rule = self._rule_of(attempt, site)
            bounced += isinstance(outcome, Permanent) and not _is_retried(rule)
            if attempt.text not in said:  # what is said of all recipients is one reply
                said.add(attempt.text)
                self._engine.hear(_heard(attempt, path, site, work), _ceilings(site), now)
        if self._engine.probation.has_any(site.provider.name):
            for reach in self._on_probation(traffic_of_work(work, site), path):
                self._engine.probation.answered(reach, now, is_taken=delivered > 0)
        self._engine.sent(
            path.source,
            site.provider.name,
            delivered=delivered,
            bounced=bounced,
            ceilings=_ceilings(site),
            now=now,
        )

    def complained(self, source: str, provider: str, now: UnixMs) -> None:
        """Hear of a recipient who complained of what the source had delivered."""
        self._engine.complained(source, provider, now)

    def refused(self, path: EgressPath, site: Site, failure: Failure, now: UnixMs) -> None:
        """Hear what a host said instead of a greeting: of the source, whoever's mail it was for."""
        if is_from_peer(failure.attempt):
            heard = _heard(failure.attempt, path, site, None)
            self._engine.hear(heard, _ceilings(site), now)

    def understood(
        self, site: Site, work: Work, outcomes: Sequence[Outcome], now: UnixMs
    ) -> Sequence[Outcome]:
        """Return what the outcomes mean for the recipients: a refusal of us is none of an address, for a while."""
        if all(isinstance(outcome, Taken) for outcome in outcomes):
            return outcomes
        age_ms = now - work.message.started
        return [self._meaning(outcome, site, age_ms) for outcome in outcomes]

    def overflows(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> bool:
        """Whether it is this source only that keeps the mail waiting: another one of the pool may do."""
        enquiry = msgspec.structs.replace(traffic, is_enquiry=True)
        found = [
            each.reach
            for each in self._effects(traffic, path, now)
            if self._until(each, enquiry, now) > now
        ]
        found += [reach for reach, _ in self._trials(traffic, path, now)]
        return bool(found) and all(each.scope == "source" for each in found)

    def stops(self, work: Work, path: EgressPath, site: Site, now: UnixMs) -> bool:
        """Whether what is in force by now keeps mail from beginning that was let go before."""
        if not self._engine.has_any(site.provider.name):
            return False
        effects = self._effects(traffic_of_work(work, site), path, now)
        return any(each.action in _STOPPING for each in effects)

    def find_apart(self, head: DueHead, provider: str) -> str:
        """Return for whom a rule keeps the recipient waiting, if that is less than its tenant's stream; else ""."""
        engine = self._engine
        if not engine.has_any(provider):
            return ""
        mail = Mail(
            tenant=head.tenant,
            sender_domain=head.sender_domain,
            stream=head.stream,
            campaign=head.campaign,
        )
        return next(
            (
                scope_text(each.reach)
                for each in engine.effects_on("", mail, provider, engine.now)
                if each.reach.scope in _PARTS and each.action in _OF_VOLUME
            ),
            "",
        )

    def suspends(self, path: EgressPath, provider: str, now: UnixMs) -> bool:
        """Whether a rule lets nothing at all go from this source to this provider."""
        self._engine.now = now
        if not self._engine.has_any(provider):
            return False
        nobody = Mail(tenant="", sender_domain="", stream="", campaign="")
        return any(
            each.reach.scope == "source"
            and (each.action == "hold" or (each.action == "suspend" and (each.until or 0) > now))
            for each in self._engine.effects_on(path.source, nobody, provider, now)
        )

    def find_pool(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> str | None:
        """Return the pool that a rule sends this mail by; None: the usual one."""
        effects = self._effects(traffic, path, now)
        return next((each.pool for each in effects if each.action == "reroute"), None)

    # --- restraint.KnowsReplies

    def is_of_source(self, attempt: Attempt, site: Site) -> bool:
        rule = self._rule_of(attempt, site) if is_from_peer(attempt) else None
        return rule is None or (
            rule.scope == "source" and not _OF_ONE_SESSION.issuperset(rule.actions)
        )

    def find_restraint(self, source: str, provider: str, now: UnixMs) -> Restraint | None:
        """Return the hardest one that is in force for all that the source sends there."""
        found = [
            each
            for each in self._engine.effects_on_source(source, provider, now)
            if each.action in _OF_VOLUME
        ]
        if not found:
            return None
        hardest = min(found, key=lambda each: each.action == "throttle")
        return Restraint(is_suspension=hardest.action != "throttle", text=reason_of(hardest))

    # ----------------------------------------------------------------------------------------

    def _effects(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Sequence[InForce]:
        self._engine.now = now
        if not self._engine.has_any(traffic.provider):
            return ()
        return self._engine.effects_on(path.source, _mail_of(traffic), traffic.provider, now)

    def _on_probation(self, traffic: Traffic, path: EgressPath) -> Iterator[Reach]:
        """Yield what of the mail may be on probation."""
        if self._engine.probation.has_any(traffic.provider):
            mail = _mail_of(traffic)
            for scope in SCOPES:
                reach = find_reach(scope, path.source, mail, traffic.provider)
                if reach is not None:
                    yield reach

    def _trials(
        self, traffic: Traffic, path: EgressPath, now: UnixMs
    ) -> Iterator[tuple[Reach, Wait]]:
        """Yield for whom one message is under way that is to be answered first."""
        for reach in self._on_probation(traffic, path):
            found = self._engine.probation.find_wait(reach, now)
            if found is not None:
                until, rule = found
                yield (
                    reach,
                    Wait(UnixMs(min(until, now + TRIAL_MS)), _trial_reason(rule, reach), "rule"),
                )

    def _until(self, effect: InForce, traffic: Traffic, now: UnixMs) -> UnixMs:
        """Return until when the effect keeps mail waiting; a time that is over: not at all."""
        match effect.action:
            case "suspend":
                return now if effect.until is None else effect.until
            case "hold":
                return UnixMs(now + HELD_MS)
            case "throttle":
                rate = even_rate(effect.allowed(now))
                end = self._pace.find_end(
                    effect.key, rate, line_of(traffic), now, books=not traffic.is_enquiry
                )
                return now if end is None else UnixMs(end)
            case _:
                return now

    def _rule_of(self, attempt: Attempt, site: Site) -> Rule | None:
        return self._engine.book.find(
            provider=site.provider.name,
            code=attempt.code,
            enhanced=attempt.enhanced,
            text=attempt.text,
        )

    def _meaning(self, outcome: Outcome, site: Site, age_ms: int) -> Outcome:
        if isinstance(outcome, Taken) or not is_from_peer(outcome.attempt):
            return outcome
        rule = self._rule_of(outcome.attempt, site)
        if rule is None:
            return outcome
        is_retried = _is_retried(rule)
        if isinstance(outcome, Transient):
            # The site's other hosts would say the same: they are not asked in the same attempt
            own = rule.retry_s if is_retried else ()
            if _OF_CONNECTIONS.issuperset(rule.actions):
                return msgspec.structs.replace(outcome, retry_s=own)
            # Nor would another session hear otherwise
            return msgspec.structs.replace(outcome, scope=Scope.SITE, retry_s=own, again=None)
        if not is_retried or age_ms >= rule.retry_for_s * 1000:
            return outcome
        return Transient(outcome.attempt, Scope.SITE, retry_s=rule.retry_s)


def _is_retried(rule: Rule | None) -> bool:
    return rule is not None and "retry" in rule.actions


def _mail_of(traffic: Traffic) -> Mail:
    return Mail(
        tenant=traffic.tenant,
        sender_domain=traffic.sender_domain,
        stream=traffic.stream,
        campaign=traffic.campaign,
    )


def _heard(attempt: Attempt, path: EgressPath, site: Site, work: Work | None) -> Heard:
    message = None if work is None else work.message
    return Heard(
        code=attempt.code,
        enhanced=attempt.enhanced,
        text=attempt.text,
        source=path.source,
        provider=site.provider.name,
        tenant="" if message is None else message.tenant,
        sender_domain="" if message is None else domain_of(message.envelope.reverse_path),
        stream="" if message is None else message.stream,
        campaign="" if message is None else message.campaign,
    )


def _ceilings(site: Site) -> Ceilings:
    return Ceilings(
        connections=site.provider.connections,
        messages_per_connection=site.provider.messages_per_connection,
        rate=per_second(site.provider.message_rate),
    )


def reason_of(effect: InForce) -> str:
    """For people: which rule, for whom, and the reply that caused it."""
    verb = {"suspend": "suspends", "hold": "holds", "throttle": "slows down"}
    what = verb.get(effect.action, effect.action)
    reply = effect.reply[:SHOWN_CHARACTERS]
    return f"the rule {effect.rule} {what} {scope_text(effect.reach)}: {reply}"


def _trial_reason(rule: str, reach: Reach) -> str:
    return f"the rule {rule} suspended {scope_text(reach)}: one message at a time is tried, until one is taken"
