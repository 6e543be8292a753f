"""Mirrors angarium/smtp/client/auth.py."""

import base64

import pytest

from angarium.smtp.client.auth import (
    CANCEL,
    MAX_CHALLENGES,
    AuthExchange,
    LogIn,
    known_mechanisms,
)
from angarium.smtp.reply import Reply

JOE = LogIn(user="joe", password="sécret")


def challenge(text: bytes = b"") -> Reply:
    return Reply(334, (text,))


def plain(line: bytes) -> bytes:
    assert line.endswith(b"\r\n")
    return base64.b64decode(line, validate=False)


def test_plain_goes_with_its_command_and_again_where_that_is_not_taken() -> None:
    exchange = AuthExchange("PLAIN", JOE)
    command = exchange.command()
    assert command.startswith(b"AUTH PLAIN ")
    expected = b"\0joe\0" + "sécret".encode()
    assert plain(command.removeprefix(b"AUTH PLAIN ")) == expected
    assert plain(exchange.response(challenge())) == expected


def test_login_answers_in_its_order_whatever_it_is_asked() -> None:
    exchange = AuthExchange("LOGIN", JOE)
    assert exchange.command() == b"AUTH LOGIN\r\n"
    assert plain(exchange.response(challenge(b"VXNlcm5hbWU6"))) == b"joe"
    assert plain(exchange.response(challenge(b"what?"))) == "sécret".encode()


def test_a_challenge_is_answered_as_its_rfc_has_it() -> None:
    # RFC 2195 section 2
    exchange = AuthExchange("CRAM-MD5", LogIn(user="tim", password="tanstaaftanstaaf"))
    assert exchange.command() == b"AUTH CRAM-MD5\r\n"
    asked = base64.b64encode(b"<1896.697170952@postoffice.reston.mci.net>")
    answer = plain(exchange.response(challenge(asked)))
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_a_challenge_that_is_none_is_not_answered() -> None:
    assert AuthExchange("CRAM-MD5", JOE).response(challenge(b"%%%")) == CANCEL


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_challenges_without_end_are_not_answered(mechanism: str) -> None:
    exchange = AuthExchange(mechanism, JOE)
    for _ in range(MAX_CHALLENGES):
        assert exchange.response(challenge()) != CANCEL
    assert exchange.response(challenge()) == CANCEL


def test_only_what_is_offered_and_known_is_tried() -> None:
    assert known_mechanisms(("XOAUTH2", "LOGIN", "PLAIN")) == ["PLAIN", "LOGIN"]
    assert known_mechanisms(()) == []


def test_a_password_is_never_shown() -> None:
    assert "cret" not in repr(JOE)
