"""How a process of the server is asked on its admin socket: what goes over the wire, for both ends. Sans-IO.

A connection carries one question at a time: a frame with an ``Asked``; back come any number of ``Item`` and ``Alive``
and then one ``Answer`` or ``Refused``, and the next question may follow. Who hangs up takes the question back. A frame
is four octets of length, big-endian, and MessagePack.
"""

from collections.abc import Iterator
from typing import Any, Final, Generic, Literal, TypeVar, get_args

import msgspec

# Ours: goes up when a question or an answer changes its meaning. Both ends are one release, so there is no negotiation
VERSION: Final = 1
# Ours: an act may name some 20,000 recipients by their ids
MAX_QUESTION_OCTETS: Final = 1024 * 1024
# Ours: a message of 100,000 recipients with its history
MAX_ANSWER_OCTETS: Final = 64 * 1024 * 1024
_LENGTH_OCTETS: Final = 4

Reason = Literal[
    "not_running",  # nobody listens
    "forbidden",
    "unanswered",  # it does not answer in time, or hung up
    "version",
    "malformed",
    "not_here",  # this process does not answer such questions
    "busy",
    "stopping",
    "invalid",  # what was asked cannot be meant
    "empty_filter",
    "not_found",
    "no_room",
    "failed",
]

A = TypeVar("A")
I = TypeVar("I")  # noqa: E741 - of items
A_co = TypeVar("A_co", covariant=True)
I_co = TypeVar("I_co", covariant=True)


class Question(
    msgspec.Struct,
    Generic[A_co, I_co],
    frozen=True,
    kw_only=True,
    tag_field="asks",
    forbid_unknown_fields=True,
):
    """Base of what can be asked: answered by any number of ``I``, as they come, and one ``A``."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """There is no answer; the text says why, and what to do."""

    reason: Reason
    text: str


class Asked(msgspec.Struct, frozen=True):
    """The version comes first: a question of another release is refused before it is read."""

    version: int
    question: msgspec.Raw


class Item(msgspec.Struct, frozen=True, tag="item"):
    value: msgspec.Raw


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    value: msgspec.Raw


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """The answer takes its time, but somebody is at work."""


Message = Item | Answer | Alive | Refused

_ENCODER: Final = msgspec.msgpack.Encoder()
_MESSAGES: Final = msgspec.msgpack.Decoder(Message)
_ASKED: Final = msgspec.msgpack.Decoder(Asked)


class FrameError(Exception):
    """Too long, or not what the protocol says; the connection cannot be used again."""


class Frames:
    """Octets in, frames out.

    Invariant FR1: how the input is cut into chunks never changes the frames.
    """

    def __init__(self, max_octets: int) -> None:
        self._max_octets = max_octets
        self._buffer = bytearray()

    def receive(self, octets: bytes) -> None:
        self._buffer += octets

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Return the oldest whole frame. Raises StopIteration when it needs more octets, FrameError."""
        length = int.from_bytes(self._buffer[:_LENGTH_OCTETS], "big")
        if length > self._max_octets and len(self._buffer) >= _LENGTH_OCTETS:
            raise FrameError(f"a frame of {length} octets; at most {self._max_octets} are taken")
        end = _LENGTH_OCTETS + length
        if len(self._buffer) < max(end, _LENGTH_OCTETS):
            raise StopIteration
        frame = bytes(self._buffer[_LENGTH_OCTETS:end])
        del self._buffer[:end]  # FR1
        return frame


def frame_of(value: object) -> bytes:
    octets = _ENCODER.encode(value)
    return len(octets).to_bytes(_LENGTH_OCTETS, "big") + octets


def asked_frame(question: Question[Any, Any]) -> bytes:
    return frame_of(Asked(VERSION, msgspec.Raw(_ENCODER.encode(question))))


def item_frame(value: object) -> bytes:
    return frame_of(Item(msgspec.Raw(_ENCODER.encode(value))))


def answer_frame(value: object) -> bytes:
    """Return the frame of an answer, or of a refusal where it is too large to be one."""
    frame = frame_of(value if isinstance(value, Refused) else _answer(value))
    if len(frame) > MAX_ANSWER_OCTETS:
        return frame_of(Refused("failed", "the answer is too large; ask for less at a time"))
    return frame


def read_message(frame: bytes) -> Message:
    """Raises FrameError."""
    try:
        message: Message = _MESSAGES.decode(frame)
    except msgspec.DecodeError as error:
        raise FrameError(str(error)) from None
    return message


def read_asked(frame: bytes) -> msgspec.Raw | Refused:
    """Return the question's octets, or why they are not read."""
    try:
        asked = _ASKED.decode(frame)
    except msgspec.DecodeError as error:
        return Refused("malformed", f"not a question: {error}")
    if asked.version != VERSION:
        return Refused(
            "version",
            f"the question is of protocol {asked.version}, this process speaks {VERSION}: command and server are"
            " of different releases; restart the server after an upgrade",
        )
    return asked.question


def read_item(question: Question[Any, I], item: Item) -> I:
    """Raises FrameError."""
    value: I = _read(item.value, _types(question)[1])
    return value


def read_answer(question: Question[A, Any], answer: Answer) -> A:
    """Raises FrameError."""
    value: A = _read(answer.value, _types(question)[0])
    return value


def question_name(question: Question[Any, Any]) -> str:
    return str(question.__struct_config__.tag)


def _answer(value: object) -> Answer:
    return Answer(msgspec.Raw(_ENCODER.encode(value)))


def _types(question: Question[Any, Any]) -> tuple[Any, Any]:
    """Of the answer and of items, as the question's class names them: ``class Look(Question[Sight, None])``."""
    answer, item = get_args(type(question).__orig_bases__[0])  # type: ignore[attr-defined]
    return answer, item


def _read(value: msgspec.Raw, type_: Any) -> Any:
    try:
        return msgspec.msgpack.decode(value, type=type_)
    except msgspec.DecodeError as error:
        raise FrameError(str(error)) from None
