"""Mirrors angarium/smtp/server/command.py."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.refusal import RefusedError
from angarium.smtp.server.command import (
    Chunk,
    Command,
    NotSmtpError,
    Verb,
    parse_chunk,
    parse_client_name,
    parse_command,
    split_mail,
    split_recipient,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"EHLO mx.example.com", Command(Verb.EHLO, "mx.example.com")),
        (b"ehlo  mx.example.com  ", Command(Verb.EHLO, "mx.example.com")),
        (b"MAIL FROM:<a@b> SIZE=1", Command(Verb.MAIL, "FROM:<a@b> SIZE=1")),
        (b"QUIT", Command(Verb.QUIT, "")),
        (b"quit ", Command(Verb.QUIT, "")),
        (b"NOOP anything", Command(Verb.NOOP, "anything")),
        (b"StartTLS", Command(Verb.STARTTLS, "")),
        ("RCPT TO:<ü@b>".encode(), Command(Verb.RCPT, "TO:<ü@b>")),
        (b"MAIL FROM:\t<a@b>\tSIZE=1\t", Command(Verb.MAIL, "FROM: <a@b> SIZE=1")),
        (b"rcpt\tTO:\t<a@b>", Command(Verb.RCPT, "TO: <a@b>")),
        (b"HELO\tprinter", Command(Verb.HELO, "printer")),
        (b"EHLO B\xfcro-MFP", Command(Verb.EHLO, "B\ufffdro-MFP")),
    ],
)
def test_a_command_is_parsed(line: bytes, expected: Command) -> None:
    assert parse_command(line) == expected


@pytest.mark.parametrize(
    ("line", "code"),
    [
        *[
            (line, 500)
            for line in (b"", b" ", b"XYZZY", b"MAILFROM:<a>", b"EHLO\xa0x", b"\xff\xfe")
        ],
        *[(b"NOOP " + octet, 501) for octet in (b"\0", b"\r", b"\n", b"\v", b"\x7f", b"\xc2\x85")],
        *[
            (b"MAIL FROM:<" + path, 501)
            for path in (b"a\tb@c>", b'"a\tb"@c> X=1', b"\ta@b>", b"a>\t<b>")
        ],
        *[(line, 501) for line in (b"EHLO", b"EHLO ", b"RCPT", b"DATA x", b"RSET x", b"QUIT x")],
        *[(line.encode(), 500) for line in ("MAıL FROM:<a@b>", "RſET", "ſTARTTLS", "QUıT")],
        *[(line, 501) for line in (b"STARTTLS x", b"AUTH", b"VRFY", b"BDAT")],
    ],
)
def test_what_is_no_command_is_refused_s8(line: bytes, code: int) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_command(line)
    assert caught.value.refusal.code == code


@pytest.mark.parametrize(
    "line", [b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"Host: x", b"PRI * HTTP/2.0"]
)
def test_http_is_recognised_s14(line: bytes) -> None:
    with pytest.raises(NotSmtpError):
        parse_command(line)


@pytest.mark.parametrize("argument", ["FROM:<a@b>", "from: <a@b>", "From:<a@b> ", "FROM:a@b"])
def test_the_path_of_mail_is_found(argument: str) -> None:
    assert split_mail(argument) == ("a@b", "")


@pytest.mark.parametrize("argument", ["<a@b>", "FROM <a@b>", "FROM:a", "TO:<a@b>", "FROM :<a@b>"])
def test_mail_without_its_syntax_is_refused(argument: str) -> None:
    with pytest.raises(RefusedError):
        split_mail(argument)


def test_the_path_of_rcpt_is_found() -> None:
    assert split_recipient("To:<a@b> NOTIFY=NEVER") == ("a@b", "NOTIFY=NEVER")


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("0", Chunk(0, False)),
        ("86 LAST", Chunk(86, True)),
        ("0 last", Chunk(0, True)),
        ("00012", Chunk(12, False)),
    ],
)
def test_a_chunk_is_parsed(argument: str, expected: Chunk) -> None:
    assert parse_chunk(argument) == expected


@pytest.mark.parametrize(
    "argument",
    ["-1", "+1", "1 FIRST", "LAST", "1LAST", "0x10", "1 LAST 2", "1" * 21, "١", "1 LAſT"],
)
def test_what_is_no_chunk_is_refused_s5(argument: str) -> None:
    with pytest.raises(RefusedError):
        parse_chunk(argument)


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("mx1.example.com", "mx1.example.com"),
        ("DESKTOP-1_A", "DESKTOP-1_A"),
        ("localhost", "localhost"),
        ("example.com.", "example.com."),
        ("_x", "_x"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("[::1]", "[IPv6:::1]"),
    ],
)
def test_names_that_clients_give_themselves_are_taken_s9(argument: str, name: str) -> None:
    assert parse_client_name(argument) == name


@pytest.mark.parametrize(
    "argument",
    [
        *("a b", "a(b)", "a;b", "<script>", "a/b", "a@b", "$(x)", "bücher.example", "-x", ".x"),
        *("[x]", "[192.0.2.1", "x" * 256, "'", "a\\b", "fe80::1%eth0", "[192.0.2.1] x"),
    ],
)
def test_rubbish_for_a_name_is_refused_s9(argument: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_client_name(argument)
    assert caught.value.refusal.code == 501


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("mx1.example.com", "mx1.example.com"),
        ("192.0.2.1", "[192.0.2.1]"),
        ("(none)", "?none?"),
        ("MFP#01", "MFP?01"),
        ("Canon iR-ADV C5235", "Canon?iR-ADV?C5235"),
        ("Büro-Drucker", "B?ro-Drucker"),
        ("B\ufffdro", "B?ro"),
        ("KM_C250i@1.OG", "KM_C250i?1.OG"),
        ("Bob's PC", "Bob?s?PC"),
        ("00:1b:a9:01:02:03", "00?1b?a9?01?02?03"),
        ("a-b-", "a-b-"),
        ("fe80::1%eth0", None),
        *(
            (each, None)
            for each in ("<script>", "a;b", "$(id)", "`id`", 'a"b', "a\\b", "%s%n", "-x", "x" * 256)
        ),
    ],
)
def test_names_of_appliances_are_taken_where_they_may_send_s9(
    argument: str, name: str | None
) -> None:
    if name is None:
        with pytest.raises(RefusedError):
            parse_client_name(argument, is_lenient=True)
    else:
        assert parse_client_name(argument, is_lenient=True) == name


@given(st.text(max_size=300))
def test_no_name_gets_into_a_field_or_a_log_as_it_came_s9(argument: str) -> None:
    try:
        name = parse_client_name(argument, is_lenient=True)
    except RefusedError:
        return
    assert re.fullmatch(r"[A-Za-z0-9._:?\[\]-]{1,262}", name)


@given(st.binary(max_size=60))
def test_any_octets_are_a_command_or_refused(line: bytes) -> None:
    try:
        command = parse_command(line)
    except (RefusedError, NotSmtpError):
        return
    assert command.argument.isprintable()  # S8
