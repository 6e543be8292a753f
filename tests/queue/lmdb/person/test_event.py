"""Mirrors angarium/queue/lmdb/person/event.py."""

from collections.abc import Sequence
from typing import Any

import pytest

from angarium.queue import Position
from angarium.queue.about import About, decode_about
from angarium.queue.events import Clicked, Fetched, MessageAccepted, Opened
from angarium.queue.events.catalogue import decode_event, encode_event
from angarium.queue.lmdb.person.event import EventEraser
from angarium.queue.person import Person
from tests.history.samples import Log

ANN = Person("ann@example.com", bytes(32))
NETWORK: dict[str, Any] = {
    "network": "192.0.2.0/24",
    "agent": "Firefox 1",
    "link_number": 0,
    "sent_s": 1,
    "signs": (),
}


@pytest.fixture
def log() -> Log:
    return Log()


def cleared(positions: Sequence[Position]) -> list[bytes | None]:
    eraser = EventEraser(ANN)
    return [eraser.without(encode_event(each.event)) for each in positions]


def test_what_was_said_of_a_person_alone_goes_and_the_rest_stays(log: Log) -> None:
    message = log.accept(
        "Ann@example.com", about=About(subject="Dear Ann", metadata={"a": 1}), campaign="c"
    )
    log.happen("opened", message, client="192.0.2.0/24 Firefox", verdict="human")
    log.happen("delivered", log.accept("bob@example.com"))
    accepted, opened, *others = cleared(log.positions)
    assert accepted is not None
    assert opened is not None
    assert others == [None, None]
    after = decode_event(accepted)
    assert isinstance(after, MessageAccepted)
    assert (after.recipients, after.campaign) == ((ANN.token,), "c")
    assert decode_about(after.about) == About()
    seen = decode_event(opened)
    assert isinstance(seen, Opened)
    assert (seen.recipient, seen.client, seen.verdict) == (ANN.token, "", "human")
    eraser = EventEraser(ANN)
    assert [eraser.without(each) for each in (accepted, opened)] == [None, None]


def test_who_fetched_is_known_by_their_place_and_the_link_is_looked_into(log: Log) -> None:
    both = log.accept("bob@example.com", "ann@example.com")
    link = "https://x.example/?to=ann%40example.com"
    for index in (0, 1):
        log.happen("fetched", both, index, link=link, **NETWORK)
        log.happen("fetched", both, index, link="https://x.example/", **NETWORK)
    log.happen("fetched", log.accept("c@example.com"), 0, link="https://x.example/", **NETWORK)
    _, bob, bobs, ann, anns, *others = cleared(log.positions)
    assert (bobs, others) == (None, [None, None])
    for raw, agent in ((bob, "Firefox 1"), (ann, ""), (anns, "")):
        assert raw is not None
        event = decode_event(raw)
        assert isinstance(event, Fetched)
        assert event.agent == agent
        assert "ann%40" not in event.link


def test_what_comes_after_an_erasure_is_known_by_the_token(log: Log) -> None:
    message = log.accept(ANN.token)
    log.happen("fetched", message, 0, link="", **NETWORK)
    log.happen("clicked", message, link="https://x.example/", client="192.0.2.0/24 Firefox")
    log.happen("clicked", message, link="https://x.example/")
    accepted, fetched, clicked, nothing = cleared(log.positions)
    assert (accepted, nothing) == (None, None)
    assert fetched is not None
    assert clicked is not None
    seen = decode_event(clicked)
    assert isinstance(seen, Clicked)
    assert (seen.client, seen.link) == ("", "https://x.example/")
