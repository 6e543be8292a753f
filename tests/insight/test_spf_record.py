"""Mirrors angarium/insight/spf_record.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.insight.spf_record import (
    MacroValues,
    SpfRecord,
    SpfSyntaxError,
    expanded,
    parse_record,
    select_record,
)


@pytest.mark.parametrize(
    ("texts", "record"),
    [
        ([b"v=spf1 -all"], "v=spf1 -all"),
        ([b"V=SPF1 -all", b"other"], "V=SPF1 -all"),
        ([b"v=spf1"], "v=spf1"),
        ([b"v=spf10 -all", b"v=spf1-all", b"spf2.0/pra"], None),
        ([], None),
    ],
)
def test_the_record_is_told_from_other_texts(texts: list[bytes], record: str | None) -> None:
    assert select_record(texts) == record


@pytest.mark.parametrize("texts", [[b"v=spf1 -all", b"v=spf1 +all"], [b"v=spf1 a:\xff.test"]])
def test_several_records_are_none(texts: list[bytes]) -> None:
    with pytest.raises(SpfSyntaxError):
        select_record(texts)


def test_a_record_is_read() -> None:
    record = parse_record(
        "v=spf1  ip4:192.0.2.0/24 -IP6:2001:db8::/32 ~a:x.test/24//64 ?mx/28 include:_spf.%{d2}"
        " exists:%{ir}.%{v}.x.test ptr redirect=y.test exp=e.test other=%{s} -all"
    )
    assert [(each.kind, each.result) for each in record.mechanisms] == [
        ("ip4", "pass"),
        ("ip6", "fail"),
        ("a", "softfail"),
        ("mx", "neutral"),
        ("include", "pass"),
        ("exists", "pass"),
        ("ptr", "pass"),
        ("all", "fail"),
    ]
    a, mx = record.mechanisms[2:4]
    assert (a.domain, a.prefix4, a.prefix6) == ("x.test", 24, 64)
    assert (mx.domain, mx.prefix4, mx.prefix6) == ("", 28, 128)
    assert record.mechanisms[0].network == "192.0.2.0/24"
    assert record.redirect == "y.test"


@pytest.mark.parametrize(
    "terms",
    [
        *("foo", "all:x.test", "all/8", "include", "include:", "include:x.test/24", "exists"),
        *("ip4:192.0.2", "ip4:192.0.2.1/33", "ip4:192.0.2.1/", "ip4", "ip4:2001:db8::1"),
        *("ip6:192.0.2.1", "ip6:2001:db8::/129", "a/33", "a//129", "a/", "a:", "a:x.test/08"),
        *("mx:localhost", "a:127.0.0.1", "redirect=a.test redirect=b.test", "redirect="),
        *("a:%{x}.test", "a:%{d0}", "a:%d.test", "a:100%.test", "exists:%{c}.test", "exists:%{d"),
        *("-all a:\x07.test", "=x", "ip4=192.0.2.1 %", "unknown=%{z}"),
    ],
)
def test_what_is_no_record_is_refused(terms: str) -> None:
    with pytest.raises(SpfSyntaxError):
        parse_record(f"v=spf1 {terms} -all")


VALUES = MacroValues(
    address="192.0.2.3",
    domain="email.example.com",
    sender="strong-bad@email.example.com",
    helo="mx.example.org",
)


@pytest.mark.parametrize(
    ("text", "domain"),
    [  # of RFC 7208 section 7.4
        ("%{s}.x", "strong-bad@email.example.com.x"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}.x", "strong-bad.x"),
        ("%{l-}.x", "strong.bad.x"),
        ("%{lr}.x", "strong-bad.x"),
        ("%{lr-}.x", "bad.strong.x"),
        ("%{l1r-}.x", "strong.x"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{h}", "mx.example.org"),
        ("%{p}.x", "unknown.x"),
        ("a%%b%_c%-d.x", "a%b c%20d.x"),
        ("%{S}", "strong-bad%40email.example.com"),
    ],
)
def test_macros_are_those_of_the_rfc(text: str, domain: str) -> None:
    assert expanded(text, VALUES) == domain


def test_an_ipv6_address_is_its_digits() -> None:
    values = MacroValues(address="2001:db8::cb01", domain="d.test", sender="a@d.test", helo="h")
    digits = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert expanded("%{ir}.%{v}.x", values) == f"{digits}.ip6.x"


def test_a_long_name_loses_labels_on_the_left() -> None:
    name = expanded(".".join(["%{d}"] * 30), VALUES)
    assert len(name) <= 253
    assert name.endswith(".email.example.com")


@given(st.text(alphabet="v=spf1 +-~?alincudexmptr46:/.%{}dr0129_", max_size=60))
def test_any_text_is_a_record_or_a_syntax_error(text: str) -> None:
    try:
        record = parse_record(f"v=spf1 {text}")
    except SpfSyntaxError:
        record = SpfRecord((), None)
    for each in record.mechanisms:
        assert len(expanded(each.domain, VALUES)) <= 253
