"""Mirrors angarium/smtp/address.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.address import (
    AddressSyntaxError,
    is_address_literal,
    is_routed,
    parse_domain,
    parse_mailbox,
    split_path,
)
from angarium.smtp.refusal import RefusedError


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        ("a@example.com", "a", "example.com"),
        ("First.Last+tag@Example.COM", "First.Last+tag", "example.com"),
        ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~", "example.com"),
        ('"a b"@example.com', '"a b"', "example.com"),
        ('"a\\"b\\\\c"@example.com', '"a\\"b\\\\c"', "example.com"),
        ('"a@b"@example.com', '"a@b"', "example.com"),
        ('"<>"@example.com', '"<>"', "example.com"),
        ('""@example.com', '""', "example.com"),
        ("a@localhost", "a", "localhost"),
        ("a@x--y.example", "a", "x--y.example"),
        ("a@1and1.example", "a", "1and1.example"),
        ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
        ("a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"),
        ("ü@example.com", "ü", "example.com"),
        ("l" * 256 + "@example.com", "l" * 256, "example.com"),
        (
            "srs0=hh=tt=" + "l" * 200 + "@" + "d." * 120 + "example",
            "srs0=hh=tt=" + "l" * 200,
            "d." * 120 + "example",
        ),
        ("root@web_1.example", "root", "web_1.example"),
        ("root@_x_.example", "root", "_x_.example"),
        ("a@" + "d" * 63 + ".example", "a", "d" * 63 + ".example"),
    ],
)
def test_a_mailbox_is_parsed_and_written_back_as_it_came(
    text: str, local_part: str, domain: str
) -> None:
    address = parse_mailbox(text)
    assert (address.local_part, address.domain, address.text) == (local_part, domain, text)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("a@Bücher.example", "xn--bcher-kva.example"),
        ("a@faß.example", "xn--fa-hia.example"),  # UTS 46 without its transitional mapping
        ("a@例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("a@пример。испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),  # an ideographic full stop
    ],
)
def test_a_domain_becomes_a_labels_and_is_sent_as_such_a4(text: str, domain: str) -> None:
    address = parse_mailbox(text)
    assert address.domain == domain
    assert address.text == "a@" + domain


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "a", "a@", "@example.com:b", "a@b@c", "a b@example.com", "a@exa mple.com"),
        *(".a@example.com", "a.@example.com", "a..b@example.com", "a@example..com"),
        *("a@.example.com", "a@example.com.", "a@-example.com", "a@example-.com"),
        *("(c)a@example.com", "a(c)@example.com", "a@example.com(c)", "A <a@example.com>"),
        *('"a@example.com', 'a"b"@example.com', '"a""b"@example.com', '"a\\"@example.com'),
        *("a@1.2.3.4", "a@256", "a@[1.2.3]", "a@[1.2.3.4", "a@1.2.3.4]", "a@[]", "a@[example.com]"),
        *("a@[2001:db8::1]", "a@[IPv6:1.2.3.4]", "a@[IPv6:fe80::1%eth0]", "a@[256.1.1.1]"),
        *("l" * 257 + "@example.com", "a@" + "d" * 64 + ".example", "ü" * 129 + "@example.com"),
        *("a@" + "d." * 130 + "example", "a@b._.", "a@_-"),
        *("a@xn--\N{SNOWMAN}.example", "a@\N{SNOWMAN}.example", "a@\u0338mple.com"),
        *(
            "a@ex\u2100mple.com",
            "a@example\N{FULLWIDTH COLON}25",
            "a,b@example.com",
            "a;b@example.com",
        ),
    ],
)
def test_what_it_cannot_round_trip_is_refused_a3(text: str) -> None:
    with pytest.raises(AddressSyntaxError) as caught:
        parse_mailbox(text)
    assert caught.value.refusal.code in (501, 550)


@pytest.mark.parametrize(
    "character", ["\0", "\r", "\n", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u202e"]
)
@pytest.mark.parametrize("text", ["a{}b@example.com", '"a{}b"@example.com', "a@exa{}mple.com"])
def test_control_and_invisible_characters_are_refused_s8(text: str, character: str) -> None:
    with pytest.raises(AddressSyntaxError) as caught:
        parse_mailbox(text.format(character))
    assert (caught.value.refusal.code, caught.value.refusal.enhanced) == (501, "5.1.3")


@pytest.mark.parametrize("text", ["ü@example.com", "a@bücher.example", '"ü"@example.com'])
def test_utf8_without_smtputf8_is_553_a4(text: str) -> None:
    with pytest.raises(AddressSyntaxError) as caught:
        parse_mailbox(text, smtputf8=False)
    assert (caught.value.refusal.code, caught.value.refusal.enhanced) == (553, "5.6.7")


@pytest.mark.parametrize("text", ["@a,@b:c@d.example", "@relay.example:c@d.example"])
def test_a_source_route_is_refused_with_a_clear_reply_a1(text: str) -> None:
    with pytest.raises(AddressSyntaxError) as caught:
        parse_mailbox(text)
    assert (caught.value.refusal.code, caught.value.refusal.enhanced) == (550, "5.7.1")


@pytest.mark.parametrize(
    ("text", "routed"),
    [
        ("a%b.example@example.com", True),
        ("b.example!a@example.com", True),
        ('"a@b.example"@example.com', True),
        ('"a%b"@example.com', True),
        ("a+b=c@example.com", False),
    ],
)
def test_sender_specified_routing_is_recognised_a1(text: str, routed: bool) -> None:
    assert is_routed(parse_mailbox(text)) is routed


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("<a@b>", ("a@b", "")),
        ("<>", ("", "")),
        ("<a@b> SIZE=1", ("a@b", "SIZE=1")),
        ("<a@b>  SIZE=1  RET=FULL", ("a@b", "SIZE=1  RET=FULL")),
        ('<"a>b"@c> X', ('"a>b"@c', "X")),
        ('<"a\\">b"@c> X', ('"a\\">b"@c', "X")),
        ("a@b", ("a@b", "")),
        ("a@b SIZE=1", ("a@b", "SIZE=1")),
        ("<a@b.> SIZE=1", ("a@b", "SIZE=1")),
        ("a@b.", ("a@b", "")),
        ("<a@b..>", ("a@b.", "")),
        ("<a@[1.2.3.4].>", ("a@[1.2.3.4].", "")),
        ("<postmaster.>", ("postmaster.", "")),
    ],
)
def test_a_path_ends_at_its_own_bracket(argument: str, expected: tuple[str, str]) -> None:
    assert split_path(argument) == expected


@pytest.mark.parametrize(
    "argument",
    [
        *("", "a", "<a@b", "a@b>", "<a@b>SIZE=1", "<<a@b>>", "<a@b>>", '<"a@b>', "< <a@b>"),
        *('"a"@b', "a@b@c", "a@b>X", "@", "a@", "@b", "a b@c"),
    ],
)
def test_what_is_no_path_is_refused(argument: str) -> None:
    with pytest.raises(RefusedError):
        split_path(argument)


def test_only_the_case_of_the_domain_is_folded_a4() -> None:
    address = parse_mailbox("Straße.İ@EXAMPLE.com")
    assert address.local_part == "Straße.İ"
    assert address.domain == "example.com"


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_mailbox(text)
    except AddressSyntaxError as error:
        reply = error.refusal.text
        assert reply.isascii()
        assert reply.isprintable()
    else:
        assert parse_mailbox(address.text) == address  # A3
        assert address.text.isprintable()


@given(st.from_regex(r"[a-z0-9.!%@\"\\<>\[\]: -]{0,30}@[a-z0-9.\[\]:-]{0,30}", fullmatch=True))
def test_what_looks_like_an_address_round_trips_or_is_refused_a3(text: str) -> None:
    try:
        address = parse_mailbox(text)
    except AddressSyntaxError:
        return
    assert address.text == text
    assert text == f"{address.local_part}@{text.rpartition('@')[2]}"
    assert address.domain == parse_domain(address.domain)
    path, rest = split_path(f"<{text}> X=1")
    assert (path, rest) == (text, "X=1")


def test_a_long_line_of_any_character_is_refused_in_linear_time_c4() -> None:
    for character in ("a", " ", "<", '"', "\\", ".", "@", "a.", "a-"):
        text = character * 200_000
        with pytest.raises(RefusedError):
            parse_mailbox(text)
        with pytest.raises(RefusedError):
            split_path("<" + text)
    assert not is_address_literal("[" + "1." * 100_000 + "]")
