"""Mirrors angarium/insight/admin/protocol.py and questions.py."""

import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.insight.admin.connections import EndConnection, OpenConnection, OpenConnections
from angarium.insight.admin.live import FindLive, LiveFact, LiveFacts, QueuedRecipient
from angarium.insight.admin.protocol import (
    MAX_QUESTION_OCTETS,
    VERSION,
    Alive,
    Answer,
    Asked,
    FrameError,
    Frames,
    Item,
    Question,
    Refused,
    answer_frame,
    asked_frame,
    frame_of,
    item_frame,
    read_answer,
    read_asked,
    read_item,
    read_message,
)
from angarium.insight.admin.questions import AnyQuestion, read_question
from angarium.insight.admin.queue_acts import (
    AddHoldRule,
    ListHoldRules,
    MoveStart,
    PerformAct,
    Progressed,
    RemoveHoldRule,
)
from angarium.insight.admin.queue_reads import (
    ExplainMessage,
    ListEntries,
    ReadContent,
    ShowMessage,
    SummarizeQueue,
)
from angarium.insight.admin.status import AskStatus, Status
from angarium.insight.admin.watch import WatchedLine, WatchedLines, WatchSessions
from angarium.queue import Affected, DeliveryId, Filter, MessageId, UnixMs
from angarium.queue.entry import AffectedRecipient
from angarium.queue.hold_rule import HoldRule

ID = MessageId(b"\x01" * 16)
QUESTIONS: list[Question[typing.Any, typing.Any]] = [
    AskStatus(),
    SummarizeQueue(),
    ListEntries(wanted=Filter(domains=("example.net",), ids=("a", "b")), after=b"\0x", limit=7),
    ShowMessage(message_id=ID),
    ReadContent(message_id=ID),
    ExplainMessage(message_id=ID, only=3),
    PerformAct(act="hold", wanted=Filter(senders=("",)), reason="a \u2603", dry_run=True),
    MoveStart(message_id=ID, due=UnixMs(5), reason="later"),
    ListHoldRules(),
    AddHoldRule(rule=HoldRule(domain="example.net", until=UnixMs(5)), reason="x"),
    RemoveHoldRule(rule_id=4, release=True),
    FindLive(
        recipients=(
            QueuedRecipient(id=DeliveryId(ID, 0), partition=1, domain="a.b", in_flight=True),
        )
    ),
    EndConnection(id="delivery-0/7", reason="stuck"),
    WatchSessions(domain="example.net"),
]


def frames_of(*chunks: bytes, limit: int = 1000) -> list[bytes]:
    frames = Frames(limit)
    found = []
    for chunk in chunks:
        frames.receive(chunk)
        found += list(frames)
    return found


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: type(each).__name__)
def test_a_question_comes_as_it_was_asked(question: Question[typing.Any, typing.Any]) -> None:
    (frame,) = frames_of(asked_frame(question))
    octets = read_asked(frame)
    assert isinstance(octets, msgspec.Raw)
    assert read_question(octets) == question


def test_an_empty_filter_is_still_one_when_it_comes() -> None:
    """Else an act on nothing would be one on the whole queue."""
    octets = read_asked(frames_of(asked_frame(PerformAct(act="cancel", wanted=Filter())))[0])
    assert isinstance(octets, msgspec.Raw)
    question = read_question(octets)
    assert isinstance(question, PerformAct)
    assert question.wanted.is_empty


def test_every_question_names_types_that_can_be_read() -> None:
    for kind in typing.get_args(AnyQuestion):
        for type_ in typing.get_args(kind.__orig_bases__[0]):
            msgspec.msgpack.Decoder(type_)


@pytest.mark.parametrize(
    ("question", "answer", "item"),
    [
        (
            AskStatus(),
            Status(
                slot="a-0",
                pid=1,
                version="1",
                since=UnixMs(5),
                reasons=("starting",),
                watchers=0,
            ),
            None,
        ),
        (
            PerformAct(act="retry", wanted=Filter()),
            Affected(
                count=1,
                named=(AffectedRecipient(id=DeliveryId(ID, 1), recipient="b@c.example"),),
                in_flight=0,
                unchanged=0,
            ),
            Progressed(500),
        ),
        (
            WatchSessions(domain="a.b"),
            None,
            WatchedLines((WatchedLine(at=1, session="s", direction="<", text="250 ok"),)),
        ),
        (
            FindLive(recipients=()),
            LiveFacts((LiveFact(id=DeliveryId(ID, 1), state="waiting", until=UnixMs(7)),)),
            None,
        ),
        (
            EndConnection(id="x/1"),
            None,
            None,
        ),
    ],
)
def test_answers_and_items_come_as_they_were_said(
    question: Question[typing.Any, typing.Any], answer: object, item: object
) -> None:
    if answer is not None:
        message = read_message(frames_of(answer_frame(answer))[0])
        assert isinstance(message, Answer)
        assert read_answer(question, message) == answer
    message = read_message(frames_of(item_frame(item))[0])
    assert isinstance(message, Item)
    assert read_item(question, message) == item


def test_an_answer_of_another_type_is_not_believed() -> None:
    message = read_message(frames_of(answer_frame(OpenConnections((), 0)))[0])
    assert isinstance(message, Answer)
    with pytest.raises(FrameError):
        read_answer(AskStatus(), message)


def test_signs_of_life_and_refusals_are_told_from_answers() -> None:
    assert read_message(frames_of(frame_of(Alive()))[0]) == Alive()
    refused = Refused("busy", "later")
    assert read_message(frames_of(answer_frame(refused))[0]) == refused


def test_another_release_is_told_apart_before_its_question_is_read() -> None:
    strange = Asked(VERSION + 1, msgspec.Raw(msgspec.msgpack.encode({"asks": "the future"})))
    (frame,) = frames_of(frame_of(strange))
    refused = read_asked(frame)
    assert isinstance(refused, Refused)
    assert refused.reason == "version"
    assert "restart the server" in refused.text


@pytest.mark.parametrize(
    "octets",
    [
        msgspec.msgpack.encode({"asks": "nothing"}),
        msgspec.msgpack.encode({"asks": "status", "more": 1}),
        msgspec.msgpack.encode({"asks": "queue_act", "act": "destroy", "wanted": {}}),
        msgspec.msgpack.encode([1, 2]),
        b"\xc1",
        b"",
    ],
)
def test_what_is_no_question_is_refused(octets: bytes) -> None:
    refused = read_question(msgspec.Raw(octets))
    assert isinstance(refused, Refused)
    assert refused.reason == "malformed"


@pytest.mark.parametrize("frame", [b"", b"\xc1", b"\x90", b"GET / HTTP/1.1", b"\x91" * 1000])
def test_what_is_no_envelope_is_refused(frame: bytes) -> None:
    assert isinstance(read_asked(frame), Refused)
    with pytest.raises(FrameError):
        read_message(frame)


@pytest.mark.parametrize("wire", [b"GET / HTTP/1.1\r\n", b"\xff\xff\xff\xff", b"\x00\x00\x03\xe9"])
def test_a_frame_beyond_the_limit_is_refused_by_its_length(wire: bytes) -> None:
    with pytest.raises(FrameError):
        frames_of(wire, limit=1000)


def test_an_answer_that_is_too_large_becomes_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("angarium.insight.admin.protocol.MAX_ANSWER_OCTETS", 100)
    message = read_message(frames_of(answer_frame("x" * 200))[0])
    assert isinstance(message, Refused)
    assert "less at a time" in message.text


@given(st.lists(st.binary(max_size=20)), st.data())
def test_chunking_never_changes_the_frames(values: list[bytes], data: st.DataObject) -> None:
    """FR1."""
    wire = b"".join(frame_of(value) for value in values)
    cut = data.draw(st.integers(0, len(wire)))
    one_by_one = [wire[i : i + 1] for i in range(len(wire))]
    assert frames_of(wire) == frames_of(wire[:cut], wire[cut:]) == frames_of(*one_by_one)
    assert [msgspec.msgpack.decode(each) for each in frames_of(wire)] == values


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_waited_for_but_never_raises_anything_else(octets: bytes) -> None:
    frames = Frames(MAX_QUESTION_OCTETS)
    frames.receive(octets)
    try:
        for frame in frames:
            raw = read_asked(frame)
            if not isinstance(raw, Refused):
                assert isinstance(read_question(raw), Refused)
    except FrameError:
        return


def test_a_connection_says_what_it_is() -> None:
    connection = OpenConnection(
        id="ingress-0/1", direction="in", since=UnixMs(1), phase="data", peer="192.0.2.1"
    )
    octets = msgspec.msgpack.encode(OpenConnections((connection,)))
    assert msgspec.msgpack.decode(octets, type=OpenConnections).connections == (connection,)
