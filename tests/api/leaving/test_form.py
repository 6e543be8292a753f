"""Mirrors angarium/api/leaving/form.py."""

import pytest

from angarium.api.leaving.form import (
    URLENCODED,
    Leave,
    LeaveAll,
    OneClick,
    Posted,
    Rejoin,
    Save,
    Unreadable,
    read_form,
)

PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (URLENCODED, b"List-Unsubscribe=One-Click"),
        (URLENCODED, b"List-Unsubscribe=One-Click\r\n"),
        ("multipart/form-data", PARTS),
        ("application/octet-stream", b""),
        (URLENCODED, b""),
        ("text/plain", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data", b"--cut off"),
    ],
    ids=["urlencoded", "line-end", "form-data", "nothing", "empty", "plain", "cut-off"],
)
def test_what_mail_programs_post_is_one_click(content_type: str, body: bytes) -> None:
    """RFC 8058 section 3.2"""
    assert read_form("u", content_type, body) == OneClick()


@pytest.mark.parametrize(
    ("kind", "body", "posted"),
    [
        ("u", b"do=leave", Leave()),
        ("u", b"do=rejoin", Rejoin()),
        ("p", b"do=leave-all&shown=tenant%3Aa%2Ftopic%3Ab", LeaveAll(("tenant:a/topic:b",))),
        ("p", b"shown=a&shown=b&keep=b&do=save", Save(("a", "b"), frozenset({"b"}))),
        ("p", b"do=save", Save((), frozenset())),
        ("u", b"do=save", Unreadable()),
        ("u", b"do=leave&do=rejoin", Unreadable()),
        ("u", b"do=", Unreadable()),
        ("u", b"do=leave\xff", Unreadable()),
        ("u", b"a=b&" * 1001, Unreadable()),
        ("p", b"List-Unsubscribe=One-Click", Unreadable()),
        ("p", b"", Unreadable()),
    ],
    ids=lambda each: repr(each)[:40],
)
def test_our_own_forms_say_what_to_do(kind: str, body: bytes, posted: Posted) -> None:
    assert read_form(kind, URLENCODED, body) == posted  # type: ignore[arg-type]
