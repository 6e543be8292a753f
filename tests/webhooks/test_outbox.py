"""Mirrors angarium/webhooks/outbox.py."""

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from angarium.queue.model import UnixMs
from angarium.webhooks.delivery import (
    Delivery,
    DeliveryFilter,
    Depth,
    Health,
    NewDelivery,
    Outcome,
    State,
)
from angarium.webhooks.outbox import Outbox, OutboxError

NOW = UnixMs(1_800_000_000_000)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "webhooks.db")
    yield opened
    opened.close()


def new(event_id: str, email_id: str = "m1", endpoint: str = "e1", **more: str) -> NewDelivery:
    return msgspec.structs.replace(
        NewDelivery(
            tenant="shop",
            endpoint=endpoint,
            event_id=event_id,
            type="email.delivered",
            email_id=email_id,
            happening=b"{}",
        ),
        **more,
    )


def due(outbox: Outbox, now: int = NOW, endpoint: str = "e1") -> list[Delivery]:
    return outbox.due(endpoint, UnixMs(now), 100)[0]


def events(deliveries: list[Delivery]) -> list[str]:
    return [each.event_id for each in deliveries]


def ended(each: Delivery, *, ok: bool = True, retry_at: int | None = None) -> Outcome:
    return Outcome(
        delivery=each,
        at=NOW,
        duration_ms=7,
        url="https://x/",
        http_status=200 if ok else 500,
        text="ok" if ok else "no",
        is_success=ok,
        retry_at=None if retry_at is None else UnixMs(retry_at),
    )


def settle(outbox: Outbox, *outcomes: Outcome) -> None:
    outbox.settle(outcomes, {}, NOW)


def test_what_was_added_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "webhooks.db"
    first = Outbox(path)
    first.add([new("a")], NOW, {"m1": "https://cb/"})
    first.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Outbox(path)
    (found,) = due(again)
    assert (found.event_id, found.tenant, found.happening) == ("a", "shop", b"{}")
    assert (found.created, found.attempts, found.state) == (NOW, 0, State.WAITING)
    assert again.callbacks(["m1", "m2"]) == {"m1": "https://cb/"}
    assert again.has_callbacks()
    again.close()


def test_an_event_that_is_handed_over_again_is_told_once_ob2(outbox: Outbox) -> None:
    outbox.add([new("a"), new("a", endpoint="e2")], NOW)
    settle(outbox, ended(due(outbox)[0]))
    outbox.add([new("a"), new("b")], NOW)
    assert events(due(outbox)) == ["b"]
    assert events(due(outbox, endpoint="e2")) == ["a"]


def test_later_events_of_a_message_wait_for_the_first_ob1(outbox: Outbox) -> None:
    outbox.add([new("a"), new("b"), new("other", "m2"), new("c")], NOW)
    outbox.add([new("d")], NOW)
    assert events(due(outbox)) == ["a", "other"]
    a, other = due(outbox)
    settle(outbox, ended(a, ok=False, retry_at=NOW + 1000), ended(other))
    assert events(due(outbox)) == []
    assert outbox.due("e1", NOW, 9)[1] == NOW + 1000
    (a,) = due(outbox, NOW + 1000)
    assert (a.event_id, a.attempts, a.http_status, a.text) == ("a", 1, 500, "no")
    for expected in ("b", "c", "d"):
        (head,) = due(outbox, NOW + 1000)
        settle(outbox, ended(head))
        assert events(due(outbox, NOW + 1000)) == [expected]


def test_what_is_given_up_holds_back_nobody_ob1(outbox: Outbox) -> None:
    outbox.add([new("a"), new("b")], NOW)
    settle(outbox, ended(due(outbox)[0], ok=False))
    assert events(due(outbox)) == ["b"]
    (failed,) = outbox.list(DeliveryFilter(status="failed"))
    assert (failed.event_id, failed.due, failed.done) == ("a", None, NOW)


def test_at_another_endpoint_a_message_is_told_by_itself_ob1(outbox: Outbox) -> None:
    outbox.add([new("a"), new("a", endpoint="e2"), new("b"), new("b", endpoint="e2")], NOW)
    settle(outbox, ended(due(outbox)[0]))
    assert events(due(outbox)) == ["b"]
    assert events(due(outbox, endpoint="e2")) == ["a"]


def test_what_is_about_no_message_waits_for_nothing(outbox: Outbox) -> None:
    outbox.add([new("a", ""), new("b", "")], NOW)
    assert events(due(outbox)) == ["a", "b"]


def test_what_is_busy_is_not_read_again_and_the_rest_is(outbox: Outbox) -> None:
    outbox.add([new(str(n), f"m{n}") for n in range(5)], NOW)
    first, later = outbox.due("e1", NOW, 2)
    assert (events(first), later) == (["0", "1"], NOW)
    busy = frozenset(each.id for each in first)
    rest, later = outbox.due("e1", NOW, 9, busy)
    assert (events(rest), later) == (["2", "3", "4"], None)


def test_it_says_which_endpoints_wait(outbox: Outbox) -> None:
    assert outbox.waiting() == {}
    outbox.add([new("a"), new("b", endpoint="e2")], NOW)
    settle(outbox, ended(due(outbox)[0], ok=False, retry_at=NOW + 5))
    assert outbox.waiting() == {"e1": NOW + 5, "e2": NOW}


def test_each_attempt_is_in_the_log(outbox: Outbox) -> None:
    outbox.add([new("a")], NOW)
    settle(outbox, ended(due(outbox)[0], ok=False, retry_at=NOW))
    settle(outbox, ended(due(outbox)[0]))
    (found,) = outbox.list(DeliveryFilter(endpoint="e1"))
    assert (found.state, found.attempts, found.http_status) == (State.DELIVERED, 2, 200)
    log = outbox.attempts(found.id)
    assert [(each.number, each.http_status, each.text) for each in log] == [
        (1, 500, "no"),
        (2, 200, "ok"),
    ]
    assert (log[0].duration_ms, log[0].url, log[0].at) == (7, "https://x/", NOW)


def test_a_replay_is_tried_at_once_from_the_beginning(outbox: Outbox) -> None:
    outbox.add([new("a"), new("b")], NOW)
    a = due(outbox)[0]
    settle(outbox, ended(a))
    assert outbox.replay(a.id, UnixMs(NOW + 9))
    again = outbox.find(a.id)
    assert again is not None
    assert (again.state, again.due, again.attempts) == (State.WAITING, NOW + 9, 0)
    assert events(due(outbox, NOW + 9)) == ["b", "a"]
    settle(outbox, ended(again))
    assert [each.number for each in outbox.attempts(a.id)] == [1, 2]
    assert not outbox.replay(999, NOW)


def test_what_waits_for_another_is_not_replayed_before_it_ob1(outbox: Outbox) -> None:
    outbox.add([new("a"), new("b")], NOW)
    b = outbox.list(DeliveryFilter())[0]
    assert b.event_id == "b"
    assert not outbox.replay(b.id, NOW)
    assert events(due(outbox)) == ["a"]


def test_all_that_failed_or_a_range_is_replayed(outbox: Outbox) -> None:
    for n in range(4):
        outbox.add([new(str(n), f"m{n}")], UnixMs(NOW + n))
    for n, each in enumerate(due(outbox, NOW + 9)):
        settle(outbox, ended(each, ok=n == 0))
    assert outbox.replay_all(DeliveryFilter(endpoint="e2", status="failed"), NOW) == 0
    some = DeliveryFilter(endpoint="e1", since=UnixMs(NOW + 2), until=UnixMs(NOW + 3))
    assert outbox.replay_all(some, UnixMs(NOW + 20)) == 1
    assert events(due(outbox, NOW + 20)) == ["2"]
    assert outbox.replay_all(DeliveryFilter(endpoint="e1", status="failed"), NOW) == 2
    assert events(due(outbox, NOW + 20)) == ["1", "3", "2"]


def test_lists_are_paged_filtered_and_a_tenants_own_p7(outbox: Outbox) -> None:
    outbox.add([new(str(n), f"m{n}") for n in range(5)], NOW)
    outbox.add([new("x", tenant="other")], NOW)
    own = DeliveryFilter(tenant="shop", endpoint="e1")
    first = outbox.list(own, limit=3)
    assert events(first) == ["4", "3", "2"]
    assert events(outbox.list(own, before=first[-1].id)) == ["1", "0"]
    settle(outbox, ended(due(outbox)[1]))
    assert events(outbox.list(DeliveryFilter(status="delivered"))) == ["1"]
    assert events(outbox.list(DeliveryFilter(tenant="shop", email_id="m3"))) == ["3"]
    foreign = outbox.list(DeliveryFilter(tenant="other"))[0]
    assert outbox.find(foreign.id, "shop") is None
    assert outbox.find(foreign.id, "other") == foreign


def test_an_endpoint_that_is_turned_off_is_tried_no_more(outbox: Outbox) -> None:
    outbox.add([new("a"), new("b"), new("c", endpoint="e2")], NOW)
    assert outbox.give_up("e1", "off", NOW) == 2
    assert due(outbox) == []
    found = outbox.list(DeliveryFilter(status="failed"))
    assert [(each.event_id, each.text) for each in found] == [("b", "off"), ("a", "off")]
    assert events(due(outbox, endpoint="e2")) == ["c"]


def test_an_endpoint_that_is_gone_is_forgotten(outbox: Outbox) -> None:
    outbox.add([new("a"), new("c", endpoint="e2")], NOW)
    outbox.settle([ended(due(outbox)[0], ok=False)], {"e1": Health(failures=1)}, NOW)
    assert outbox.forget("e1") == 1
    assert outbox.health("e1") == Health()
    assert events(outbox.list(DeliveryFilter())) == ["c"]


def test_how_an_endpoint_does_is_kept(outbox: Outbox) -> None:
    health = Health(failing_since=NOW, failures=3, last_success=UnixMs(5))
    outbox.settle([], {"e1": health}, NOW)
    assert outbox.health("e1") == health
    outbox.well("e1")
    assert outbox.health("e1") == Health(last_success=UnixMs(5))


def test_what_is_old_goes_and_what_waits_stays(outbox: Outbox) -> None:
    outbox.add([new(str(n), f"m{n}") for n in range(4)], NOW)
    for n, each in enumerate(due(outbox)[:3]):
        outbox.settle([ended(each)], {}, UnixMs(NOW + n))
    assert outbox.trim(UnixMs(NOW + 1), 1000) == 1
    assert events(outbox.list(DeliveryFilter())) == ["3", "2", "1"]
    assert outbox.trim(UnixMs(0), 1) == 1
    assert events(outbox.list(DeliveryFilter())) == ["3", "2"]
    assert outbox.attempts(1) == []
    assert outbox.trim(UnixMs(NOW + 99), 0) == 1
    assert events(outbox.list(DeliveryFilter())) == ["3"]


def test_a_change_of_another_process_is_seen(outbox: Outbox) -> None:
    before = outbox.version()
    outbox.add([new("a")], NOW)
    assert outbox.version() == before
    other = Outbox(outbox.path)
    other.add([new("b")], NOW)
    other.close()
    assert outbox.version() != before


def test_a_file_that_is_none_or_of_a_newer_version_is_an_error_that_names_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "webhooks.db"
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(OutboxError, match=r"webhooks\.db"):
        Outbox(path)
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(OutboxError, match="newer"):
        Outbox(path)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutboxError):
        Outbox(path)
    assert not (tmp_path / "elsewhere").exists()


def test_its_depth_is_what_waits_and_what_was_given_up(outbox: Outbox) -> None:
    assert outbox.depth() == Depth(waiting=0, given_up=0, first_due=None)
    outbox.add([new("a"), new("b"), new("c", "m2"), new("d", "m3")], NOW)
    late = UnixMs(NOW + 5)
    outbox.add([new("e", "m4")], late)
    given_up, delivered, *_ = due(outbox, late)
    outbox.settle([ended(given_up, ok=False), ended(delivered)], {}, NOW)
    # "b" waits behind "a", which has ended now
    assert outbox.depth() == Depth(waiting=3, given_up=1, first_due=NOW)
