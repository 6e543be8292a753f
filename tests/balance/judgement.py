"""Holds what the server says against the plan, and against what the simulator and its readers did."""

import asyncio
import time
from collections import Counter
from typing import Any

from tests.balance.plan import PROVIDERS, STATUSES, Fate, expected_counters, expected_summary
from tests.balance.world import SENDER_DOMAIN, STREAM, World

# What is counted as often as it happens, by what was fetched
RAW = {"opened": "opened", "clicked": "clicked"}
STILL_S = 60.0  # what has not moved for so long will not


async def judge(world: World, *, within_s: float, killed: bool) -> dict[str, Any]:
    """Wait until the figures are those of the plan, and then hold all of them to it. Returns some, to be shown."""
    expected = _expected(world)
    total = await _settled(world, expected, within_s)
    records = world.mail_log()
    doubted = {each["recipient"] for each in records if each["event"] == "in_doubt"}
    _judge_counters(world, total, expected, doubted, killed=killed)
    _judge_copies(world, doubted, killed=killed)
    await _judge_dimensions(world, total, doubted)
    await _judge_campaign(world, doubted)
    await _judge_history(world)
    _judge_log(total, records)
    await _judge_webhooks(world, total, within_s)
    return {
        "total": total,
        "in doubt": len(doubted),
        "copies": sum(n - 1 for n in world.copies().values() if n > 1),
        "fetches in doubt": sum(world.readers.doubts.values()),
        "webhooks": dict(world.hooks.times()),
        "webhooks refused": world.hooks.refused,
    }


def _expected(world: World) -> dict[str, int]:
    """Of what is fetched, what the readers' ledger says: it is the plan's, and what was fetched once more."""
    readers = world.readers
    assert not readers.troubles, readers.troubles[:5]
    found = expected_counters(world.plan)
    for counter, what in RAW.items():
        assert readers.count(what) == found[counter], f"the simulator did not {what} as planned"
    assert len(readers.left) == found["unsubscribed"]
    return found


async def _settled(world: World, expected: dict[str, int], within_s: float) -> dict[str, int]:
    """What lags behind is waited for; what differs for good is told by whoever compares."""
    exact = [
        name for name in expected if name not in (*RAW, "openedHuman", "clickedHuman", "deferred")
    ]
    until, changed = time.monotonic() + within_s, time.monotonic()
    seen: dict[str, Any] = {}
    while True:
        rows = await world.stats("total")
        total = (
            {name: rows["all"][name] for name in expected} if rows else dict.fromkeys(expected, 0)
        )
        is_there = all(total[name] == expected[name] for name in exact)
        is_there = is_there and all(total[name] >= expected[name] for name in RAW)
        summary = await world.summary()
        now = time.monotonic()
        if seen != (seen := total | summary):
            changed = now
        is_over = now > until or now > changed + STILL_S
        if (is_there and summary["status"] == "completed") or is_over:
            return total
        await asyncio.sleep(0.5)


def _judge_counters(
    world: World,
    total: dict[str, int],
    expected: dict[str, int],
    doubted: set[str],
    *,
    killed: bool,
) -> None:
    """Exactly the plan's. After kills, what is in doubt may be missing or twice: so many, and no more."""
    doubts: Counter[str] = Counter()
    people: Counter[str] = Counter()
    for (address, what), number in world.readers.doubts.items():
        doubts[what] += number
        people[what] += number * (not address.startswith(Fate.SCANNED))
    spare = {
        "opened": doubts["opened"],
        "openedHuman": people["opened"],
        "clicked": doubts["clicked"],
        "clickedHuman": people["clicked"],
    }
    assert killed or not any(spare.values()), spare
    # Whose first attempt nobody knows any more was deferred, and that is forgotten; or is deferred at a second one
    grey = sum(each.startswith(Fate.GREY) for each in doubted)
    wrong = {}
    for name, number in expected.items():
        low = number - (grey if name == "deferred" else 0)
        if not low <= total[name] <= number + spare.get(name, 0):
            wrong[name] = (number, total[name], spare.get(name, 0))
    assert not wrong, f"planned, counted, in doubt: {wrong}"


def _judge_copies(world: World, doubted: set[str], *, killed: bool) -> None:
    """Invariants 2 and 3, by the simulator's ledger: nobody is left out, and a second copy is marked."""
    copies = world.copies()
    wanted = {each.address for each in world.plan if each.fate is not Fate.REFUSED}
    assert set(copies) == wanted
    again = {address for address, number in copies.items() if number > 1}
    assert again <= doubted, f"twice without doubt: {sorted(again - doubted)[:5]}"
    assert killed or not doubted, sorted(doubted)[:5]


async def _judge_dimensions(world: World, total: dict[str, int], doubted: set[str]) -> None:
    """Each dimension adds up to the total, and has the plan's keys."""
    by_stream = await world.stats("stream")
    by_campaign = await world.stats("campaign")
    by_domain = await world.stats("domain")
    assert set(by_stream) == {STREAM}
    assert set(by_campaign) == {world.campaign}
    assert set(by_domain) == {SENDER_DOMAIN}
    for rows in (by_stream, by_campaign, by_domain):
        (row,) = rows.values()
        assert {name: row[name] for name in total} == total
    by_provider = await world.stats("provider")
    assert set(by_provider) == {*PROVIDERS}
    for provider, row in by_provider.items():
        own = expected_counters([each for each in world.plan if each.provider == provider])
        # Whose attempt was hidden by a kill had no provider yet when its report came, or its reader
        spare = sum(each.endswith(PROVIDERS[provider]) for each in doubted)
        for name in set(own) - {"accepted", "deferred", *RAW, "openedHuman", "clickedHuman"}:
            least = own[name] - (0 if name == "delivered" else spare)
            assert least <= row[name] <= own[name], (provider, name)
    if not doubted:
        for name in set(total) - {"accepted"}:
            assert sum(row[name] for row in by_provider.values()) == total[name], name


async def _judge_campaign(world: World, doubted: set[str]) -> None:
    found = await world.summary()
    expected = expected_summary(world.plan)
    grey = sum(each.startswith(Fate.GREY) for each in doubted)
    wrong = {
        name: (number, found[name])
        for name, number in expected.items()
        if not number - (grey if name == "delayed" else 0) <= found[name] <= number
    }
    assert not wrong, f"planned, and of the campaign: {wrong}"


async def _judge_history(world: World) -> None:
    found = await world.statuses()
    planned = {each.address: STATUSES[each.fate] for each in world.plan}
    wrong = {key: (each, found.get(key)) for key, each in planned.items() if found.get(key) != each}
    assert not wrong, f"{len(wrong)} differ: {dict(list(wrong.items())[:5])}"
    assert len(found) == len(planned)


def _judge_log(total: dict[str, int], records: list[dict[str, Any]]) -> None:
    """The mail log has each event once; what it counts by itself is what statistics say."""
    sequences = [each["sequence"] for each in records]
    assert sequences == list(range(1, len(sequences) + 1)), "lines of the mail log are missing"
    fetched = Counter(each["event"] for each in records)
    human = Counter(each["event"] for each in records if each.get("verdict") == "human")
    assert (fetched["opened"], fetched["clicked"]) == (total["opened"], total["clicked"])
    assert (human["opened"], human["clicked"]) == (total["openedHuman"], total["clickedHuman"])
    once = {
        "delivered": ("delivered",),
        "deferred": ("deferred",),
        "complained": ("complained",),
        "unsubscribed": ("unsubscribed",),
        "bouncedLate": ("report_bounced",),
    }
    for counter, events in once.items():
        people = {each["recipient"] for each in records if each["event"] in events}
        assert len(people) == total[counter], counter


# By type of what webhooks tell: the counter, and whether it counts each time, or each recipient
TOLD = {
    "email.accepted": ("accepted", False),
    "email.delivered": ("delivered", False),
    "email.deferred": ("deferred", False),
    "email.bounced": ("bounced", False),
    "email.complained": ("complained", False),
    "email.opened": ("opened", True),
    "email.clicked": ("clicked", True),
    "email.unsubscribed": ("unsubscribed", False),
}


async def _judge_webhooks(world: World, total: dict[str, int], within_s: float) -> None:
    """Each event was told, some of them after a refusal, and nothing else was."""
    expected = {type_: total[counter] for type_, (counter, _) in TOLD.items()}
    until = time.monotonic() + within_s
    while True:
        times, recipients = world.hooks.times(), world.hooks.recipients()
        told = {type_: (times if each else recipients)[type_] for type_, (_, each) in TOLD.items()}
        if told == expected or time.monotonic() > until:
            break
        await asyncio.sleep(0.5)
    assert told == expected, {key: (n, told[key]) for key, n in expected.items() if told[key] != n}
    assert set(times) == set(TOLD), times
    assert world.hooks.refused
