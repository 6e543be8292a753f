"""Mirrors angarium/smtp/reply.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.reply import (
    MAX_LINE_OCTETS,
    MAX_TEXT_CHARACTERS,
    Reply,
    ReplyParser,
    ReplySyntaxError,
    clean_text,
    enhanced_status,
    text,
)


def replies(*chunks: bytes) -> list[Reply]:
    parser, out = ReplyParser(), []
    for chunk in chunks:
        parser.receive(chunk)
        while (reply := parser.next_reply()) is not None:
            out.append(reply)
    return out


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"250 2.1.0 Ok\r\n", [Reply(250, (b"2.1.0 Ok",))]),
        (b"250-mx.example\r\n250 SIZE\r\n", [Reply(250, (b"mx.example", b"SIZE"))]),
        (b"354\r\n", [Reply(354, (b"",))]),  # RFC 5321 section 4.2: text is optional
        (b"250-\r\n250\r\n", [Reply(250, (b"", b""))]),
        (b"250 a\r\n550 b\r\n", [Reply(250, (b"a",)), Reply(550, (b"b",))]),  # pipelined
        (b"571 5.7.1 no\r\n", [Reply(571, (b"5.7.1 no",))]),  # real peers go beyond x5z
        (b"250 " + b"x" * (MAX_LINE_OCTETS - 4) + b"\r\n", [Reply(250, (b"x" * 2044,))]),
        (b"250-x\r\n" * 127 + b"250 x\r\n", [Reply(250, (b"x",) * 128)]),
        (b"250 \xff\x00\r\n", [Reply(250, (b"\xff\x00",))]),
    ],
)
def test_reply_is_parsed(wire: bytes, expected: list[Reply]) -> None:
    assert replies(wire) == expected


@pytest.mark.parametrize(
    "wire",
    [
        *(b"hi\r\n", b"199 x\r\n", b"600 x\r\n", b"250-a\r\n550 b\r\n", b"\r\n", b"25 x\r\n"),
        *(b"250 a\n250 b\r\n", b"250 a\rb\r\n", b"2500 a\r\n"),  # no bare LF, CR
        *(b"250-x\r\n" * 999, b"250 " + b"x" * 9999 + b"\r\n", b"x" * 9999),  # too much
        b"250 " + b"x" * (MAX_LINE_OCTETS - 3) + b"\r\n",
        (b"250-" + b"x" * 2000 + b"\r\n") * 17,  # the whole reply is bounded too
    ],
)
def test_what_is_not_a_reply_is_refused_s11(wire: bytes) -> None:
    with pytest.raises(ReplySyntaxError):
        replies(wire)


@given(st.lists(st.sampled_from([b"250-a\r\n250 b\r\n", b"421 bye\r\n", b"354\r\n"])), st.data())
def test_chunking_never_changes_the_replies(parts: list[bytes], data: st.DataObject) -> None:
    wire = b"".join(parts)
    cut = data.draw(st.integers(0, len(wire)))
    one_by_one = [wire[i : i + 1] for i in range(len(wire))]
    assert replies(wire) == replies(wire[:cut], wire[cut:]) == replies(*one_by_one)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_chunking_never_changes_whether_octets_are_refused(wire: bytes, cut: int) -> None:
    def outcome(*chunks: bytes) -> list[Reply] | None:
        try:
            return replies(*chunks)
        except ReplySyntaxError:
            return None

    assert outcome(wire) == outcome(wire[:cut], wire[cut:])


@pytest.mark.parametrize("wire", [b"250 a\n", b"250-a\n250 b\n", b"\n"])
def test_a_bare_line_feed_is_refused_at_once_not_when_time_runs_out(wire: bytes) -> None:
    with pytest.raises(ReplySyntaxError, match="LF without CR"):
        replies(wire)
    with pytest.raises(ReplySyntaxError, match="LF without CR"):
        replies(*(wire[at : at + 1] for at in range(len(wire))))


def test_discard_forgets_parts_of_lines_and_replies_s3() -> None:
    parser = ReplyParser()
    parser.receive(b"250-injected\r\n250-more")
    assert parser.next_reply() is None
    assert not parser.is_empty
    parser.discard()
    assert parser.is_empty
    parser.receive(b"220 fresh\r\n")
    assert parser.next_reply() == Reply(220, (b"fresh",))


@pytest.mark.parametrize(
    ("code", "line", "expected"),
    [
        (250, b"2.1.5 Ok", "2.1.5"),
        (550, b"5.1.1 <a@b> no such user", "5.1.1"),
        (550, b"5.1.1", "5.1.1"),
        (451, b"4.7.650 limited", "4.7.650"),
        (550, b"4.1.1 class is not the code's", ""),  # RFC 2034 section 4
        (450, b"5.1.1 class is not the code's", ""),
        (354, b"3.0.0 go", ""),  # RFC 3463 has no class 3
        (550, b"5.1.1.1 no", ""),
        (550, b"5.01.1 no", ""),
        (550, b"5.1000.1 no", ""),
        (550, b"#5.1.1 no", ""),
        (550, b"5.1 no", ""),
        (550, b"No 5.1.1 first", ""),
        (550, b"", ""),
    ],
)
def test_enhanced_status_is_first_and_of_the_codes_class(
    code: int, line: bytes, expected: str
) -> None:
    assert enhanced_status(Reply(code, (line,))) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(250, (b"2.0.0 Ok: queued as 5F1",)), "250 2.0.0 Ok: queued as 5F1"),
        (Reply(354, (b"",)), "354"),
        (Reply(550, (b"5.1.1 The account", b"5.1.1 does not exist")),
         "550 5.1.1 The account does not exist"),
        (Reply(550, (b"The account", b"does not exist")), "550 The account does not exist"),
        (Reply(550, (b"a\x00b\x1b[31m\x7fc",)), "550 a b [31m c"),
        (Reply(550, ("no\u2028such\u202euser \u00e9".encode(),)), "550 no such user é"),
        (Reply(550, (b"\xff\xfe",)), "550 \ufffd\ufffd"),
    ],
)  # fmt: skip
def test_text_is_one_printable_line_s11(reply: Reply, expected: str) -> None:
    assert text(reply) == expected


@given(st.lists(st.binary(max_size=2044), min_size=1, max_size=20), st.integers(200, 599))
def test_text_is_bounded_and_has_no_controls_s11(lines: list[bytes], code: int) -> None:
    shown = text(Reply(code, tuple(lines)))
    assert len(shown) <= MAX_TEXT_CHARACTERS
    assert shown.isprintable()
    assert shown.startswith(str(code))


def test_cleaning_keeps_what_is_harmless() -> None:
    assert clean_text("Connection refused") == "Connection refused"
    assert len(clean_text("x" * 100_000)) == MAX_TEXT_CHARACTERS
