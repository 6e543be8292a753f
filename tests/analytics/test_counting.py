"""Mirrors angarium/analytics/counting.py, counted_mail.py and routes.py: what an event counts as."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.analytics.asked import Only
from angarium.analytics.counted_mail import counted_mail, read_labels
from angarium.analytics.counters import DAY_MS, Dimension
from angarium.analytics.latency import bucket_of
from angarium.analytics.routes import MAX_ROUTES, UNKNOWN, Route, Routes
from angarium.queue import MessageAccepted, MessageId, Origin
from angarium.queue.about import About
from angarium.queue.model import UnixMs
from tests.analytics.conftest import Counted
from tests.history.samples import Log
from tests.queue.samples import attempt

ENDS = {
    "delivered": "delivered",
    "relayed": "sent",
    "bounced": "bounced",
    "damaged": "bounced",
    "expired": "expired",
    "skipped": "expired",
    "cancelled": "cancelled",
    "recipient_suppressed": "suppressed",
}
LATER = ("report_bounced", "complained", "unsubscribed", "opened", "clicked", "ses_told")


@pytest.mark.parametrize(("event", "counter"), sorted(ENDS.items()))
def test_each_end_has_its_counter_and_counts_once(
    counted: Counted, log: Log, event: str, counter: str
) -> None:
    """CN2"""
    message_id = log.accept("a@x.example", "b@x.example")
    log.happen("deferred", message_id, 0)
    log.happen("deferred", message_id, 0)
    for _ in range(2):  # the second time by a queue that was restored
        log.happen(event, message_id, 0)
    counted.catch_up()
    assert counted.total() == {"accepted": 2, "deferred": 1, counter: 1}


@pytest.mark.parametrize(
    ("event", "fields", "expected"),
    [
        ("report_bounced", {}, {"bounced": 1, "bounced_late": 1}),
        ("complained", {}, {"complained": 1}),
        ("complained", {"feedback_type": "not-spam"}, {}),
        ("unsubscribed", {}, {"unsubscribed": 1}),
        ("ses_told", {"kind": "reject"}, {"bounced": 1, "bounced_late": 1}),
        ("ses_told", {"kind": "delay"}, {}),
        ("opened", {}, {"opened": 2}),
        ("opened", {"verdict": "machine"}, {"opened": 2}),
        (
            "opened",
            {"verdict": "human"},
            {"opened": 2, "opened_human": 2, "opened_recipients": 1},
        ),
        ("clicked", {"verdict": "machine"}, {"clicked": 2}),
        (
            "clicked",
            {"verdict": "human"},
            {"clicked": 2, "clicked_human": 2, "clicked_recipients": 1},
        ),
        ("held", {}, {}),
    ],
    ids=lambda each: each if isinstance(each, str) else "+".join(map(str, each.values())),
)
def test_what_is_told_later_counts_recipients_once_and_openings_each_time(
    counted: Counted, log: Log, event: str, fields: dict[str, Any], expected: dict[str, int]
) -> None:
    """CN2"""
    message_id = log.accept()
    log.happen("delivered", message_id)
    for _ in range(2):
        log.happen(event, message_id, **fields)
    counted.catch_up()
    assert counted.total() == {"accepted": 1, "delivered": 1, **expected}


def test_what_amazon_delivered_was_sent_and_is_delivered(counted: Counted, log: Log) -> None:
    message_id = log.accept()
    for name in ("ses_told", "relayed", "ses_told"):  # the queue may write its own later
        log.happen(name, message_id)
    counted.catch_up()
    expected = {"accepted": 1, "sent": 1, "delivered": 1, "delivered_told": 1}
    assert counted.total() == expected


def test_a_bounce_that_was_told_before_the_queue_knew_of_it_counts_once(
    counted: Counted, log: Log
) -> None:
    """CN2"""
    message_id = log.accept()
    log.happen("report_bounced", message_id)
    log.happen("bounced", message_id)
    log.happen("delivered", message_id)  # it has left the queue
    counted.catch_up()
    assert counted.total() == {"accepted": 1, "bounced": 1, "bounced_late": 1}


def test_nothing_counts_of_a_message_whose_acceptance_did_not(counted: Counted, log: Log) -> None:
    """CN1"""
    unknown = log.accept()
    log.positions.clear()
    for name in (*ENDS, *LATER, "deferred"):
        log.happen(name, unknown)
    ours = log.accept(origin=Origin(kind="dsn"))
    log.happen("delivered", ours)
    counted.catch_up()
    assert counted.everything() == {key: {} for key in counted.everything()}


def test_who_is_known_by_the_address_alone_is_found_and_nobody_else_is(
    counted: Counted, log: Log
) -> None:
    message_id = log.accept("a@x.example", "Bob@x.example")
    for recipient in ("bob@X.example", "bob@x.example", "other@x.example"):
        log.happen("complained", message_id, -1, recipient=recipient)
    counted.catch_up()
    assert counted.total() == {"accepted": 2, "complained": 1}


def test_an_opening_by_nobody_in_particular_counts_as_no_recipients(
    counted: Counted, log: Log
) -> None:
    message_id = log.accept()
    log.happen("delivered", message_id)
    for _ in range(2):
        log.happen("opened", message_id, -1, verdict="human")
    log.happen("opened", message_id, verdict="human")
    counted.catch_up()
    seen = {"opened": 3, "opened_human": 3, "opened_recipients": 1}
    assert counted.total() == {"accepted": 1, "delivered": 1, **seen}
    assert counted.by("source") == {"ip1": {"delivered": 1, **seen}}


def test_later_events_count_by_what_the_message_was_and_by_which_way_it_went(
    counted: Counted, log: Log
) -> None:
    message_id = log.accept(
        "a@x.example", "b@x.example", stream="news", campaign="week1", tags=("kind:a", "b", "b")
    )
    way = msgspec.structs.replace(attempt(), provider="gmail", source="ip1")
    other = msgspec.structs.replace(attempt(), provider="yahoo", source="ip2")
    log.happen("deferred", message_id, 0, attempt=other)
    log.happen("delivered", message_id, 0, attempt=way)
    log.happen("relayed", message_id, 1, attempt=other)
    counted.catch_up(1)
    log.clock.now = UnixMs(log.clock.now + 3_600_000)
    log.happen("opened", message_id, 0, stream="", verdict="machine")
    log.happen("complained", message_id, 1)
    counted.catch_up(1)
    all_of_it = {
        "accepted": 2,
        "deferred": 1,
        "delivered": 1,
        "sent": 1,
        "opened": 1,
        "complained": 1,
    }
    assert counted.by("stream") == {"news": all_of_it}
    assert counted.by("campaign") == {"week1": all_of_it}
    assert counted.by("tag") == {"b": all_of_it, "kind:a": all_of_it}
    assert counted.by("domain") == {"example.com": all_of_it}
    assert counted.by("provider") == {
        "gmail": {"delivered": 1, "opened": 1},
        "yahoo": {"deferred": 1, "sent": 1, "complained": 1},
    }
    assert counted.by("source") == {
        "ip1": {"delivered": 1, "opened": 1},
        "ip2": {"deferred": 1, "sent": 1, "complained": 1},
    }
    assert list(counted.by("hour").values()) == [
        {"accepted": 2, "deferred": 1, "delivered": 1, "sent": 1},
        {"opened": 1, "complained": 1},
    ]


def test_how_long_it_took_is_counted_once_from_its_acceptance_or_its_start(
    counted: Counted, log: Log
) -> None:
    """CN2"""
    start = log.clock.now
    at_once = log.accept("a@x.example", "b@x.example", campaign="week1")
    later = log.accept(campaign="week1", not_before=start + 3_600_000)
    moved = log.accept(campaign="week1", not_before=start + 3_600_000)
    log.happen("rescheduled", moved, due=UnixMs(start + 7_200_000))
    for message_id, at in ((at_once, start + 999), (later, start + 3_602_000)):
        log.clock.now = UnixMs(at)
        for _ in range(2):  # the second time by a queue that was restored
            log.happen("delivered", message_id)
    log.clock.now = UnixMs(start + 7_204_000)
    log.happen("relayed", moved)
    log.happen("ses_told", moved)  # its own host took it later than that
    log.happen("bounced", at_once, 1)
    counted.catch_up()
    (row,) = counted.rows(only=(Only(Dimension.CAMPAIGN, "week1"),), latency=True)
    assert row.latency is not None
    assert sorted(row.latency.items()) == [
        (bucket_of(999), 1),
        (bucket_of(2001), 1),
        (bucket_of(4001), 1),
    ]
    assert [each.latency for each in counted.rows(only=(Only(Dimension.TAG, "x"),))] == []


def test_what_is_refused_counts_by_its_class(counted: Counted, log: Log) -> None:
    message_id = log.accept(*[f"{each}@x.example" for each in "abcde"], campaign="week1")
    full = msgspec.structs.replace(
        attempt(), code=452, enhanced="4.2.2", text="mailbox full", provider="gmail", source="ip1"
    )
    unknown = msgspec.structs.replace(
        full, code=550, enhanced="5.1.1", text="5.1.1 no such user here"
    )
    for _ in range(2):
        log.happen("deferred", message_id, 0, attempt=full)
    log.happen("bounced", message_id, 0, attempt=unknown)
    log.happen("expired", message_id, 1, attempt=full)
    log.happen("damaged", message_id, 2)
    log.happen("delivered", message_id, 3)
    log.happen("report_bounced", message_id, 3, bounce_class="user_unknown")
    log.happen("delivered", message_id, 4)
    log.happen("ses_told", message_id, 4, kind="reject")
    counted.catch_up()
    assert counted.by("class") == {
        "mailbox_full": {"deferred": 1, "expired": 1},
        "undetermined": {"bounced": 2, "bounced_late": 1},
        "user_unknown": {"bounced": 2, "bounced_late": 1},
    }
    assert counted.by("provider", "class") == {
        ("gmail", "mailbox_full"): {"deferred": 1, "expired": 1},
        ("gmail", "user_unknown"): {"bounced": 1},
    }
    assert counted.by("class", only=(Only(Dimension.CAMPAIGN, "week1"),)) == counted.by("class")
    assert counted.total()["bounced"] == 4


def test_links_count_by_campaign_and_alone(counted: Counted, log: Log) -> None:
    one, other = log.accept(campaign="week1"), log.accept()
    for message_id, link, verdict in (
        (one, "https://shop.example/a?to=bob", "human"),
        (one, "https://shop.example/a?to=eve", "machine"),
        (one, "https://shop.example/b", ""),
        (other, "https://shop.example/a", "human"),
        (other, "no link", "human"),
    ):
        log.happen("clicked", message_id, link=link, verdict=verdict)
    counted.catch_up()
    a, b = "https://shop.example/a", "https://shop.example/b"
    assert counted.by("link") == {a: {"clicked": 3, "clicked_human": 2}, b: {"clicked": 1}}
    assert counted.by("link", only=(Only(Dimension.CAMPAIGN, "week1"),)) == {
        a: {"clicked": 2, "clicked_human": 1},
        b: {"clicked": 1},
    }
    assert counted.total()["clicked"] == 5
    with counted.file.writing() as db:
        in_minutes = db.execute("SELECT count(*) FROM minute WHERE dimension IN (9, 23)").fetchone()
    assert in_minutes == (0,)


def test_a_message_counts_by_the_template_that_people_know(counted: Counted, log: Log) -> None:
    log.accept(about=About(template_id="0123", template_alias="welcome"))
    log.accept(about=About(template_id="0456"))
    log.accept(about=About(subject="none"))
    unreadable = log.accept()
    broken = msgspec.structs.replace(log.positions[-1].event, about=b"{")
    log.positions[-1] = msgspec.structs.replace(log.positions[-1], event=broken)
    log.happen("delivered", unreadable)
    counted.catch_up()
    assert counted.by("template") == {"welcome": {"accepted": 1}, "0456": {"accepted": 1}}


def test_what_is_told_after_its_time_counts_nowhere_but_how_it_ended_does(
    counted: Counted, log: Log
) -> None:
    """CN3"""
    message_id = log.accept("a@x.example", "b@x.example")
    log.happen("delivered", message_id, 0)
    accepted = log.positions[0].event.at
    log.clock.now = UnixMs(accepted + 90 * 86_400_000 - 2)
    log.happen("opened", message_id, 0)
    for name in LATER:
        log.happen(name, message_id, 0)
    log.happen("expired", message_id, 1)
    counted.catch_up()
    assert counted.total() == {"accepted": 2, "delivered": 1, "opened": 1, "expired": 1}


def test_a_label_that_is_no_text_is_counted_all_the_same(counted: Counted, log: Log) -> None:
    log.accept(campaign="half \ud800", tags=("x" * 300, ""))
    counted.catch_up()
    assert counted.by("campaign") == {"half ?": {"accepted": 1}}
    assert counted.by("tag") == {"x" * 256: {"accepted": 1}}


def test_what_is_kept_of_a_message_has_no_address(log: Log) -> None:
    log.accept("somebody@x.example", tags=("a",))
    accepted = log.positions[0].event
    assert isinstance(accepted, MessageAccepted)
    mail = counted_mail(accepted, 1)
    assert b"somebody" not in bytes(mail.recipients) + mail.labels
    assert read_labels(mail.labels).tags == ("a",)


def test_routes_keep_their_numbers_and_are_bounded() -> None:
    """CRT1"""
    routes = Routes([Route(number=1, provider="p", source="s")])
    assert routes.number("p", "s") == 1
    assert routes.number("", "") == UNKNOWN
    assert routes.number("p", "") == 2
    assert [each.number for each in routes.new] == [2]
    full = Routes(
        Route(number=each, provider="p", source=str(each)) for each in range(1, MAX_ROUTES + 1)
    )
    assert full.number("p", "one more") == UNKNOWN
    assert full.number("p", "7") == 7


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Mail as a queue has it: deferred some times, at most one end, and then what is told of it."""
    log = Log(seed=draw(st.integers(1, 1000)))
    for _ in range(draw(st.integers(1, 8))):
        count = draw(st.integers(1, 3))
        message_id = log.accept(
            *[f"u{each}@example.net" for each in range(count)],
            tenant=draw(st.sampled_from(["default", "acme"])),
            stream=draw(st.sampled_from(["news", "bills"])),
            tags=draw(st.sampled_from([(), ("a",), ("a", "b")])),
        )
        for index in range(count):
            _course(draw, log, message_id, index)
        log.clock.now = UnixMs(log.clock.now + draw(st.sampled_from([0, 3_600_000])))
    return log


def _course(draw: st.DrawFn, log: Log, message_id: MessageId, index: int) -> None:
    source = draw(st.sampled_from(["ip1", "ip2"]))
    way = msgspec.structs.replace(attempt(), provider="gmail", source=source)
    if draw(st.booleans()):
        log.happen("rescheduled", message_id, index, due=UnixMs(log.clock.now + 90_000))
    for _ in range(draw(st.integers(0, 2))):
        log.happen("deferred", message_id, index, attempt=way)
    end = draw(st.sampled_from([*sorted(ENDS), None]))
    if end is not None:
        log.happen(end, message_id, index, attempt=way)
    if end in ("delivered", "relayed"):
        for name in draw(st.lists(st.sampled_from(LATER), max_size=4)):
            verdict = draw(st.sampled_from(["human", "machine", ""]))
            kind = "reject"
            link = draw(st.sampled_from(["https://shop.example/a?b", "https://shop.example/c"]))
            log.happen(name, message_id, index, verdict=verdict, kind=kind, link=link)


def slow_count(log: Log) -> dict[str, int]:
    """The totals of all tenants, by sets."""
    found: dict[str, set[Any]] = {}
    times = {"opened": 0, "opened_human": 0, "clicked": 0, "clicked_human": 0}
    accepted = 0
    for _, event in [(each.sequence, each.event) for each in log.positions]:
        if isinstance(event, MessageAccepted):
            accepted += len(event.recipients)
            continue
        who = (event.message_id, getattr(event, "index", -1))
        name = str(event.name)
        if name == "rescheduled":
            continue
        for counter in {
            **{each: (counter,) for each, counter in ENDS.items()},
            "report_bounced": ("bounced", "bounced_late"),
            "ses_told": ("bounced", "bounced_late"),
        }.get(name, (name,)):
            if counter in times:
                times[counter] += 1
                if getattr(event, "verdict", "") == "human":
                    times[f"{counter}_human"] += 1
                    found.setdefault(f"{counter}_recipients", set()).add(who)
            else:
                found.setdefault(counter, set()).add(who)
    counts = {name: len(those) for name, those in found.items()}
    return {name: n for name, n in {"accepted": accepted, **times, **counts}.items() if n}


@given(log=logs(), batch=st.integers(1, 9))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_books_balance_however_the_log_is_cut_into_batches(
    tmp_path_factory: pytest.TempPathFactory, log: Log, batch: int
) -> None:
    """CN1, CN2"""
    counted = Counted(tmp_path_factory.mktemp("counted"), log)
    counted.catch_up(batch)
    total = counted.total(tenant=None)
    assert total == slow_count(log)
    ended = sum(total.get(each, 0) for each in {*ENDS.values()}) - total.get("bounced_late", 0)
    waiting = {(each.event.message_id, getattr(each.event, "index", -1)) for each in log.positions}
    assert 0 <= total["accepted"] - ended <= len(waiting)
    everything = counted.everything()
    for dimension in ("stream", "domain", "tenant", "hour"):
        assert _sum(everything[dimension]) == total
    of_ways = {name: n for name, n in total.items() if name != "accepted"}
    ways = _sum(everything["source"])
    for name in ("delivered", "sent", "deferred", "opened", "complained"):
        assert ways.get(name, 0) == of_ways.get(name, 0)
    counted.close()


def _sum(rows: dict[Any, dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows.values():
        for name, number in row.items():
            found[name] = found.get(name, 0) + number
    return found


def test_files_are_the_servers_alone(tmp_path: Path, log: Log) -> None:
    counted = Counted(tmp_path, log)
    assert (tmp_path / "analytics.db").stat().st_mode & 0o777 == 0o600
    counted.close()


def test_a_days_mail_is_followed_through_the_days_after_it(counted: Counted, log: Log) -> None:
    log.clock.now = UnixMs(20_635 * DAY_MS)  # 2026-07-01
    first = [log.accept() for _ in range(3)]
    for each in first:
        log.happen("delivered", each)
    log.clock.now = UnixMs(20_636 * DAY_MS)
    second = log.accept()
    log.happen("delivered", second)
    log.happen("opened", first[0], verdict="human")
    log.happen("opened", second, verdict="human")
    log.clock.now = UnixMs(20_638 * DAY_MS)
    log.happen("opened", first[1], verdict="human")
    counted.catch_up()
    by_cohort = counted.by("cohort")
    assert {key: each["opened_recipients"] for key, each in by_cohort.items()} == {
        "2026-07-01": 2,
        "2026-07-02": 1,
    }
    assert by_cohort["2026-07-01"]["delivered"] == 3
    opened = {
        keys: each["opened_recipients"]
        for keys, each in counted.by("cohort", "day").items()
        if "opened_recipients" in each
    }
    assert opened == {
        ("2026-07-01", 20_636): 1,
        ("2026-07-02", 20_636): 1,
        ("2026-07-01", 20_638): 1,
    }
