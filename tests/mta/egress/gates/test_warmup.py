"""Mirrors angarium/mta/egress/gates/warmup.py and angarium/reputation/warmups.py, behind the policy that asks them."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from angarium.config.rules import all_rules
from angarium.config.schema import Config, Pool, PoolMember, Server, Source, Warmup
from angarium.mta.egress.gates.rules import RuleGate
from angarium.mta.egress.gates.warmup import WarmupGate, counts_of
from angarium.mta.egress.narrowing import Allowance
from angarium.mta.egress.policy import GO, Elsewhere, Reroute, Traffic, Wait, traffic_of
from angarium.mta.egress.pools import Pools
from angarium.mta.egress.shaping import ShapingPolicy
from angarium.mta.egress.triage import defect
from angarium.mta.egress.work import Group
from angarium.mta.transport.outcome import Outcome, Permanent, Scope, Transient
from angarium.mta.transport.transfer import EgressPath
from angarium.queue.destination import detour
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.model import UnixMs
from angarium.reputation.health import Counts
from angarium.reputation.reply_rules import RuleBook
from angarium.reputation.rule_engine import RuleEngine
from angarium.reputation.warmup import HOUR_MS
from angarium.reputation.warmups import PREFIX, Warmups, WarmupStatus, keepsake_name
from angarium.routing.routing import Routing
from angarium.service.delivery.warmup_writer import WarmupWriter
from tests.mta.egress.fakes import (
    FOR_NOW,
    GREYLISTED,
    IN_DOUBT,
    LOST,
    TAKEN,
    attempt,
    head,
    site,
    work,
)
from tests.mta.egress.test_shaping import FakeGate
from tests.queue.samples import FakeClock

NOW = UnixMs(1_800_000_000_000 // HOUR_MS * HOUR_MS)
SOURCES = tuple(Source(name=each) for each in ("ip1", "ip2", "ip3"))
COLD = EgressPath(source="ip2", bind_address=None, ehlo="mx.example")
WARM = EgressPath(source="ip1", bind_address=None, ehlo="mx.example")
SITE = site(recipients_per_message=100)
PLAN = (20, 28, 39)
VIA = "smtp://10.0.0.5:25"


def traffic(recipients: int = 1, **more: Any) -> Traffic:
    return traffic_of(Group([head(1, index, **more) for index in range(recipients)]), SITE)


class Rig:
    """A delivery process's policy, and what is kept for the next one."""

    def __init__(
        self,
        *settings: Warmup,
        overflow: str = "pool",
        members: Sequence[str] = ("ip1", "ip2"),
        spool: MemorySpool | None = None,
    ) -> None:
        self.spool = spool or MemorySpool(FakeClock(), 2)
        self.settings = settings or (Warmup(source="ip2", messages_per_hour=PLAN),)
        self.pool = Pool(
            name="default",
            sources=tuple(PoolMember(name=each) for each in members),
            overflow=overflow,  # type: ignore[arg-type]
            smart_host=VIA,
        )
        self.begin(NOW)

    def begin(self, now: UnixMs) -> None:
        kept = self.spool.keepsakes.read(PREFIX)
        self.warmups = Warmups(self.settings, kept, lambda provider: provider != "theirs", now)
        self.writer = WarmupWriter(self.warmups, self.spool.keepsakes)
        gate = WarmupGate(self.warmups, self.writer.reserve)
        pools = Pools(SOURCES, [self.pool], Routing((), (), 25), "mx.example")
        self.policy = ShapingPolicy(pools, warmup=gate)

    async def send(self, messages: int, now: UnixMs, recipients: int = 1) -> int:
        """Have the cold source send as many as may go; returns how many transactions went."""
        for sent in range(messages):
            verdict = self.policy.admit(traffic(recipients), COLD, now)
            if isinstance(verdict, Wait) and "counted" in verdict.reason:
                await self.writer.write()
                verdict = self.policy.admit(traffic(recipients), COLD, now)
            if verdict is not GO:
                return sent
        return messages

    def asked_with(self, gate: FakeGate) -> object:
        """Return what the policy says of the cold source's next message, with one more gate."""
        pools = Pools(SOURCES, [self.pool], Routing((), (), 25), "mx.example")
        warmup = WarmupGate(self.warmups, self.writer.reserve)
        return ShapingPolicy(pools, [gate], warmup=warmup).admit(traffic(), COLD, NOW)

    async def crash(self, now: UnixMs) -> None:
        self.spool = self.spool.crash()
        self.begin(now)


async def test_what_exceeds_the_hour_goes_by_the_warm_source_of_the_pool() -> None:
    rig = Rig()
    assert await rig.send(100, NOW) == 20
    moved = rig.policy.admit(traffic(), COLD, NOW)
    assert isinstance(moved, Elsewhere)
    assert moved.path == WARM
    assert moved.reason.startswith("the warm-up of ip2 allows")
    assert rig.policy.admit(traffic(), WARM, NOW) is GO
    assert await rig.send(100, UnixMs(NOW + HOUR_MS)) == 20


@pytest.mark.parametrize(
    ("overflow", "members"),
    [("wait", ("ip1", "ip2")), ("pool", ("ip2",)), ("pool", ("ip2", "ip3"))],
)
async def test_without_a_warm_source_it_waits_and_says_why(
    overflow: str, members: Sequence[str]
) -> None:
    rig = Rig(
        Warmup(source="ip2", messages_per_hour=PLAN),
        Warmup(source="ip3", messages_per_hour=PLAN),
        overflow=overflow,
        members=members,
    )
    assert await rig.send(100, NOW) == 20
    verdict = rig.policy.admit(traffic(), COLD, UnixMs(NOW + 5))
    assert verdict == Wait(
        UnixMs(NOW + HOUR_MS), "the warm-up of ip2 allows 20 an hour at p (day 0)", "warm_up"
    )


async def test_while_more_is_reserved_it_waits_for_its_source_and_takes_no_other() -> None:
    verdict = Rig().policy.admit(traffic(), COLD, NOW)
    assert isinstance(verdict, Wait)
    assert verdict.until - NOW < 1000


async def test_a_message_counts_for_each_recipient_and_takes_a_part_of_the_hour() -> None:
    rig = Rig()
    assert rig.policy.limits(COLD, SITE.provider).recipients == 2
    assert rig.policy.limits(WARM, SITE.provider).recipients == 100
    assert await rig.send(100, NOW, recipients=2) == 10


async def test_a_crash_never_gives_an_hour_twice() -> None:
    rig = Rig()
    sent = await rig.send(7, NOW)
    for minute in range(1, 10):
        await rig.crash(UnixMs(NOW + minute * 60_000))
        sent += await rig.send(3, UnixMs(NOW + minute * 60_000))
    assert 7 <= sent <= 20


async def test_a_clean_end_loses_nothing_of_the_hour() -> None:
    rig = Rig()
    assert await rig.send(7, NOW) == 7
    await rig.writer.write(final=True)
    await rig.crash(NOW)
    assert await rig.send(100, NOW) == 13


async def test_other_providers_and_sources_are_free_of_it() -> None:
    rig = Rig(Warmup(source="ip2", providers=("gmail",), messages_per_hour=PLAN))
    assert rig.policy.admit(traffic(), COLD, NOW) is GO
    assert rig.policy.limits(COLD, SITE.provider).recipients == 100


async def test_a_reload_adds_and_removes_warm_ups_and_remembers_them() -> None:
    rig = Rig()
    assert await rig.send(20, NOW) == 20
    setting = rig.settings[0]
    rig.warmups.exchange([], NOW)
    assert rig.policy.admit(traffic(), COLD, NOW) is GO
    rig.warmups.exchange([setting], NOW)
    assert await rig.send(1, NOW) == 0
    assert await rig.send(100, UnixMs(NOW + HOUR_MS)) == 20
    longer = Warmup(source="ip2", messages_per_hour=(50, 60))
    rig.warmups.exchange([longer], UnixMs(NOW + HOUR_MS))
    assert await rig.send(100, UnixMs(NOW + HOUR_MS)) == 30


async def test_what_is_damaged_on_disk_begins_again_with_a_full_hour() -> None:
    rig = Rig()
    await rig.spool.keepsakes.write({keepsake_name("ip2", "p"): b"\x01junk"})
    await rig.crash(NOW)
    assert await rig.send(1, NOW) == 0
    assert await rig.send(100, UnixMs(NOW + HOUR_MS)) == 20


async def test_what_another_process_owns_is_left_to_it() -> None:
    rig = Rig()
    await rig.send(3, NOW)
    await rig.writer.write()
    ((name, octets),) = rig.spool.keepsakes.read("").items()
    assert name == "warmup/ip2/p"
    other = Warmups(rig.settings, {name: octets}, lambda _: False, NOW)
    assert other.statuses(NOW) == []
    (status,) = Warmups(rig.settings, {name: octets}, lambda _: True, NOW).statuses(NOW)
    assert (status.source, status.provider, status.day) == ("ip2", "p", 0)
    assert status.hour_used >= 3


async def test_an_act_meets_the_source_and_provider_that_are_meant() -> None:
    rig = Rig()
    for provider in ("gmail", "yahoo"):
        rig.warmups.find("ip2", provider, NOW)
    assert [each.provider for each in rig.warmups.act("hold", "ip2", "gmail", NOW)] == ["gmail"]
    assert rig.warmups.act("hold", "ip1", None, NOW) == []
    promoted = rig.warmups.act("promote", "ip2", None, NOW)
    assert [(each.provider, each.day, each.is_held) for each in promoted] == [
        ("gmail", 1, False),
        ("yahoo", 1, False),
    ]
    await rig.writer.write()
    await rig.crash(NOW)
    assert [each.day for each in rig.warmups.statuses(NOW)] == [1, 1]


def test_outcomes_count_as_far_as_they_speak_of_the_source() -> None:
    bounced = Permanent(attempt(550, "5.1.1", "rcpt"), Scope.RECIPIENT)
    ours = Permanent(attempt(0, "5.3.4", "mail"), Scope.MESSAGE)
    full = Transient(attempt(452, "4.2.2", "rcpt"), Scope.RECIPIENT)
    outcomes = [TAKEN, TAKEN, FOR_NOW, GREYLISTED, LOST, IN_DOUBT, bounced, ours, full]
    assert counts_of(outcomes) == Counts(delivered=2, deferred=1, bounced=1)


async def test_trouble_at_the_provider_has_the_source_step_back() -> None:
    rig = Rig()
    rig.warmups.act("promote", "ip2", None, NOW)
    await rig.send(1, NOW)
    rig.warmups.act("promote", "ip2", None, NOW)
    for _ in range(20):
        rig.policy.told(COLD, SITE, work(), [FOR_NOW], NOW)
    (status,) = rig.warmups.statuses(NOW)
    assert (status.day, status.note) == (
        0,
        "it went from day 1 to day 0: 100.0% deferred (20 of 20)",
    )


async def test_a_provider_that_greets_a_stranger_with_a_refusal_has_it_step_back() -> None:
    rig = Rig()
    await rig.send(1, NOW)
    rig.warmups.act("promote", "ip2", None, NOW)
    refusal = Transient(attempt(421, "4.7.0", "banner"), Scope.SITE)
    for _ in range(20):
        rig.policy.refused(COLD, SITE, refusal, NOW)
    (status,) = rig.warmups.statuses(NOW)
    assert status.day == 0


async def told_with_rules(*outcomes: Outcome) -> WarmupStatus:
    """Have the provider say so to the cold source, of ``work``'s tenant, under the shipped rules."""
    rig = Rig()
    engine = RuleEngine(RuleBook(all_rules(Config(server=Server(hostname="mx.example")))))
    rules = RuleGate(engine)
    gate = WarmupGate(rig.warmups, rig.writer.reserve, rules)
    pools = Pools(SOURCES, [rig.pool], Routing((), (), 25), "mx.example")
    policy = ShapingPolicy(pools, rules=rules, warmup=gate)
    provider = msgspec.structs.replace(SITE.provider, name="gmail")
    to = msgspec.structs.replace(SITE, provider=provider)
    for outcome in outcomes:
        policy.told(COLD, to, work(), [outcome], NOW)
    (status,) = (each for each in rig.warmups.statuses(NOW) if each.provider == "gmail")
    return status


def said(code: int, enhanced: str, text: str) -> Outcome:
    made = msgspec.structs.replace(attempt(code, enhanced, "mail"), text=f"{code} {text}")
    return Permanent(made, Scope.MESSAGE) if code >= 500 else Transient(made, Scope.MESSAGE)


@pytest.mark.parametrize(
    "reply",
    [
        (550, "5.7.26", "this mail has been blocked because the sender is unauthenticated"),
        (421, "4.7.0", "Too many messages in this session"),
        (450, "4.2.1", "The user is receiving mail at a rate that prevents delivery"),
        (550, "5.2.1", "The user is receiving mail too quickly"),
    ],
)
async def test_what_is_said_of_a_tenant_a_session_or_a_mailbox_is_nothing_against_the_source(
    reply: tuple[int, str, str],
) -> None:
    status = await told_with_rules(*[TAKEN] * 20, *[said(*reply)] * 20)
    assert status.counts == Counts(delivered=20)
    assert status.note == ""


async def test_a_rule_that_restrains_the_source_is_why_its_warm_up_stays() -> None:
    unusual = said(421, "4.7.0", "unusual rate of mail from your IP address")
    status = await told_with_rules(*[TAKEN] * 200, unusual, unusual)
    assert status.note == (
        "it will stay at day 0: the rule gmail-rate slows down source ip2 at gmail:"
        " 421 unusual rate of mail from your IP address"
    )


async def test_a_fault_of_ours_is_nothing_against_the_source() -> None:
    defects: list[Outcome] = [defect(KeyError("x"), NOW)] * 20
    status = await told_with_rules(TAKEN, *defects)
    assert (status.counts, status.note) == (Counts(delivered=1), "")


async def test_people_and_forecasts_are_told_what_is_left_of_the_hour() -> None:
    rig = Rig()
    await rig.send(7, NOW)
    (found,) = WarmupGate(rig.warmups, rig.writer.reserve).narrowings(UnixMs(NOW + 5))
    assert (found.kind, found.source, found.provider) == ("warm_up", "ip2", "p")
    assert found.text == "20 an hour on day 0 of 3, 7 used"
    assert found.allowance == Allowance(
        left=13, per_period=20, renews_at=UnixMs(NOW + HOUR_MS), period_ms=HOUR_MS
    )


class Slow(FakeGate):
    """Keeps one source waiting."""

    def find_wait(self, traffic: Traffic, path: EgressPath, now: UnixMs) -> Wait | None:
        return self.wait if path == WARM else None


@pytest.mark.parametrize(("later_ms", "goes"), [(500, True), (2 * HOUR_MS, False)])
async def test_a_warm_source_that_must_wait_takes_it_if_that_is_sooner(
    later_ms: int, *, goes: bool
) -> None:
    rig = Rig()
    assert await rig.send(100, NOW) == 20
    verdict = rig.asked_with(Slow(Wait(UnixMs(NOW + later_ms), "slow")))
    assert isinstance(verdict, Elsewhere if goes else Wait)
    assert not goes or verdict.path == WARM  # type: ignore[union-attr]


BOTH_COLD = (
    Warmup(source="ip2", messages_per_hour=PLAN),
    Warmup(source="ip3", messages_per_hour=PLAN),
)


async def test_what_no_warm_source_takes_goes_by_the_smart_host_of_the_pool() -> None:
    rig = Rig(*BOTH_COLD, overflow="smart-host", members=("ip2", "ip3"))
    assert await rig.send(100, NOW) == 20  # and the next one went by the smart host
    reason = "the warm-up of ip2 allows 20 an hour at p (day 0)"
    assert rig.policy.admit(traffic(3), COLD, NOW) == Reroute(via=detour(VIA), reason=reason)
    assert rig.policy.admit(traffic(), COLD, NOW) == Reroute(via=detour(VIA), reason=reason)
    (status,) = rig.warmups.statuses(NOW)
    assert (status.hour_used, status.overflowed) == (20, 5)
    # It is of the day, and outlives the process
    await rig.writer.write()
    await rig.crash(NOW)
    assert [each.overflowed for each in rig.warmups.statuses(NOW)] == [5]
    rig.warmups.act("promote", "ip2", None, NOW)
    assert [each.overflowed for each in rig.warmups.statuses(NOW)] == [0]


async def test_a_warm_source_comes_before_the_smart_host() -> None:
    rig = Rig(overflow="smart-host")
    assert await rig.send(100, NOW) == 20
    moved = rig.policy.admit(traffic(), COLD, NOW)
    assert isinstance(moved, Elsewhere)
    assert moved.path == WARM


@pytest.mark.parametrize(("later_ms", "goes"), [(59_000, True), (61_000, False)])
async def test_a_warm_source_that_may_within_a_minute_comes_before_the_smart_host(
    later_ms: int, *, goes: bool
) -> None:
    rig = Rig(overflow="smart-host")
    assert await rig.send(100, NOW) == 20
    verdict = rig.asked_with(Slow(Wait(UnixMs(NOW + later_ms), "slow")))
    assert isinstance(verdict, Elsewhere if goes else Reroute)


async def test_what_waits_for_another_reason_than_the_warm_up_goes_by_no_smart_host() -> None:
    rig = Rig(*BOTH_COLD, overflow="smart-host", members=("ip2", "ip3"))
    assert await rig.send(100, NOW) == 20
    held = Wait(UnixMs(NOW + 500), "its tenant is paused")
    assert rig.asked_with(FakeGate(held)) is held


async def test_mail_whose_way_was_chosen_is_not_sent_another_way_again() -> None:
    rig = Rig(*BOTH_COLD, overflow="smart-host", members=("ip2", "ip3"))
    assert await rig.send(100, NOW) == 20
    chosen = msgspec.structs.replace(traffic(), domain="mx:d.example")
    assert isinstance(rig.policy.admit(chosen, COLD, NOW), Wait)


@pytest.mark.parametrize("overflow", ["pool", "smart-host"])
async def test_what_is_in_doubt_waits_for_its_source_and_goes_no_other_way(overflow: str) -> None:
    rig = Rig(overflow=overflow)  # SHP3
    assert await rig.send(100, NOW) == 20
    doubtful = head(9, in_doubt=True, source="ip2")
    assert {rig.policy.choose(doubtful, SITE, NOW).source for _ in range(4)} == {"ip2"}
    verdict = rig.policy.admit(traffic(in_doubt=True, source="ip2"), COLD, NOW)
    assert verdict == Wait(
        UnixMs(NOW + HOUR_MS), "the warm-up of ip2 allows 20 an hour at p (day 0)", "warm_up"
    )
    # A source that is no more, or was never known, is none to keep to
    gone = head(9, in_doubt=True, source="ip9")
    assert {rig.policy.choose(gone, SITE, NOW).source for _ in range(4)} == {"ip1", "ip2"}


async def test_no_source_is_a_stranger_to_the_smart_host_that_helps_out() -> None:
    name = "smtp://10.0.0.5:25"
    exempt = Warmups(BOTH_COLD, {}, lambda _: True, NOW, {name})
    assert exempt.find("ip2", name, NOW) is None
    assert exempt.is_warm("ip2", name)
    assert exempt.find("ip2", "p", NOW) is not None
    named = Warmup(source="ip2", providers=(name,), messages_per_hour=PLAN)
    assert Warmups((named,), {}, lambda _: True, NOW, {name}).find("ip2", name, NOW) is not None


@pytest.mark.parametrize(
    ("source", "provider", "name"),
    [
        ("a/b", "c", "warmup/a%2Fb/c"),
        ("a", "b/c", "warmup/a/b/c"),
        ("a%2Fb", "c", "warmup/a%252Fb/c"),
    ],
)
def test_names_on_disk_are_one_to_one(source: str, provider: str, name: str) -> None:
    assert keepsake_name(source, provider) == name


def test_a_name_that_is_too_long_for_the_disk_is_another() -> None:
    name = keepsake_name("s" * 255, "p" * 255)
    assert len(name) < 100
    assert name != keepsake_name("s" * 255, "p" * 254)


async def test_wus1_the_quietest_are_forgotten_in_memory_and_on_disk() -> None:
    spool = MemorySpool(FakeClock(), 2)
    setting = Warmup(source="ip2", messages_per_hour=PLAN)
    warmups = Warmups((setting,), {}, lambda _: True, NOW, limit=20)
    writer = WarmupWriter(warmups, spool.keepsakes)
    for number in range(25):
        now = UnixMs(NOW + number * HOUR_MS)
        warmup = warmups.find("ip2", f"site{number}", now)
        assert warmup is not None
        warmup.take(1, now)
        warmups.touch("ip2", f"site{number}")
        if number == 12:
            warmups.find("ip2", "site0", now).take(1, now)  # type: ignore[union-attr]
        await writer.write()
    kept = Warmups((setting,), spool.keepsakes.read(PREFIX), lambda _: True, now, limit=20)
    names = {each.provider for each in kept.statuses(now)}
    assert names == {each.provider for each in warmups.statuses(now)}
    assert len(names) <= 20
    assert {"site0", "site24"} <= names
    assert "site1" not in names


def test_what_is_asked_each_second_costs_as_much_as_is_shown_however_many_there_are() -> None:
    rig = Rig()
    for number in range(9, 0, -1):
        rig.warmups.find("ip2", f"p{number}", NOW)
    assert [each.provider for each in rig.warmups.statuses(NOW, limit=2)] == ["p8", "p9"]
    assert len(rig.warmups.statuses(NOW)) == 9
    rig.warmups.act("finish", "ip2", "p3", NOW)
    assert rig.warmups.count_cold() == 8
