"""Mirrors angarium/feedback/mail/fields.py."""

from angarium.feedback.mail import fields
from angarium.feedback.mail.fields import MAX_FIELDS, Fields, read_fields


def read(octets: bytes) -> Fields:
    return read_fields(octets)[0]


def test_fields_are_found_in_any_case_and_unfolded() -> None:
    found = read(b"SUBJECT : a\r\n  b\r\n\tc\r\nTo:x\r\n\r\nbody")
    assert (found.raw("subject"), found.raw("to"), found.raw("cc")) == ("a b c", "x", "")
    assert "to" in found
    assert "cc" not in found


def test_the_body_begins_behind_the_first_blank_line() -> None:
    octets = b"A: 1\n\nB: 2\n\nC: 3"
    found, start = read_fields(octets)
    assert octets[start:] == b"B: 2\n\nC: 3"
    assert list(found.names()) == ["a"]


def test_lines_that_are_no_fields_are_passed_over() -> None:
    found = read(b"\xef\xbb\xbf\n  \nFrom x@y Mon\n>From z\nA: 1\nrubbish\nB: 2\n\n")
    assert list(found.names()) == ["a", "b"]


def test_all_values_come_in_the_order_of_the_names() -> None:
    assert list(read(b"A: 1\nB: 2\nA: 3\n\n").all_raw("b", "a")) == ["2", "1", "3"]


def test_octets_beyond_ascii_are_text() -> None:
    found = read("A: ü\n".encode() + b"B: \xfc\n\n")
    assert (found.raw("a"), found.raw("b")) == ("ü", "ü")


def test_encoded_words_are_decoded_where_asked() -> None:
    found = read(b"Subject: =?utf-8?Q?=C3=BC?=\n\n")
    assert (found.text("subject"), found.raw("subject")) == ("ü", "=?utf-8?Q?=C3=BC?=")


def test_a_header_without_an_end_is_bounded() -> None:
    found, start = read_fields(b"A: b\n" * 200_000)
    assert len(found) == MAX_FIELDS
    assert start == fields.MAX_HEADER_OCTETS
    assert len(read(b"A: " + b"x" * 100_000).raw("a")) == fields.MAX_VALUE_OCTETS - 1
