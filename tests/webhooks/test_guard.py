"""Mirrors angarium/webhooks/guard.py (P1)."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.webhooks.guard import Guard, Target, UrlError

STRICT = Guard()
OPEN = Guard(["127.0.0.0/8", "10.1.0.0/16", "fd00:1::/32"])

INNER = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "100.64.0.1", "169.254.169.254", "192.0.0.8", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("192.88.99.1", "::1", "::", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001::1"),
    *("2001:db8::1", "100::1", "5f00::1", "3fff::1"),
]
PUBLIC = ["8.8.8.8", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "172.32.0.1"]


def target(url: str) -> Target:
    return Guard(allow_http=True).read_url(url)


NAMED = target("https://hooks.example.com/")


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_refused_in_every_form_wg1_p1(address: str) -> None:
    with pytest.raises(UrlError, match="not public"):
        STRICT.check(NAMED, address)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(UrlError, match="not public"):
        Guard(allow_http=True).read_url(f"https://{host}/")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_taken_p1(address: str) -> None:
    STRICT.check(NAMED, address)
    host = f"[{address}]" if ":" in address else address
    assert STRICT.read_url(f"https://{host}/").is_literal


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5", "64:ff9b::7f00:1"]
)
def test_what_the_operator_allows_is_taken_with_any_port_and_without_tls(address: str) -> None:
    OPEN.check(target("http://hooks.example.com:25/"), address)


def test_what_is_beside_the_allowed_networks_is_refused_p1() -> None:
    for address in ("10.2.0.1", "192.168.0.1", "::1"):
        with pytest.raises(UrlError, match="allow_networks"):
            OPEN.check(NAMED, address)


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1.", "1.2.3"),
        *("127.0.0.01", "[::1%25lo]", "[v1.x]", "a_b.example", "-a.example", "a..b", "", "%31"),
        *("foo.0x1", "xn--a b", "1%2e1.1.1"),
    ],
)
def test_a_host_in_another_notation_is_none_p1(host: str) -> None:
    with pytest.raises(UrlError):
        Guard(["0.0.0.0/0", "::/0"], allow_http=True).read_url(f"https://{host}/x")


def test_digits_of_other_scripts_are_read_as_what_they_stand_for_p1() -> None:
    with pytest.raises(UrlError):
        STRICT.read_url("https://①②⑦.0.0.1/")
    assert STRICT.read_url("https://bücher.example/").host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://hooks.example.com/", "https"),
        ("ftp://hooks.example.com/", "https"),
        ("file:///etc/passwd", "https"),
        ("gopher://hooks.example.com/", "https"),
        ("//hooks.example.com/", "https"),
        ("hooks.example.com", "https"),
        ("", "https"),
        ("https://hooks.example.com/\r\nX: y", "control"),
        ("https://hooks.example.com/a b", "blank"),
        ("https://hooks.example.com\\@127.0.0.1/", "backslash"),
        ("https://hooks.example.com/#x", "fragment"),
        ("https://hooks.example.com:0/", "port 0"),
        ("https://hooks.example.com:65536/", "no URL"),
        ("https://hooks.example.com:https/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://localhost/", "not public"),
        ("https://x.localhost:8443/", "not public"),
    ],
)
def test_a_url_that_cannot_be_is_refused_and_says_why_p1(url: str, problem: str) -> None:
    with pytest.raises(UrlError, match=problem):
        STRICT.read_url(url)


@pytest.mark.parametrize("port", [22, 25, 587, 1])
def test_a_port_of_another_service_is_refused_p1(port: int) -> None:
    with pytest.raises(UrlError, match=f"port {port} "):
        STRICT.check(target(f"https://hooks.example.com:{port}/"), "8.8.8.8")
    STRICT.check(target("https://hooks.example.com:8443/"), "8.8.8.8")


def test_without_tls_only_where_the_operator_says_so_p1() -> None:
    url = "http://hooks.example.com/"
    OPEN.read_url(url)  # may be inside
    with pytest.raises(UrlError, match="https"):
        OPEN.check(target(url), "8.8.8.8")
    Guard(allow_http=True).check(target(url), "8.8.8.8")
    with pytest.raises(UrlError, match="not public"):
        Guard(allow_http=True).check(target(url), "127.0.0.1")


def test_a_url_is_taken_apart_as_it_is_requested() -> None:
    found = OPEN.read_url("https://us%3Aer:p%40ss@Hooks.Example.com./a%20b/ü?q=1&r=ä")
    assert found.url == "https://hooks.example.com:443/a%20b/%C3%BC?q=1&r=%C3%A4"
    assert found.authorization == "Basic dXM6ZXI6cEBzcw=="
    assert OPEN.read_url("http://127.0.0.1:8000").url == "http://127.0.0.1:8000/"
    assert STRICT.read_url("https://[2a00:1450::0:1]/").url == "https://[2a00:1450::1]:443/"


@given(st.text(max_size=60))
@example("//[")
@example("//[::1]x@/")
@example("//a:b:c/")
@example("//\u2100.example/")
@example("//xn--\u00df.example/")
def test_whatever_is_asked_for_is_read_or_refused(rest: str) -> None:
    for guard in (STRICT, Guard(["0.0.0.0/0", "::/0"], allow_http=True)):
        with contextlib.suppress(UrlError):
            found = guard.read_url(f"https:{rest}")
            assert found.url.isascii()
            assert found.host
        with contextlib.suppress(UrlError):
            guard.read_url(rest)
