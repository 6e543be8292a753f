"""Mirrors angarium/traces/story.py."""

import msgspec

from angarium.queue import MessageAccepted, message_id_text
from angarium.queue.about import About
from angarium.traces.context import span_id_of
from angarium.traces.span import Kind, Span
from angarium.traces.story import MAX_SPANS, MessageStory, parent_of
from tests.history.samples import Log
from tests.queue.samples import attempt

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def story_of(log: Log) -> MessageStory:
    first, *others = [each.event for each in log.positions]
    assert isinstance(first, MessageAccepted)
    story = MessageStory(first)
    for event in others:
        story.tell(event)
    return story


def by_name(spans: list[Span]) -> dict[str, list[Span]]:
    return {name: [each for each in spans if each.name == name] for name in {s.name for s in spans}}


def test_a_message_that_was_deferred_once_has_its_whole_way() -> None:
    log = Log()
    id_ = log.accept("bob@example.net", about=About(request_id="r1", dialect="native"))
    log.clock.now += 5000
    refused = msgspec.structs.replace(
        attempt(450, log.clock.now), took_ms=200, provider="gmail", source="ip1"
    )
    log.happen("deferred", id_, attempt=refused)
    log.clock.now += 60_000
    taken = msgspec.structs.replace(
        attempt(250, log.clock.now),
        took_ms=300,
        host="mx.example.net",
        address="192.0.2.1",
        tls="TLSv1.3",
        tls_cipher="TLS_AES_256_GCM_SHA384",
    )
    log.happen("delivered", id_, attempt=taken, attempts=2)
    story = story_of(log)
    assert story.is_over
    spans = story.take()
    named = by_name(spans)
    assert [each.name for each in spans] == [
        "accept mail",
        *("wait in queue", "deliver mail") * 2,
        "mail",
    ]
    (root,) = named["mail"]
    assert root.trace_id == id_  # which is what an operator looks for
    assert (root.parent_id, root.kind, root.error) == (b"", Kind.INTERNAL, "")
    assert {each.parent_id for each in spans if each is not root} == {root.span_id}
    assert root.attributes["messaging.message.id"] == message_id_text(id_)
    assert root.attributes["angarium.request_id"] == "r1"
    first, second = named["deliver mail"]
    assert (first.start, first.end) == (refused.at - 200, refused.at)
    assert first.error == first.attributes["error.type"] != ""
    assert first.attributes["angarium.smtp.reply_code"] == 450
    assert first.attributes["angarium.provider"] == "gmail"
    assert first.attributes["angarium.source"] == "ip1"
    assert second.error == ""
    assert second.attributes["server.address"] == "mx.example.net"
    assert second.attributes["tls.protocol.version"] == "1.3"
    assert second.attributes["angarium.attempt"] == 2
    waited, again = named["wait in queue"]
    assert (waited.start, waited.end) == (story.accepted.at, first.start)
    assert (again.start, again.end) == (first.end, second.start)
    assert root.start <= waited.start
    assert root.end >= second.end
    # Of its recipient the domain, and nothing else
    assert "bob" not in repr(spans)
    assert second.attributes["messaging.destination.name"] == "example.net"


def test_it_is_over_when_each_recipient_is_and_fails_when_one_does() -> None:
    log = Log()
    id_ = log.accept("a@one.example", "b@two.example", "c@three.example")
    log.happen("delivered", id_, 0)
    log.happen("bounced", id_, 1)
    assert not story_of(log).is_over
    log.happen("opened", id_, 0)  # what readers do is no part of it
    log.happen("recipient_suppressed", id_, 2)
    story = story_of(log)
    assert story.is_over
    root = story.take()[-1]
    assert (root.name, root.error) == ("mail", "recipients_failed")
    assert root.attributes["angarium.recipients"] == 3
    assert root.attributes["angarium.recipients.failed"] == 1
    assert [each.name for each in root.notes] == ["recipient_suppressed"]


def test_it_is_a_part_of_the_trace_that_its_request_was_of() -> None:
    log = Log()
    log.accept(about=About(trace_parent=PARENT, requested_at=log.clock.now - 40))
    story = story_of(log)
    (accepting,) = story.take()
    assert accepting.trace_id.hex() == PARENT[3:35]
    assert accepting.end - accepting.start == 41
    log.happen("delivered", story.accepted.message_id)
    root = story_of(log).take()[-1]
    assert (root.parent_id.hex(), root.is_parent_remote) == (PARENT[36:52], True)
    assert parent_of(story.accepted) == story.parent
    log.accept()
    assert isinstance(log.positions[-1].event, MessageAccepted)
    assert parent_of(log.positions[-1].event) is None


def test_what_was_taken_is_not_taken_again_and_the_same_events_make_the_same_spans() -> None:
    """MST1"""
    log = Log()
    id_ = log.accept("a@one.example")
    log.happen("deferred", id_)
    story = story_of(log)
    early = story.take()
    assert [each.name for each in early] == ["accept mail", "wait in queue", "deliver mail"]
    log.happen("delivered", id_, attempts=2)
    story.tell(log.positions[-1].event)
    late = story.take()
    assert [each.name for each in late] == ["wait in queue", "deliver mail", "mail"]
    assert story_of(log).take() == early + late


def test_one_of_many_recipients_is_cut_and_says_so() -> None:
    log = Log()
    count = MAX_SPANS // 2 + 10
    id_ = log.accept(*(f"u{number}@example.net" for number in range(count)))
    for number in range(count):
        log.happen("delivered", id_, number)
    spans = story_of(log).take()
    assert len(spans) <= MAX_SPANS + 1
    assert spans[-1].attributes["angarium.is_cut"] is True
    assert len({each.span_id for each in spans}) == len(spans)
    assert spans[-1].span_id == span_id_of(id_, "mail")
