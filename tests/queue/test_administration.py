"""Mirrors angarium/queue/administration.py: what it promises, held against every implementation."""

from typing import Any

import pytest

from angarium.queue import (
    Actor,
    Attempt,
    AttemptFailed,
    Bounced,
    Cancelled,
    ClaimedMessage,
    Commit,
    ContentShown,
    Deferred,
    Delivered,
    DeliveryId,
    Done,
    EmptyFilterError,
    Filter,
    HoldRule,
    HoldRuleAdded,
    HoldRuleRemoved,
    MessageIdGenerator,
    Moved,
    OperatorHeld,
    OperatorReleased,
    OperatorRerouted,
    OperatorRetried,
    PartitionNumber,
    Released,
    RouteHint,
    Submission,
    TooManyHoldRulesError,
    UnixMs,
    UnknownHoldRuleError,
    delivery_id_text,
    message_id_text,
)
from angarium.queue.act import ACTOR_CHARACTERS
from angarium.queue.message_id import parse_id_beginning
from tests.queue.samples import BY, FAR, FakeClock, attempt, submission

P0 = PartitionNumber(0)
ANY = Filter(tenants=("default",))


async def claim_due(partition: Any, clock: FakeClock) -> list[str]:
    """Begin attempts of all that is due; returns the recipients."""
    messages = await partition.claim(partition.due(clock(), 100).heads)
    return [each.forward_path for message in messages for each in message.recipients]


async def states(spool: Any) -> dict[str, tuple[str, int]]:
    page = await spool.administration.page(Filter(), None, 100)
    return {each.recipient: (each.state, each.rule) for each in page.entries}


async def test_every_act_is_recorded_with_who_and_why(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    await spool.accept([submission(new_id())])
    for act in ("hold", "release", "retry", "cancel"):
        assert (await spool.administration.act(act, ANY, BY)).count == 1
    events = [each.event for each in spool.events.read(1, 9)]
    assert [type(each) for each in events] == [
        OperatorHeld,
        OperatorReleased,
        OperatorRetried,
        Cancelled,
    ]
    assert {(each.actor, each.reason) for each in events} == {(BY.who, BY.reason)}


async def test_an_actor_says_who_on_one_bounded_line(spool: Any, new_id: Any) -> None:
    await spool.accept([submission(new_id())])
    admin = spool.administration
    with pytest.raises(ValueError, match="who"):
        await admin.act("hold", ANY, Actor(who=" \n "))
    with pytest.raises(EmptyFilterError):
        await admin.act("hold", Filter(), BY)
    await admin.act("hold", ANY, Actor(who="a\r\nb", reason="x" * 1000))
    held = spool.events.read(1, 1)[0].event
    assert (held.actor, held.reason) == ("a  b", "x" * ACTOR_CHARACTERS)


async def test_a_dry_run_changes_nothing(spool: Any, new_id: MessageIdGenerator) -> None:
    await spool.accept([submission(new_id())])
    assert (await spool.administration.act("cancel", ANY, BY, dry_run=True)).count == 1
    assert spool.events.last() == 1


async def test_hr2_a_rule_binds_what_is_there_and_what_comes_later(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([submission(new_id(), ["a@one.example", "b@two.example"])])
    rule = await spool.administration.add_hold_rule(HoldRule(domain="ONE.example"), BY)
    assert rule == HoldRule(
        id=1, domain="one.example", who=BY.who, why=BY.reason, since=UnixMs(clock.now)
    )
    assert spool.administration.hold_rules() == (rule,)
    assert (await states(spool))["a@one.example"] == ("held", 1)
    await spool.accept([submission(new_id(), ["c@one.example"])])
    assert await claim_due(partition, clock) == ["b@two.example"]
    assert await states(spool) == {
        "a@one.example": ("held", 1),
        "b@two.example": ("in_flight", 0),
        "c@one.example": ("held", 1),
    }
    added, first, _, later = [each.event for each in spool.events.read(1, 9)]
    assert isinstance(added, HoldRuleAdded)
    for held in (first, later):
        assert isinstance(held, OperatorHeld)
        assert (held.rule, held.actor, held.reason) == (1, BY.who, BY.reason)


async def test_a_rule_that_is_removed_releases_exactly_what_it_held(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    rung: list[int] = []
    await spool.accept([submission(new_id(), ["a@one.example", "b@one.example", "c@one.example"])])
    admin = spool.administration
    await admin.act("hold", Filter(recipients=("a@one.example",)), BY)
    rule = await admin.add_hold_rule(HoldRule(sender="@example.com"), BY)
    await admin.act("cancel", Filter(recipients=("c@one.example",)), BY)
    assert (await states(spool))["b@one.example"] == ("held", rule.id)
    spool.wakeups(rung.append)
    affected = await admin.remove_hold_rule(rule.id, Actor(who="eve@host"), release=True)
    assert (affected.count, rung) == (1, [0])
    assert await states(spool) == {"a@one.example": ("held", 0), "b@one.example": ("scheduled", 0)}
    removed, released = [each.event for each in spool.events.read(0, 20)][-2:]
    assert isinstance(removed, HoldRuleRemoved)
    assert (released.actor, released.rule) == ("eve@host", rule.id)
    assert admin.hold_rules() == ()
    with pytest.raises(UnknownHoldRuleError):
        await admin.remove_hold_rule(rule.id, BY, release=True)
    assert (await admin.add_hold_rule(HoldRule(tenant="x"), BY)).id == rule.id + 1


async def test_a_rule_may_go_and_leave_what_it_held(spool: Any, new_id: Any) -> None:
    await spool.accept([submission(new_id())])
    rule = await spool.administration.add_hold_rule(HoldRule(tenant="default"), BY)
    assert (await spool.administration.remove_hold_rule(rule.id, BY, release=False)).count == 0
    assert await states(spool) == {"bob@example.net": ("held", 0)}
    assert (await spool.administration.act("release", ANY, BY)).count == 1


async def test_what_an_operator_releases_passes_the_rule_for_one_attempt(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    message_id = new_id()
    one = DeliveryId(message_id, 0)
    await spool.accept([submission(message_id)])
    admin = spool.administration
    await admin.add_hold_rule(HoldRule(domain="example.net"), BY)
    await admin.add_hold_rule(HoldRule(tenant="default"), BY)
    assert (await admin.act("retry", ANY, BY)).unchanged == 1  # it stays held
    await admin.act("release", Filter(ids=[delivery_id_text(one)]), BY)
    assert await claim_due(partition, clock) == ["bob@example.net"]
    released = Released(id=one, due=UnixMs(clock.now))  # nothing was attempted: it may still pass
    await partition.commit(Commit(settled=[released]))
    assert await claim_due(partition, clock) == ["bob@example.net"]
    deferred = Deferred(id=one, due=UnixMs(clock.now), attempt=attempt(451))
    await partition.commit(Commit(settled=[deferred]))
    assert await claim_due(partition, clock) == []
    assert await states(spool) == {"bob@example.net": ("held", 1)}


async def test_a_rule_of_later_binds_what_was_released_from_an_earlier_one(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([submission(new_id(), not_before=clock.now + 1000)])
    admin = spool.administration
    await admin.add_hold_rule(HoldRule(domain="example.net"), BY)
    await admin.act("release", ANY, BY)
    await admin.add_hold_rule(HoldRule(sender="alice@example.com"), BY)
    clock.now += 1000
    assert await claim_due(partition, clock) == []
    assert await states(spool) == {"bob@example.net": ("held", 2)}


async def test_a_rule_ends_with_its_time_and_lets_go(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    admin = spool.administration
    until = UnixMs(clock.now + 1000)
    with pytest.raises(ValueError, match="over"):
        await admin.add_hold_rule(HoldRule(tenant="default", until=UnixMs(clock.now)), BY)
    await admin.add_hold_rule(HoldRule(tenant="default", until=until), BY)
    await spool.accept([submission(new_id(), ["a@example.net"])])
    assert await claim_due(partition, clock) == []
    assert await admin.expire_hold_rules() == 0
    clock.now = until
    await spool.accept([submission(new_id(), ["b@example.net"])])
    assert await claim_due(partition, clock) == ["b@example.net"]  # it binds no more
    assert await admin.expire_hold_rules() == 1
    assert await claim_due(partition, clock) == ["a@example.net"]
    assert admin.hold_rules() == ()


async def test_a_rule_for_a_provider_knows_the_route_that_delivery_has_just_found(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.administration.add_hold_rule(HoldRule(provider="google"), BY)
    await spool.accept([submission(new_id(), ["a@one.example", "b@two.example"])])
    spool.remember_routes(
        [
            RouteHint(domain="one.example", partition=P0, provider="google", site="g"),
            RouteHint(domain="two.example", partition=P0, provider="other", site="o"),
        ]
    )
    assert await claim_due(partition, clock) == ["b@two.example"]


async def test_a_rule_of_a_campaign_binds_that_campaign_of_the_tenant_only(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    rule = HoldRule(tenant="acme", campaign="spring")
    added = await spool.administration.add_hold_rule(rule, BY)
    assert (added.tenant, added.campaign) == ("acme", "spring")
    assert spool.administration.hold_rules() == (added,)
    (event,) = (each.event for each in spool.events.read(0, 10))
    assert isinstance(event, HoldRuleAdded)
    assert event.campaign == "spring"
    for tenant, campaign in (("acme", "spring"), ("acme", "summer"), ("other", "spring")):
        mail = submission(new_id(), tenant=tenant, campaign=campaign)
        await spool.accept([mail])
    partition = await spool.own(PartitionNumber(0), "n")
    claimed = await partition.claim(partition.due(clock(), 10).heads)
    assert [(each.tenant, each.campaign) for each in claimed] == [
        ("acme", "summer"),
        ("other", "spring"),
    ]
    held = await spool.administration.page(Filter(rules=(added.id,)), None, 10)
    assert [(each.tenant, each.campaign) for each in held.entries] == [("acme", "spring")]
    found = await spool.administration.page(Filter(campaigns=("summer",)), None, 10)
    assert [each.campaign for each in found.entries] == ["summer"]


async def test_an_outcome_names_its_campaign(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    await spool.accept(
        [submission(new_id(), ("a@one.example", "b@one.example"), campaign="spring")]
    )
    partition = await spool.own(PartitionNumber(0), "n")
    (claimed,) = await partition.claim(partition.due(clock(), 10).heads)
    first, second = claimed.recipients
    await partition.commit(
        Commit(
            settled=(
                Done(id=first.id, outcome="delivered", attempt=attempt()),
                Deferred(id=second.id, due=UnixMs(FAR), attempt=attempt(450)),
            )
        )
    )
    _, delivered, deferred = (each.event for each in spool.events.read(0, 10))
    assert isinstance(delivered, Delivered)
    assert isinstance(deferred, AttemptFailed)
    assert (delivered.campaign, deferred.campaign) == ("spring", "spring")


async def test_all_conditions_of_a_rule_must_hold(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    rule = HoldRule(domain="one.example", sender="@example.com", tenant="acme")
    await spool.administration.add_hold_rule(rule, BY)
    with pytest.raises(EmptyFilterError):
        await spool.administration.add_hold_rule(HoldRule(), BY)
    for to, tenant, sender in [
        ("hit@one.example", "acme", "A@Example.COM"),
        ("b@two.example", "acme", "a@example.com"),
        ("c@one.example", "other", "a@example.com"),
        ("d@one.example", "acme", ""),
    ]:
        await spool.accept([submission(new_id(), [to], tenant=tenant, sender=sender)])
    assert await claim_due(partition, clock) == ["b@two.example", "c@one.example", "d@one.example"]


async def test_there_is_a_limit_to_rules(spool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("memory.administration", "lmdb.administration.rule_acts"):
        monkeypatch.setattr(f"angarium.queue.{name}.HOLD_RULE_LIMIT", 1)
    await spool.administration.add_hold_rule(HoldRule(tenant="a"), BY)
    with pytest.raises(TooManyHoldRulesError):
        await spool.administration.add_hold_rule(HoldRule(tenant="b"), BY)
    assert len(spool.administration.hold_rules()) == 1


async def test_show_tells_the_story_with_its_actors(spool: Any, new_id: Any) -> None:
    message_id = new_id()
    await spool.accept([submission(message_id)])
    await spool.administration.act("hold", ANY, BY)
    shown = await spool.administration.show(message_id)
    assert [each.event.name for each in shown.events] == ["accepted", "held"]
    assert shown.origin.text == "submission 127.0.0.1:2525"
    assert await spool.administration.show(bytes(16)) is None
    assert spool.administration.summary().held == 1


async def test_messages_are_found_by_how_their_ids_begin(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    first = new_id()
    clock.now += 3_600_000 * 24
    second, third = new_id(), new_id()
    await spool.accept([submission(each) for each in (first, second, third)])
    admin = spool.administration
    await admin.act("cancel", Filter(ids=(message_id_text(third),)), BY)  # its events are kept
    find = admin.find_messages
    assert await find(parse_id_beginning(message_id_text(second)[:14]), 9) == (second, third)
    assert await find(parse_id_beginning(message_id_text(second)[:14]), 1) == (second,)
    assert await find(parse_id_beginning(third.hex()[:-1]), 9) == (third,)
    assert await find(parse_id_beginning(first.hex()), 9) == (first,)
    assert await find(parse_id_beginning("ffffffffff"), 9) == ()


@pytest.mark.parametrize("text", ["", "01a20", "01a2015g", "0" * 33, "01a20158.1"])
def test_what_is_no_beginning_of_an_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="first 6"):
        parse_id_beginning(text)


def notice_of(new_id: MessageIdGenerator, told: list[ClaimedMessage], clock: FakeClock) -> Any:
    def notify(message: ClaimedMessage, attempt: Attempt) -> Submission:
        told.append(message)
        assert attempt.text.endswith(": a complaint")
        return submission(new_id(), ["alice@example.com"], sender="", accepted=clock.now)

    return notify


async def test_what_is_bounced_leaves_with_its_event_and_one_notice_for_each_message(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    one, two = new_id(), new_id()
    await spool.accept([submission(one, ["a@one.example", "b@two.example", "c@one.example"])])
    await spool.accept([submission(two, ["d@one.example"])])
    admin = spool.administration
    await admin.add_hold_rule(HoldRule(tenant="default"), BY)  # what is held can be returned
    told: list[ClaimedMessage] = []
    rung: list[int] = []
    spool.wakeups(rung.append)
    wanted = Filter(domains=("one.example",))
    would = await admin.bounce(wanted, BY, notice_of(new_id, told, clock), dry_run=True)
    assert (would.count, told) == (3, [])
    done = await admin.bounce(wanted, BY, notice_of(new_id, told, clock))
    assert [each.recipient for each in done.named] == [
        "a@one.example",
        "c@one.example",
        "d@one.example",
    ]
    assert [[each.forward_path for each in of.recipients] for of in told] == [
        ["a@one.example", "c@one.example"],
        ["d@one.example"],
    ]
    assert rung == [0]
    entries = (await admin.page(Filter(), None, 9)).entries
    assert [each.recipient for each in entries] == ["b@two.example"] + ["alice@example.com"] * 2
    events = [each.event for each in spool.events.read(0, 99)]
    bounced = [each for each in events if isinstance(each, Bounced)]
    assert [each.recipient for each in bounced] == [each.recipient for each in done.named]
    assert {(each.actor, each.reason, each.attempts) for each in bounced} == {
        (BY.who, BY.reason, 0)
    }
    rules = admin.hold_rules()
    assert (await admin.remove_hold_rule(rules[0].id, BY, release=True)).count == 1


async def test_what_is_in_flight_is_not_bounced_and_an_empty_filter_is_refused(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([submission(new_id(), ["a@one.example"])])
    await claim_due(partition, clock)
    admin = spool.administration
    done = await admin.bounce(ANY, BY, lambda message, attempt: None)
    assert (done.count, done.in_flight) == (0, 1)
    with pytest.raises(EmptyFilterError):
        await admin.bounce(Filter(), BY, lambda message, attempt: None)


async def test_who_looks_at_content_is_written_down_first(
    spool: Any, new_id: MessageIdGenerator
) -> None:
    message_id = new_id()
    await spool.accept([submission(message_id)])
    admin = spool.administration
    assert await admin.show_content(message_id, "headers", BY) == b"Subject: a\r\n\r\n"
    assert await admin.show_content(message_id, "all", BY) == b"Subject: a\r\n\r\nhello\r\n"
    assert await admin.show_content(new_id(), "all", BY) is None
    events = [each.event for each in spool.events.read(1, 9)]
    assert [type(each) for each in events] == [ContentShown] * 2
    assert [(each.actor, each.reason, each.part) for each in events] == [
        (BY.who, BY.reason, "headers"),
        (BY.who, BY.reason, "all"),
    ]
    with pytest.raises(ValueError, match="who"):
        await admin.show_content(message_id, "all", Actor(who=""))


async def test_what_is_rerouted_goes_another_way_at_its_next_attempt(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([submission(new_id(), ["a@one.example", "b@two.example"])])
    before = partition.due(clock(), 9).heads
    admin = spool.administration
    via = "smtp://10.0.0.5:2525"
    done = await admin.act("reroute", Filter(domains=("one.example",)), BY, via=via)
    assert [each.recipient for each in done.named] == ["a@one.example"]
    # Within the same millisecond: what delivery has read of it is of the old way
    assert [each.forward_path for m in await partition.claim(before) for each in m.recipients] == [
        "b@two.example"
    ]
    clock.now += 1
    (head,) = partition.due(clock(), 9).heads
    assert head.domain == via
    (message,) = await partition.claim([head])
    assert message.recipients[0].domain == "one.example"
    later = UnixMs(clock.now + 60_000)
    deferred = Deferred(id=head.id, due=later, attempt=attempt(451))
    await partition.commit(Commit(settled=[deferred]))
    assert partition.due(later, 9).heads[-1].domain == via  # its remaining attempts, too
    events = [each.event for each in spool.events.read(1, 1)]
    assert [type(each) for each in events] == [OperatorRerouted]
    assert (events[0].actor, events[0].reason, events[0].via) == (BY.who, BY.reason, via)
    await admin.act("reroute", Filter(domains=("one.example",)), BY, via="mx")
    assert partition.due(clock(), 9).heads[0].domain == "mx:one.example"
    await admin.act("reroute", Filter(domains=("one.example",)), BY, via="default")
    clock.now += 1
    assert partition.due(clock(), 9).heads[0].domain == "one.example"
    for refused in ("", "10.0.0.5", "smtp://"):
        with pytest.raises(ValueError, match="default"):
            await admin.act("reroute", ANY, BY, via=refused)


async def test_what_our_policy_sends_by_a_smart_host_has_its_event_and_what_is_in_doubt_stays(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:  # MV1
    partition = await spool.own(P0, "here")
    await spool.accept([submission(new_id(), ["a@one.example", "b@two.example"])])
    one, two = partition.due(clock(), 9).heads
    await partition.claim([two], "ip2")
    lost = Deferred(id=two.id, due=clock(), attempt=attempt(0), in_doubt=True)
    await partition.commit(Commit(settled=[lost]))
    assert [(each.in_doubt, each.source) for each in partition.due(clock(), 9).heads] == [
        (False, ""),
        (True, "ip1"),  # of its attempt
    ]
    via, before = "smtp://10.0.0.5:2525", spool.events.last()
    moved = [
        Moved(partition=P0, due=each.due, id=each.id, to=P0, via=via, reason="the hour is full")
        for each in partition.due(clock(), 9).heads
    ]
    await partition.commit(Commit(moved=moved))
    assert await partition.claim([one]) == []  # of the old way
    clock.now += 1
    assert [each.domain for each in partition.due(clock(), 9).heads] == [via, "two.example"]
    (event,) = [each.event for each in spool.events.read(before, 9)]
    assert isinstance(event, OperatorRerouted)
    assert (event.recipient, event.via) == ("a@one.example", via)
    assert (event.actor, event.reason) == ("policy", "the hour is full")


async def test_what_is_held_keeps_its_way_and_rules_of_its_domain_bind_it(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.accept([submission(new_id(), ["a@one.example"])])
    admin = spool.administration
    await admin.act("hold", ANY, BY)
    await admin.act("reroute", ANY, BY, via="smtp://10.0.0.5:25")
    assert await states(spool) == {"a@one.example": ("held", 0)}
    await admin.act("release", ANY, BY)
    (head,) = partition.due(clock(), 9).heads
    assert head.domain == "smtp://10.0.0.5:25"
    await partition.claim([head])
    await partition.commit(Commit(settled=[Released(id=head.id, due=UnixMs(clock.now + 1))]))
    clock.now += 1
    heads = partition.due(clock(), 9).heads
    rule = await admin.add_hold_rule(HoldRule(domain="one.example", until=UnixMs(FAR)), BY)
    await admin.remove_hold_rule(rule.id, BY, release=True)
    later = await admin.add_hold_rule(HoldRule(domain="one.example"), BY)
    assert (await states(spool))["a@one.example"] == ("held", later.id)
    assert await partition.claim(heads) == []


async def test_hr2_a_rule_of_its_domain_binds_what_was_rerouted_later(
    spool: Any, clock: FakeClock, new_id: MessageIdGenerator
) -> None:
    partition = await spool.own(P0, "here")
    await spool.administration.add_hold_rule(HoldRule(domain="one.example"), BY)
    await spool.accept([submission(new_id(), ["a@one.example"])])
    await spool.administration.act("reroute", ANY, BY, via="mx")
    clock.now += 1
    assert await claim_due(partition, clock) == []
    assert (await states(spool))["a@one.example"] == ("held", 1)
