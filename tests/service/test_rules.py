"""Mirrors angarium/service/delivery/rule_keeper.py, rule_answers.py and rule_gauges.py, on a real queue."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from angarium.config.schema import Queue, Rule
from angarium.host.unix_socket import PeerUser
from angarium.insight.admin.rules import ListRules, RulesUndone, UndoRule
from angarium.queue import LmdbSpool, QueueFullError, RuleEnded, RuleInForce, UnixMs
from angarium.reputation.in_force import InForce
from angarium.reputation.reply_rules import Heard, Reach, RuleBook
from angarium.reputation.rule_engine import Ceilings, RuleEngine
from angarium.reputation.rule_keepsakes import PREFIX, keepsake_of, read_kept
from angarium.service.admin_socket import Asker
from angarium.service.delivery import rule_gauges
from angarium.service.delivery.rule_answers import RuleAnswers
from angarium.service.delivery.rule_gauges import RuleGauges
from angarium.service.delivery.rule_keeper import RuleKeeper
from angarium.telemetry.metrics import Metrics
from tests.queue.samples import FakeClock

CEILINGS = Ceilings(connections=10, messages_per_connection=20)
RULES = (
    Rule(name="s", match=("busy",), duration_s=3600),
    Rule(name="c", match=("too many",), actions=("connections",), connections=2, duration_s=60),
)
ASKER = Asker(PeerUser(pid=1, uid=0), None)  # type: ignore[arg-type]
Reopen = Callable[[], LmdbSpool]


class Process:
    """What a delivery process has of rules; made anew, it is the same one after a restart."""

    def __init__(self, spool: LmdbSpool, clock: FakeClock, owned: str = "") -> None:
        self.clock = clock
        self.engine = RuleEngine(RuleBook(RULES))
        kept = read_kept(spool.keepsakes.read(PREFIX), lambda provider: owned in ("", provider))
        self.engine.restore(kept, clock())
        self.keeper = RuleKeeper(self.engine, spool.keepsakes, clock)
        self.anew = 0
        self.answers = RuleAnswers(self.engine, self.keeper, clock, self._ask_anew)

    def _ask_anew(self) -> None:
        self.anew += 1

    def hear(self, text: str = "421 busy", provider: str = "yahoo") -> None:
        heard = Heard(code=421, enhanced="", text=text, source="ip1", provider=provider)
        self.engine.hear(heard, CEILINGS, self.clock())

    @property
    def in_force(self) -> set[tuple[str, str]]:
        return {(each.rule, each.reach.provider) for each in self.engine.in_force(self.clock())}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def reopen(tmp_path: Path, clock: FakeClock) -> Reopen:
    spools: list[LmdbSpool] = []

    def open_() -> LmdbSpool:
        for each in spools:
            each.close()
        spools[:] = [LmdbSpool.open(tmp_path, Queue(partitions=2, min_free_octets=0), clock)]
        return spools[0]

    return open_


async def events(spool: LmdbSpool) -> list[RuleInForce | RuleEnded]:
    found = [each.event for each in spool.events.read(0, 100)]
    return [each for each in found if isinstance(each, RuleInForce | RuleEnded)]


async def test_what_is_in_force_is_again_after_a_restart(reopen: Reopen, clock: FakeClock) -> None:
    process = Process(reopen(), clock)
    process.hear()
    process.hear("421 too many", "gmail")
    await process.keeper.write()
    after = Process(reopen(), clock)
    assert after.in_force == {("s", "yahoo"), ("c", "gmail")}
    assert sorted(after.engine.in_force(clock()), key=str) == sorted(
        process.engine.in_force(clock()), key=str
    )
    # Of two processes each has its own providers'
    assert Process(reopen(), clock, owned="gmail").in_force == {("c", "gmail")}


async def test_what_ended_or_was_undone_stays_so(reopen: Reopen, clock: FakeClock) -> None:
    process = Process(reopen(), clock)
    process.hear()
    process.hear("421 too many", "gmail")
    await process.keeper.write()
    clock.now += 1_260_000  # the connections have come back
    process.engine.undo("s", clock())
    await process.keeper.write()
    spool = reopen()
    assert spool.keepsakes.read(PREFIX) == {}
    assert Process(spool, clock).in_force == set()


async def test_events_say_what_came_into_force_and_how_it_ended(
    reopen: Reopen, clock: FakeClock
) -> None:
    spool = reopen()
    process = Process(spool, clock)
    process.hear()
    began = clock()
    await process.keeper.write()
    process.hear()  # again: no event of its own
    await process.keeper.write()
    clock.now += 3_600_000
    process.hear("421 too many")
    await process.keeper.write()
    answer = await process.answers.undo(UndoRule(name="c", reason="a test"), ASKER)
    assert isinstance(answer, RulesUndone)
    first, *rest = await events(spool)
    assert isinstance(first, RuleInForce)
    assert (first.at, first.rule, first.action, first.reply) == (began, "s", "suspend", "421 busy")
    assert (first.scope, first.subject, first.provider) == ("source", "ip1", "yahoo")
    assert first.until == began + 3_600_000
    told = [
        (type(each), each.rule, each.how, each.actor, each.reason)
        if isinstance(each, RuleEnded)
        else (type(each), each.rule)
        for each in rest
    ]
    assert sorted(told, key=str) == sorted(
        [
            (RuleInForce, "c"),
            (RuleEnded, "s", "ended", "", ""),
            (RuleEnded, "c", "undone", ASKER.name, "a test"),
        ],
        key=str,
    )


async def test_a_full_disk_loses_nothing_of_it(
    reopen: Reopen, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = reopen()
    process = Process(spool, clock)
    process.hear()

    async def full(*_: object) -> None:
        raise QueueFullError("full")

    with monkeypatch.context() as patched:
        patched.setattr(spool.keepsakes, "write", full)
        with pytest.raises(QueueFullError):
            await process.keeper.write()
    await process.keeper.write()
    assert len(await events(spool)) == 1
    assert Process(reopen(), clock).in_force == {("s", "yahoo")}


def test_what_is_damaged_or_newer_is_passed_over() -> None:
    effect = InForce(
        rule="s",
        action="suspend",
        reach=Reach("ip1", "source", "yahoo"),
        since=UnixMs(1),
        until=UnixMs(2),
        changed=UnixMs(1),
        reply="x",
    )
    good = keepsake_of(effect)
    kept = {"rules/1": good, "rules/2": b"", "rules/3": b"\x02" + good[1:], "rules/4": good[:-3]}
    assert read_kept(kept, lambda _: True) == [effect]


async def test_list_says_why_and_until_when_and_undo_has_waiting_mail_asked_for_again(
    reopen: Reopen, clock: FakeClock
) -> None:
    process = Process(reopen(), clock)
    process.hear()
    process.hear("421 too many")
    listed = (await process.answers.list_rules(ListRules(), ASKER)).rules
    by_name = {each.rule: each for each in listed}
    assert by_name["s"].reply == "421 busy"
    assert by_name["s"].until == by_name["s"].ends == clock() + 3_600_000
    assert (by_name["c"].allowed, by_name["c"].usual) == (2, 10)
    assert by_name["c"].until == clock() + 60_000
    assert by_name["c"].ends == clock() + 60_000 + 2 * 600_000
    wrong = UndoRule(name="s", scope="source ip2 at yahoo")
    assert await process.answers.undo(wrong, ASKER) == RulesUndone(())
    assert process.anew == 0
    undone = await process.answers.undo(UndoRule(name="s", scope=by_name["s"].scope), ASKER)
    assert isinstance(undone, RulesUndone)
    assert [each.rule for each in undone.rules] == ["s"]
    assert process.anew == 1
    assert process.in_force == {("c", "yahoo")}


def test_metrics_have_a_bounded_number_of_names_and_go_back_to_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_gauges, "MAX_NAMES", 3)
    registry = CollectorRegistry()
    gauges = RuleGauges(Metrics(registry))

    def effect(rule: str) -> InForce:
        return InForce(
            rule=rule,
            action="suspend",
            reach=Reach("ip1", "source", "yahoo"),
            since=UnixMs(1),
            until=None,
            changed=UnixMs(1),
            reply="x",
        )

    def shown() -> dict[str, float]:
        return {
            sample.labels["rule"]: sample.value
            for metric in registry.collect()
            for sample in metric.samples
            if sample.name == "angarium_rules_in_force"
        }

    gauges.follow([effect("a"), effect("a")])
    assert shown() == {"a": 2}
    gauges.follow([effect(each) for each in "bcdef"])
    assert shown() == {"a": 0, "b": 1, "c": 1, "other": 3}
