"""Mirrors angarium/feedback/mail/parts.py: structure within limits, also where it is hostile (C2)."""

import pytest

from angarium.feedback.mail.parts import MAX_DEPTH, MAX_OCTETS, MAX_PARTS, ParsedMail, read_parts


def multipart(boundary: str, body: str) -> bytes:
    return f"Content-Type: multipart/mixed; boundary={boundary}\n\n{body}".encode()


def bodies(mail: ParsedMail) -> list[bytes]:
    return [each.body for each in mail.parts]


def test_a_mail_without_parts_is_one_text() -> None:
    mail = read_parts(b"Subject: x\n\nbody\n")
    assert [(each.content_type, each.body) for each in mail.parts] == [("text/plain", b"body\n")]


def test_parts_come_in_their_order_also_from_within() -> None:
    octets = multipart(
        "a",
        "--a\n\none\n--a\nContent-Type: multipart/x; boundary=b\n\n--b\n\ntwo\n--b--\n--a\n\nthree\n--a--\nrest",
    )
    assert bodies(read_parts(octets)) == [b"one", b"two", b"three"]


def test_an_attached_mail_is_one_part() -> None:
    inner = "Content-Type: multipart/mixed; boundary=q\n\n--q\n\nhidden\n--q--\n"
    mail = read_parts(multipart("a", f"--a\nContent-Type: message/rfc822\n\n{inner}--a--"))
    assert [each.content_type for each in mail.parts] == ["message/rfc822"]


@pytest.mark.parametrize("boundary", ["a", "aa", "a b", "a--", "--", "(.*)", "="])
def test_a_boundary_is_a_whole_line(boundary: str) -> None:
    octets = (
        f'Content-Type: multipart/mixed; boundary="{boundary}"\n\n'
        f"--{boundary}\n\n--{boundary}x\none\n--{boundary}  \r\n\r\ntwo\n--{boundary}--"
    ).encode()
    assert bodies(read_parts(octets)) == [f"--{boundary}x\none".encode(), b"two"]


def test_a_boundary_that_is_the_parents_or_begins_like_it_ends_at_the_parents() -> None:
    same = multipart("a", "--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--")
    assert bodies(read_parts(same)) == [b"", b"x"]
    longer = multipart(
        "a", "--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--ab--\n--a\n\ny"
    )
    assert bodies(read_parts(longer)) == [b"x", b"y"]


def test_a_missing_boundary_is_guessed() -> None:
    octets = b"Content-Type: multipart/report\n\nintro\n--cut\nA: b\n\none\n--cut\n\ntwo\n--cut--\n"
    assert bodies(read_parts(octets)) == [b"one", b"two"]


def test_depth_is_bounded() -> None:
    octets = b""
    for number in range(60):
        octets += f"Content-Type: multipart/mixed; boundary=b{number}\n\n--b{number}\n".encode()
    mail = read_parts(octets + b"\n\nend")
    assert len(mail.parts) == 1
    assert mail.parts[0].body.startswith(f"--b{MAX_DEPTH}".encode())


def test_parts_and_octets_are_bounded() -> None:
    many = read_parts(multipart("a", "--a\n\nx\n" * 5000))
    assert len(many.parts) <= MAX_PARTS + 1
    assert many.is_cut
    assert read_parts(b"\n" + b"x" * MAX_OCTETS).is_cut
    assert not read_parts(b"\n" + b"x" * 100).is_cut
