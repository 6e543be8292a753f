"""Mirrors angarium/personal_data/erasing.py, with stores that are counted."""

from collections.abc import Iterator
from typing import Any

import pytest

from angarium.personal_data import erasing
from angarium.personal_data.erasing import Erasure
from angarium.personal_data.opening import Stores
from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject
from angarium.queue import UnixMs
from angarium.queue.act import Actor
from angarium.queue.person import Person

ANN = Subject(person=Person("ann@example.com", bytes(32)), by=Actor(who="tests", reason="why"))


class Store:
    """Has so many records, and says in which order stores were asked."""

    def __init__(self, name: str, told: list[str], records: int = 1, left: str = "") -> None:
        self.name = name
        self.records = records
        self._told = told
        self._left = left
        self.fails = False

    def find(self, _: Subject) -> Iterator[Found]:
        return iter([Found(data={})] * self.records)

    def erase(self, _: Subject) -> Erased:
        self._told.append(self.name)
        if self.fails:
            raise StoreAwayError("away")
        changed, self.records = self.records, 0 if not self._left else self.records
        return Erased(changed=changed, left=(self._left,) * bool(self._left))


class Queue:
    """Consumers of its events follow a look behind."""

    def __init__(self, told: list[str]) -> None:
        self._told = told
        self.positions = {"history": 0}
        self.appended: list[Any] = []

    def last_event(self) -> int:
        return 3

    def consumers(self) -> dict[str, int]:
        self._told.append("followers")
        self.positions["history"] = min(3, self.positions["history"] + 2)
        return dict(self.positions)

    def append(self, event: Any) -> None:
        self.appended.append(event)


class World:
    def __init__(self, *, server: str | None = "7") -> None:
        self.told: list[str] = []
        self.queue = Queue(self.told)
        self.waiting, self.events = Store("queue", self.told), Store("events", self.told)
        self.history, self.audit = Store("history", self.told), Store("audit", self.told)
        queue: Any = self.queue
        self.stores = Stores(
            queue=queue,
            of_queue=(self.waiting,),
            events=self.events,
            made_of_events=(self.history,),
            others=(self.audit,),
            server=server,
        )

    def erasure(self, **times: float) -> Erasure:
        return Erasure(self.stores, ANN, lambda: UnixMs(5), **times)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "_POLL_S", 0.0)


def test_what_others_are_made_of_is_erased_before_them_and_once_they_have_read_it() -> None:
    """PD1"""
    world = World()
    report = world.erasure().erase()
    assert world.told == [
        *("queue", "events", "followers", "followers", "events", "history", "audit"),
    ]
    assert report.is_complete
    assert report.found == 4
    (event,) = world.queue.appended
    assert (event.alias, event.found, event.reason) == (ANN.person.alias, 4, "why")


def test_without_a_server_nobody_is_waited_for() -> None:
    world = World(server=None)
    assert world.erasure().erase().is_complete
    assert "followers" not in world.told


def test_who_does_not_follow_is_named_and_not_waited_for_for_ever() -> None:
    world = World()
    world.queue.positions["lake"] = 0
    report = world.erasure(follow_s=0.0).erase()
    assert any("lake" in each and "erase again" in each for each in report.remains)


def test_a_store_that_is_away_stops_it_and_the_next_try_finishes() -> None:
    """PD1"""
    world = World()
    world.history.fails = True
    with pytest.raises(StoreAwayError):
        world.erasure().erase()
    assert (world.events.records, world.history.records) == (0, 1)
    assert world.queue.appended == []
    world.history.fails = False
    assert world.erasure().erase().is_complete


def test_what_is_left_is_said_and_what_is_found_still_without_a_word_is_too() -> None:
    """PD1"""
    world = World()
    world.audit._left = "an account: remove it"
    report = world.erasure().erase()
    assert not report.is_complete
    assert report.stores[-1].left == ("an account: remove it",)
    world.history.erase = lambda _: Erased(changed=1)  # type: ignore[method-assign]
    world.history.records = 2
    (history,) = [each for each in world.erasure().erase().stores if each.name == "history"]
    assert history.left == ("2 records have it still: erase again",)


def test_a_look_changes_nothing_and_nothing_found_tells_nothing() -> None:
    world = World()
    report = world.erasure().look()
    assert (report.dry_run, report.found, world.told) == (True, 4, [])
    for each in world.stores.all():
        each.records = 0  # type: ignore[attr-defined]
    world.erasure().erase()
    assert world.queue.appended == []
