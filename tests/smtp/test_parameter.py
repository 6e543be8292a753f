"""Mirrors angarium/smtp/parameter.py and xtext.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.envelope import Notify
from angarium.smtp.parameter import parse_mail_parameters, parse_recipient_parameters
from angarium.smtp.refusal import RefusedError


def test_parameters_of_mail_are_parsed() -> None:
    found = parse_mail_parameters(
        "SIZE=1024 body=8bitmime SMTPUTF8 RET=hdrs ENVID=QQ314159+2B AUTH=<>".replace(
            "<>", "+3C+3E"
        )
    )
    assert found.size == 1024
    assert found.body == "8BITMIME"
    assert found.smtputf8
    assert found.ret == "HDRS"
    assert found.envid == "QQ314159+"
    assert found.auth == "<>"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("NOTIFY=NEVER", Notify.NEVER),
        ("NOTIFY=success,FAILURE", Notify.SUCCESS | Notify.FAILURE),
        ("NOTIFY=DELAY,DELAY", Notify.DELAY),
    ],
)
def test_notify_is_parsed(text: str, flags: Notify) -> None:
    assert parse_recipient_parameters(text).notify == flags


@pytest.mark.parametrize(
    ("text", "orcpt"),
    [
        ("ORCPT=rfc822;a@example.com", "rfc822;a@example.com"),
        ("ORCPT=rfc822;a+2Bb@example.com", "rfc822;a+b@example.com"),
        ("ORCPT=rfc822;a+20b@example.com", "rfc822;a b@example.com"),
        ("ORCPT=utf-8;\\x{FC}@example.com", "utf-8;\\x{FC}@example.com"),
        ("ORCPT=utf-8;ü@example.com", "utf-8;\\x{FC}@example.com"),
        ("ORCPT=rfc822;+C3+BC@example.com", "utf-8;\\x{FC}@example.com"),  # Postfix 3.7
        ("ORCPT=rfc822;+C3+BC+2B1@example.com", "utf-8;\\x{FC}\\x{2B}1@example.com"),
    ],
)
def test_orcpt_is_decoded(text: str, orcpt: str) -> None:
    assert parse_recipient_parameters(text).orcpt == orcpt


@pytest.mark.parametrize(
    "value", ["a+0D+0Ab", "a+00", "a+7F", "a+80", "a+0", "a+zz", "a+2b", "a=b"]
)
@pytest.mark.parametrize("name", ["ENVID", "ORCPT"])
def test_xtext_with_line_ends_or_worse_is_refused_s10(name: str, value: str) -> None:
    with pytest.raises(RefusedError) as caught:
        _ = (
            parse_mail_parameters(f"ENVID={value}")
            if name == "ENVID"
            else parse_recipient_parameters(f"ORCPT=rfc822;{value}")
        )
    assert (caught.value.refusal.code, caught.value.refusal.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize(
    "text",
    [
        *("SIZE=", "SIZE=-1", "SIZE=1e9", "SIZE=" + "1" * 21, "SIZE", "SIZE=١", "BODY=BINARYMIME"),
        *(
            "BODY",
            "SMTPUTF8=1",
            "RET=NONE",
            "ENVID=",
            "ENVID=" + "x" * 101,
            "AUTH=",
            "SIZE=1 size=2",
            "BODY=8BıTMIME",
            "RET=HDRſ",
        ),
    ],
)
def test_bad_parameters_of_mail_are_refused_s10(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_mail_parameters(text)
    assert (caught.value.refusal.code, caught.value.refusal.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "NOTIFY=",
            "NOTIFY=NEVER,DELAY",
            "NOTIFY=ALWAYS",
            "NOTIFY=DELAY,",
            "ORCPT=a@b",
            "ORCPT=;a",
        ),
        *(
            "ORCPT=rfc822;",
            "ORCPT=rfc822;" + "x" * 500,
            "ORCPT=rfc822;ü",
            "ORCPT=rfc822;+FC@example.com",  # no UTF-8
            "ORCPT=rfc822;+C3+BC+0D+0A@example.com",
            "ORCPT=rfc822;+C2+85@example.com",  # a control character
            "NOTIFY=DELAY NOTIFY=DELAY",
            "NOTIFY=ſUCCESS",
        ),
    ],
)
def test_bad_parameters_of_rcpt_are_refused_s10(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_recipient_parameters(text)
    assert (caught.value.refusal.code, caught.value.refusal.enhanced) == (501, "5.5.4")


@pytest.mark.parametrize(
    "text", ["X=1", "ſIZE=1", "BY=1", "XCLIENT", "NOTIFY=NEVER", "=1", "SIZE:1"]
)
def test_an_unknown_parameter_is_555_s10(text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_mail_parameters(text)
    assert (caught.value.refusal.code, caught.value.refusal.enhanced) == (555, "5.5.4")


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_reaches_a_header_is_printable_ascii_s10(value: str) -> None:
    for text in (f"ENVID={value}", f"AUTH={value}"):
        try:
            found = parse_mail_parameters(text)
        except RefusedError:
            continue
        for decoded in (found.envid, found.auth):
            assert decoded is None or (decoded.isascii() and decoded.isprintable())
    try:
        orcpt = parse_recipient_parameters(f"ORCPT=utf-8;{value}").orcpt
    except RefusedError:
        return
    assert orcpt is not None
    assert orcpt.isascii()
    assert orcpt.isprintable()
