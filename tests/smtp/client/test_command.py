"""Mirrors angarium/smtp/client/command.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.client.command import (
    ArgumentError,
    ehlo_argument,
    envelope_parameters,
    notify_parameter,
    orcpt_parameter,
    path,
    xtext,
)
from angarium.smtp.envelope import Notify


@pytest.mark.parametrize(
    "name",
    [
        *(
            "mx1.example.com",
            "localhost",
            "mx_1.example.com",
            "MX.EXAMPLE.",
            "xn--bcher-kva.example",
        ),
        *("[192.0.2.1]", "[IPv6:2001:db8::1]"),
    ],
)
def test_an_ehlo_name_is_a_host_or_a_literal(name: str) -> None:
    assert ehlo_argument(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "a b", "mx\r\nMAIL FROM:<x@y>", "mx\n", "mx\0", "-a.example", "a..b", "x" * 64),
        *("[1.2.3.4", "[IPv6:zz]", "bücher.example", "mx<script>", "a" * 60 + "." + "b" * 300),
    ],
)
def test_another_ehlo_name_never_gets_out_s9(name: str) -> None:
    with pytest.raises(ArgumentError):
        ehlo_argument(name)


@pytest.mark.parametrize(
    "address",
    [
        *("", "a@b.example", "a+b=c/d@example.com", '"a b"@example.com', '"a\\"b>"@example.com'),
        *("δοκιμή@παράδειγμα.example", "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]", "postmaster"),
    ],
)
def test_an_address_stands_in_a_path_as_it_is(address: str) -> None:
    assert path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        *("a@b> NOTIFY=NEVER", "a@b>\r\nDATA", "a\r@b", "a\n@b", "a\0@b", "a\x7f@b", "a b@c"),
        *(
            "<a@b>",
            'a"b@c',
            '"a"b"@c',
            '"a\rb"@c',
            '"a\\\nb"@c',
            "a\x85@b",
            "a\u2028@b",
            "a\ud800@b",
        ),
        "a@" + "b" * 1000,
    ],
)
def test_an_address_that_would_break_out_of_its_path_is_refused_s10(address: str) -> None:
    with pytest.raises(ArgumentError):
        path(address)


@given(st.text())
def test_whatever_the_address_the_command_is_one_line_with_one_path_s10(address: str) -> None:
    try:
        line = f"RCPT TO:<{path(address)}>"
    except ArgumentError:
        return
    octets = line.encode()
    assert not any(octet < 32 or octet == 127 for octet in octets)
    if not address.startswith('"'):
        assert line.count("<") == line.count(">") == 1
        assert line.count(" ") == 1


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_xtext_can_be_read_back(value: str) -> None:
    encoded = xtext(value)
    assert not set(encoded) & set(" =")
    decoded, rest = "", encoded
    while rest:
        if rest[0] == "+":
            decoded, rest = decoded + chr(int(rest[1:3], 16)), rest[3:]
        else:
            decoded, rest = decoded + rest[0], rest[1:]
    assert decoded == value


@pytest.mark.parametrize("value", ["a\r\nb", "\0", "é", "\x7f"])
def test_xtext_of_controls_is_refused_s10(value: str) -> None:
    with pytest.raises(ArgumentError):
        xtext(value)


def test_dsn_parameters_are_written_as_rfc_3461_has_them() -> None:
    assert notify_parameter(None) == ""
    assert notify_parameter(0) == " NOTIFY=NEVER"
    assert notify_parameter(Notify.SUCCESS | Notify.DELAY) == " NOTIFY=SUCCESS,DELAY"
    assert orcpt_parameter(None) == ""
    assert orcpt_parameter("rfc822;a+b@c.example") == " ORCPT=rfc822;a+2Bb@c.example"
    assert envelope_parameters(None, None) == ""
    assert envelope_parameters("HDRS", "id 7=") == " RET=HDRS ENVID=id+207+3D"


@pytest.mark.parametrize(
    "orcpt", ["", "a@b", ";a@b", "rfc 822;a@b", "rfc822;", "rfc822;" + "x" * 501]
)
def test_an_original_recipient_without_its_type_is_refused(orcpt: str) -> None:
    with pytest.raises(ArgumentError):
        orcpt_parameter(orcpt)


@pytest.mark.parametrize(("ret", "envid"), [("BOTH", None), (None, ""), (None, "x" * 101)])
def test_other_envelope_parameters_are_refused(ret: str | None, envid: str | None) -> None:
    with pytest.raises(ArgumentError):
        envelope_parameters(ret, envid)
