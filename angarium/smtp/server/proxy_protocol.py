"""The PROXY protocol, versions 1 and 2, as a server reads it (haproxy's proxy-protocol.txt). Sans-IO.

Only peers that are configured to speak it may be asked (S12): then the header comes first, before any octet of SMTP.
"""

import ipaddress
import struct
from typing import Final

import msgspec

V1_OCTETS: Final = 107  # section 2.1: the longest line, with its CRLF
# Ours: addresses take 36 at most, the rest are TLVs; the length field allows 65,535
V2_OCTETS: Final = 16 + 4096
_V1_START: Final = b"PROXY "
_V2_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_V2_FIXED: Final = 16
_INET: Final = 1
_INET6: Final = 2
_UNIX: Final = 3
_ADDRESS_OCTETS: Final = {_INET: 12, _INET6: 36, _UNIX: 216}


class ProxyHeaderError(Exception):
    """The octets are no PROXY header; the connection must be closed without an answer (section 2)."""


class ProxyHeader(msgspec.Struct, frozen=True, kw_only=True):
    """``source`` is "" when the proxy speaks for itself or does not know (LOCAL, UNKNOWN, AF_UNSPEC, AF_UNIX): the real
    peer's address counts then."""

    source: str = ""
    source_port: int = 0
    destination: str = ""
    destination_port: int = 0
    octets_used: int  # what follows belongs to the client


class NeedMore(msgspec.Struct, frozen=True):
    """The header is not complete; at most V2_OCTETS are ever asked for."""


def parse(octets: bytes) -> ProxyHeader | NeedMore:
    """Read the header at the start of what was received so far. Raises ProxyHeaderError as soon as it cannot be one."""
    if octets.startswith(_V2_SIGNATURE):
        return _parse_v2(octets)
    if octets.startswith(_V1_START):
        return _parse_v1(octets)
    if _V2_SIGNATURE.startswith(octets) or _V1_START.startswith(octets):
        return NeedMore()
    raise ProxyHeaderError("no PROXY header")


def _parse_v1(octets: bytes) -> ProxyHeader | NeedMore:
    end = octets.find(b"\r\n", 0, V1_OCTETS)
    if end < 0:
        if len(octets) >= V1_OCTETS:
            raise ProxyHeaderError(f"a line of more than {V1_OCTETS} octets")
        return NeedMore()
    parts = octets[:end].split(b" ")
    if parts[1] == b"UNKNOWN":  # section 2.1: whatever follows is to be ignored
        return ProxyHeader(octets_used=end + 2)
    if len(parts) != 6 or parts[1] not in (b"TCP4", b"TCP6"):
        raise ProxyHeaderError("not TCP4 or TCP6 with two addresses and two ports")
    version = 4 if parts[1] == b"TCP4" else 6
    return ProxyHeader(
        source=_v1_address(parts[2], version),
        destination=_v1_address(parts[3], version),
        source_port=_v1_port(parts[4]),
        destination_port=_v1_port(parts[5]),
        octets_used=end + 2,
    )


def _v1_address(octets: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(octets.decode("ascii"))
    except ValueError:  # UnicodeDecodeError included
        raise ProxyHeaderError("not an address") from None
    if address.version != version or b"%" in octets:
        raise ProxyHeaderError("not an address of its family")
    return str(address)


def _v1_port(octets: bytes) -> int:
    if not octets.isdigit() or len(octets) > 5 or (octets[:1] == b"0" and octets != b"0"):
        raise ProxyHeaderError("not a port")
    if (port := int(octets)) > 65535:
        raise ProxyHeaderError("not a port")
    return port


def _parse_v2(octets: bytes) -> ProxyHeader | NeedMore:
    if len(octets) < _V2_FIXED:
        if len(octets) > 12:
            _check_command(octets[12])
        return NeedMore()
    version_command, family_protocol, length = struct.unpack_from("!BBH", octets, 12)
    _check_command(version_command)
    end = _V2_FIXED + length
    if end > V2_OCTETS:
        raise ProxyHeaderError(f"more than {V2_OCTETS} octets")
    family, protocol = family_protocol >> 4, family_protocol & 0xF
    if family > _UNIX or protocol > 2:
        raise ProxyHeaderError("an address family or transport that does not exist")
    is_local = version_command & 0xF == 0
    if not is_local and length < _ADDRESS_OCTETS.get(family, 0):
        raise ProxyHeaderError("too short for its addresses")
    if len(octets) < end:
        return NeedMore()
    if is_local or family not in (_INET, _INET6) or protocol != 1:  # section 2.2: use the real one
        return ProxyHeader(octets_used=end)
    return _v2_addresses(octets, family, end)


def _check_command(version_command: int) -> None:
    if version_command not in (0x20, 0x21):  # LOCAL, PROXY; section 2.2: others must be dropped
        raise ProxyHeaderError("a version or command that does not exist")


def _v2_addresses(octets: bytes, family: int, end: int) -> ProxyHeader:
    size = 4 if family == _INET else 16
    source, destination, source_port, destination_port = struct.unpack_from(
        f"!{size}s{size}sHH", octets, _V2_FIXED
    )
    return ProxyHeader(
        source=str(ipaddress.ip_address(source)),
        destination=str(ipaddress.ip_address(destination)),
        source_port=source_port,
        destination_port=destination_port,
        octets_used=end,
    )
