"""Mirrors angarium/smtp/server/proxy_protocol.py."""

import contextlib
import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.server.proxy_protocol import (
    V2_OCTETS,
    NeedMore,
    ProxyHeader,
    ProxyHeaderError,
    parse,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = struct.pack("!4s4sHH", b"\xc0\x00\x02\x01", b"\xc6\x33\x64\x01", 56324, 25)
V6 = struct.pack(
    "!16s16sHH", ipaddress.ip_address("2001:db8::1").packed, b"\0" * 15 + b"\1", 1, 65535
)


def v2(body: bytes, *, command: int = 0x21, family: int = 0x11, length: int | None = None) -> bytes:
    return (
        SIGNATURE
        + struct.pack("!BBH", command, family, len(body) if length is None else length)
        + body
    )


def header(
    source: str = "", sport: int = 0, destination: str = "", dport: int = 0, *, used: int
) -> ProxyHeader:
    return ProxyHeader(
        source=source,
        source_port=sport,
        destination=destination,
        destination_port=dport,
        octets_used=used,
    )


GOOD = [
    # The examples of section 2.1, with their worst cases.
    (
        b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        header("255.255.255.255", 65535, "255.255.255.255", 65535, used=56),
    ),
    (
        b"PROXY TCP6 " + b":".join([b"ffff"] * 8) + b" ::1 65535 0\r\n",
        header("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "::1", 0, used=64),
    ),
    (b"PROXY UNKNOWN\r\n", header(used=15)),
    (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", header(used=107)),
    (
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        header("192.168.0.1", 56324, "192.168.0.11", 443, used=47),
    ),
    (v2(V4), header("192.0.2.1", 56324, "198.51.100.1", 25, used=28)),
    (v2(V6, family=0x21), header("2001:db8::1", 1, "::1", 65535, used=52)),
    (v2(V4 + b"\x04\x00\x03abc"), header("192.0.2.1", 56324, "198.51.100.1", 25, used=34)),  # a TLV
    (v2(b"", command=0x20, family=0), header(used=16)),  # LOCAL
    (v2(V4, command=0x20), header(used=28)),
    (v2(b"x" * 7, family=0), header(used=23)),  # AF_UNSPEC
    (v2(b"x" * 216, family=0x31), header(used=232)),  # AF_UNIX
    (v2(V4, family=0x12), header(used=28)),  # a datagram
    (v2(b"x" * (V2_OCTETS - 16), family=0), header(used=V2_OCTETS)),
]


@pytest.mark.parametrize(("octets", "expected"), GOOD)
@pytest.mark.parametrize("rest", [b"", b"EHLO x\r\n", b"PROXY UNKNOWN\r\n"])
def test_a_header_is_read_and_what_follows_is_the_clients(
    octets: bytes, expected: ProxyHeader, rest: bytes
) -> None:
    assert parse(octets + rest) == expected


@pytest.mark.parametrize("octets", [octets for octets, _ in GOOD])
def test_each_shorter_piece_needs_more(octets: bytes) -> None:
    for end in range(len(octets)):
        assert parse(octets[:end]) == NeedMore(), end


@pytest.mark.parametrize(
    "octets",
    [
        *(
            b"EHLO x\r\n",
            b"proxy UNKNOWN\r\n",
            b"PROXY\r\n",
            b"PROXYX",
            b"\r\n\r\nX",
            b"\x16\x03\x01",
        ),
        *(b"PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n", b"PROXY  UNKNOWN\r\n", b"PROXY \r\n"),
        *(b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n"),
        *(b"PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n"),
        *(b"PROXY TCP4 ::1 ::1 1 1\r\n", b"PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n"),
        *(b"PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n", b"PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n"),
        *(b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n"),
        *(b"PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", b"PROXY TCP4 1.2.3.4 1.2.3.4 1_0 1\r\n"),
        *(b"PROXY TCP4 1.2.3.4 1.2.3.4 \xb2 1\r\n", b"PROXY TCP4 1.2.3.4\n1.2.3.4 1 1\r\n"),
        b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
        b"PROXY TCP4 " + b"1" * 1000,
        *(v2(V4, command=0x11), v2(V4, command=0x22), v2(V4, family=0x41), v2(V4, family=0x13)),
        *(v2(V4[:-1]), v2(V4, family=0x21), v2(b"", length=0xFFFF), v2(b"x" * 215, family=0x31)),
        SIGNATURE + b"\x31",
    ],
)
def test_s12_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        parse(octets)


@given(st.ip_addresses(), st.integers(0, 65535), st.binary(max_size=50), st.binary(max_size=50))
def test_what_a_proxy_writes_is_read(
    source: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, tlvs: bytes, rest: bytes
) -> None:
    text = f"PROXY TCP{source.version} {source} {source} {port} {port}\r\n".encode()
    assert parse(text + rest) == header(str(source), port, str(source), port, used=len(text))
    body = source.packed * 2 + struct.pack("!HH", port, port) + tlvs
    binary = v2(body, family=0x11 if source.version == 4 else 0x21)
    assert parse(binary + rest) == header(str(source), port, str(source), port, used=len(binary))


@given(
    st.one_of(
        st.binary(),
        st.binary().map(lambda b: SIGNATURE + b),
        st.binary().map(lambda b: b"PROXY " + b),
    )
)
def test_random_octets_are_read_or_refused_and_never_over_read(octets: bytes) -> None:
    with contextlib.suppress(ProxyHeaderError):
        found = parse(octets)
        if isinstance(found, ProxyHeader):
            assert found.octets_used <= len(octets)
            assert parse(octets[: found.octets_used]) == found
        else:
            assert len(octets) < V2_OCTETS
