"""What a week must have been like: each function returns, in words, what was not so."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from angarium.queue import Bounced, Delivered, Expired
from angarium.queue.memory.state import MemoryState
from angarium.reputation.in_force import InForce
from angarium.reputation.warmup import HOUR_MS
from tests.week.week import BEGIN, FIRST_HOUR, PLAN, Week

HEALTHY: Final = ("gmail", "apple", "gmx")
# What was begun before a reply is known goes on; a transaction takes a quarter of it
GRACE_MS: Final = 1_000
# In a few messages, rotation is as exact as one of them
FEW: Final = 6
_VOLUME: Final = ("suspend", "throttle")


def broken_promises(week: Week) -> dict[str, list[str]]:
    promises = (
        *(limits_are_kept, the_plan_is_kept, the_share_is_had, nobody_is_blocked),
        a_throttle_is_kept,
        *(healthy_providers_warm_it, an_unhealthy_one_holds_it_back, a_suspension_is_kept),
        *(a_suspension_is_of_its_source_only, a_tenants_suspension_is_the_tenants_only),
        *(what_a_session_may_carry_is_learnt, everyone_has_one_outcome, a_copy_is_in_doubt),
        *(waiting_is_no_attempt, receipts_are_quick, nothing_went_wrong),
    )
    return {each.__name__: found for each in promises if (found := list(each(week)))}


def limits_are_kept(week: Week) -> Iterator[str]:
    """Connections at once and new ones, messages over one and by time, recipients of each."""
    yield from week.excesses


def the_plan_is_kept(week: Week) -> Iterator[str]:
    for name, sink in week.sinks.items():
        for (source, hour), count in sink.recipients.items():
            if source != "cold":
                continue
            by_plan = PLAN[(hour - FIRST_HOUR) // 24]
            allowed = min(by_plan, week.caps[name, hour]) if name in week.providers else by_plan
            if count > allowed:
                yield f"{name}: {count} of {allowed} in hour {hour - FIRST_HOUR}"


def the_share_is_had(week: Week) -> Iterator[str]:
    """Half of what goes, as far as the plan allows; and never none."""
    for name in (each for each in week.providers if each != "default"):
        sink = week.sinks[name]
        restrained = _restrained_hours(week, name)
        for hour in week.hours():
            if hour in restrained or (name == "gmail" and _is_unauthenticated(week, hour)):
                continue
            cold, warm, cap = (
                *(sink.recipients[each, hour] for each in ("cold", "warm")),
                week.caps[name, hour],
            )
            # A crash costs what was reserved, a drain what had got its go
            lost = 12 + cap // 5 if hour in week.disturbed_hours else 0
            least = min(cap, (cold + warm) // 3) - 2 - lost
            if cold < least or (not cold and cold + warm >= FEW and not lost):
                yield f"{name}: {cold} and {warm}, of {cap}, in hour {hour - FIRST_HOUR}"


def nobody_is_blocked(week: Week) -> Iterator[str]:
    for provider in week.providers.values():
        for source, at in provider.blocks:
            yield f"{provider.name} blocked {source} at {_hour(at)}"


def healthy_providers_warm_it(week: Week) -> Iterator[str]:
    for name in HEALTHY:
        seen = week.warmth[name]
        days = [each.day for each in seen]
        if days != sorted(days) or days[-1] < int(week.story.days):
            yield f"{name}: {seen}"


def an_unhealthy_one_holds_it_back(week: Week) -> Iterator[str]:
    """Its day falls or stays while the provider is strict, says why, and rises later."""
    seen = week.warmth["yahoo"]
    because = [each for each in seen if "yahoo-ts04" in each.note]
    if not because or max(each.day for each in seen[: seen.index(because[-1])]) > 1:
        yield f"yahoo: {seen}"
    elif week.story.days > week.story.yahoo_is_strict_for + 2 and seen[-1].day < 2:
        yield f"yahoo did not recover: {seen}"
    busy = [each.note for each in week.warmth["outlook"] if "microsoft-busy" in each.note]
    if not busy:
        yield f"outlook: {week.warmth['outlook']}"


def a_suspension_is_kept(week: Week) -> Iterator[str]:
    for effect in _effects(week, "suspend", "source"):
        until = _end(effect)
        for source, at in week.sinks[effect.reach.provider].transactions:
            # By the sender's clock, which may be wrong by a little over a minute
            if source == effect.reach.subject and effect.since + 80_000 < at < until - 80_000:
                yield f"{effect.rule}: {source} sent at {_hour(at)}"


def a_throttle_is_kept(week: Week) -> Iterator[str]:
    """Of one a minute at most; each restart forgets when the last one went."""
    for effect in _effects(week, "throttle", "source"):
        begin, end = effect.since + 80_000, _end(effect) - 80_000
        went = [
            at
            for source, at in week.sinks[effect.reach.provider].transactions
            if source == effect.reach.subject and begin < at < end
        ]
        restarts = sum(begin < _ms(at) < end for at in (*week.story.crashes, *week.story.drains))
        allowed = (end - begin) // 60_000 + 2 + restarts
        if not went or len(went) > allowed:
            yield f"{effect.rule}: {effect.reach.subject} sent {len(went)} of {allowed}"


def a_suspension_is_of_its_source_only(week: Week) -> Iterator[str]:
    """Meanwhile the other source goes on there, and this one elsewhere."""
    found = list(_effects(week, "suspend", "source"))
    if not found:
        yield "none was seen"
    for effect in found:
        others = {"warm", "cold"} - {effect.reach.subject}
        there = _sources_between(week, effect.reach.provider, effect)
        elsewhere = set[str]().union(*(_sources_between(week, each, effect) for each in HEALTHY))
        if not others <= there or effect.reach.subject not in elsewhere:
            yield f"{effect.rule}: {there} there, {elsewhere} elsewhere"


def a_tenants_suspension_is_the_tenants_only(week: Week) -> Iterator[str]:
    gmail, yahoo = week.providers["gmail"], week.providers["yahoo"]
    found = list(_effects(week, "suspend", "sender_domain"))
    if {each.reach.subject for each in found} != {"careless.example"}:
        yield f"in force: {found}"
    begin, end = (FIRST_HOUR + int(each) for each in week.story.unauthenticated)
    hours = range(begin + 1, end)
    asked = sum(gmail.letters["careless.example", each] for each in hours)
    # Once an hour it is tried, by what had got its go on all connections
    if asked > len(hours) * 12:
        yield f"gmail had {asked} of the careless one's messages in {len(hours)} hours"
    for other in ("bank.example", "shop.example"):
        if not sum(gmail.taken[other, each] for each in hours):
            yield f"gmail took nothing of {other}"
    if not sum(yahoo.taken["careless.example", each] for each in hours):
        yield "yahoo took nothing of the careless one"


def what_a_session_may_carry_is_learnt(week: Week) -> Iterator[str]:
    found = list(_effects(week, "connections", "source"))
    if not found:
        yield "no provider complained of too many connections"
    for effect in found:
        for source, at, open_then in week.sinks[effect.reach.provider].connected:
            is_within = effect.since + 80_000 < at < _end(effect) - 80_000
            if source == effect.reach.subject and is_within and open_then > 1:
                yield f"{source} opened connection {open_then} at {_hour(at)}"


def everyone_has_one_outcome(week: Week) -> Iterator[str]:
    state: MemoryState = week.node.spool.state
    outcomes: Counter[tuple[bytes, int]] = Counter()
    for each in state.events:
        if isinstance(each.event, Delivered | Bounced | Expired):
            outcomes[each.event.message_id, each.event.index] += 1
    for id_, submission in week.sent.items():
        for index, recipient in enumerate(submission.envelope.recipients):
            if outcomes[id_, index] != 1:
                yield f"{recipient.forward_path} has {outcomes[id_, index]} outcomes"
    if state.deliveries:
        yield f"{len(state.deliveries)} still wait"


def a_copy_is_in_doubt(week: Week) -> Iterator[str]:
    senders = {each.envelope.reverse_path for each in week.sent.values()}  # who get many DSNs
    copies = sum(
        sum(count - 1 for to, count in each.delivered_to.items() if to not in senders)
        for each in week.providers.values()
    )
    if copies > week.node.observer.doubts:
        yield f"{copies} copies, {week.node.observer.doubts} in doubt"


def waiting_is_no_attempt(week: Week) -> Iterator[str]:
    """Where each attempt is a transaction, as many are counted as there were."""
    asked = {each: week.providers[each].asked_for for each in ("gmail", "yahoo", "apple")}
    for event in (each.event for each in week.node.spool.state.events):
        if not isinstance(event, Delivered) or event.in_doubt:
            continue
        name = {"gmail.com": "gmail", "yahoo.com": "yahoo", "icloud.com": "apple"}.get(
            event.recipient.partition("@")[2]
        )
        if name is not None and event.attempts != asked[name][event.recipient]:
            times = asked[name][event.recipient]
            yield f"{event.recipient}: {event.attempts} attempts, asked {times} times"


def receipts_are_quick(week: Week) -> Iterator[str]:
    """Of those whom no provider kept waiting, and who tell the truth about who they are."""
    took: list[int] = []
    for event in (each.event for each in week.node.spool.state.events):
        submission = week.sent.get(event.message_id)
        if not isinstance(event, Delivered) or submission is None or event.attempts > 1:
            continue
        is_receipt = submission.stream == "transactional" and submission.tenant != "careless"
        if is_receipt and not event.recipient.endswith("@outlook.com"):
            took.append(event.at - submission.accepted)
    took.sort()
    half, most = took[len(took) // 2], took[len(took) * 99 // 100]
    if half > 1_000 or most > 5_000:
        yield f"half within {half} ms, 99 of 100 within {most} ms, the slowest {took[-5:]}"


def nothing_went_wrong(week: Week) -> Iterator[str]:
    yield from (repr(each) for each in week.node.observer.errors)


# ----------------------------------------------------------------------------------------------


def _ms(hour: float) -> float:
    return BEGIN + hour * HOUR_MS


def _hour(ms: float) -> str:
    return f"hour {(ms - BEGIN) / HOUR_MS:.3f}"


def _end(effect: InForce) -> int:
    assert effect.until is not None
    return effect.until


def _effects(week: Week, action: str, scope: str) -> Iterator[InForce]:
    for found in week.effects.values():
        for each in found:
            if each.action == action and each.reach.scope == scope:
                yield each


def _restrained_hours(week: Week, provider: str) -> set[int]:
    hours: set[int] = set()
    for found in week.effects.values():
        for each in found:
            if each.action in _VOLUME and each.reach.provider == provider:
                end = each.ends or each.since
                hours |= set(range(each.since // HOUR_MS, end // HOUR_MS + 1))
    return hours


def _is_unauthenticated(week: Week, hour: int) -> bool:
    """Then who waited for a rule, and came too late for the hour, went by the warm source."""
    begin, end = week.story.unauthenticated
    return FIRST_HOUR + int(begin) <= hour <= FIRST_HOUR + int(end) + 1


def _sources_between(week: Week, provider: str, effect: InForce) -> set[str]:
    return {
        source
        for source, at in week.sinks[provider].transactions
        if effect.since + GRACE_MS < at < _end(effect)
    }
