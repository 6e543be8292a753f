"""What a DNS blocklist is asked of an address or a domain, and what its answers mean (RFC 5782). Pure."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final

import msgspec

from angarium.config.schema import BlocklistZone
from angarium.queue.model import UnixMs

# RFC 5782 section 2.1: a listing's answer is in there. Anything else is no blocklist's: its domain was sold, or a
# resolver on the way answers what does not exist
_LISTED: Final = ip_network("127.0.0.0/8")
# What several lists answer to whom they do not serve: public resolvers, those who ask too much, misspelt names
_REFUSED: Final = ip_network("127.255.255.0/24")
# RFC 5782 section 5: never listed, or the list lists everything
_UNLISTED_V4: Final = "127.0.0.1"
_UNLISTED_V6: Final = "::ffff:7f00:1"
_UNLISTED_DOMAIN: Final = "invalid"
# Ours, of one answer
TEXT_CHARACTERS: Final = 300
PREFIX: Final = "blocklists/"
_VERSION: Final = b"\x01"


class Listing(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A zone has it. On disk as it stands: fields are only ever appended."""

    zone: str
    address: str  # or the domain
    codes: tuple[str, ...]  # the answer, "127.0.0.2"
    meaning: str  # in words
    since: UnixMs  # when we first saw it
    text: str = ""  # what the zone says of it


class Clear(msgspec.Struct, frozen=True):
    """The zone does not have it."""


class NotAnswered(msgspec.Struct, frozen=True):
    """Nothing is known: neither that it is listed, nor that it is not."""

    why: str
    # the zone does not serve us, or is no more: that will not pass by itself
    is_refusal: bool = False


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    codes: tuple[str, ...]
    meaning: str


Reading = Clear | NotAnswered | Listed


def asks_of(zone: BlocklistZone, address: str) -> bool:
    """Whether the zone has something like it: ``address`` is an IP address, or a domain."""
    try:
        version = ip_address(address).version
    except ValueError:
        return zone.kind == "domain"
    return zone.kind == "address" and (version == 4 or zone.ipv6)


def query_name(zone: BlocklistZone, address: str) -> str:
    """Return what is looked up (RFC 5782 sections 2.1, 2.4 and 3.1)."""
    try:
        ip = ip_address(address)
    except ValueError:
        return f"{address}.{zone.name}"
    reverse = ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    return f"{reverse}.{zone.name}"


def unlisted_name(zone: BlocklistZone, address: str) -> str:
    """Return what no such zone has (RFC 5782 section 5): asked before a listing is believed."""
    if zone.kind == "domain":
        return query_name(zone, _UNLISTED_DOMAIN)
    return query_name(zone, _UNLISTED_V6 if ":" in address else _UNLISTED_V4)


def read_answer(zone: BlocklistZone, addresses: Sequence[str]) -> Reading:
    """Return what a zone's answer means; no ``addresses``: it has none."""
    if not addresses:
        return Clear()
    codes = tuple(sorted(addresses, key=lambda each: int(ip_address(each))))
    if any(ip_address(each) not in _LISTED for each in codes):
        return NotAnswered(
            f"{zone.name} answers {', '.join(codes)}, which is no blocklist's answer: it is no more, or a resolver on"
            " the way makes answers up",
            is_refusal=True,
        )
    for each in codes:
        if ip_address(each) in _REFUSED or each in zone.refusals:
            return NotAnswered(
                f"{zone.name} answers {each}: it does not serve our resolver; use one of your own that nobody shares,"
                " or the zone of your account there",
                is_refusal=True,
            )
    return Listed(codes=codes, meaning=_meaning(zone, codes))


def _meaning(zone: BlocklistZone, codes: Sequence[str]) -> str:
    known = [each.partition(": ") for each in zone.meanings]
    found = [
        meaning
        for code, _, meaning in known
        if code in codes or (code.startswith("+") and any(_has_bit(each, code) for each in codes))
    ]
    return "; ".join(dict.fromkeys(found)) or f"it answers {', '.join(codes)}"


def _has_bit(code: str, bit: str) -> bool:
    return bool(int(code.rpartition(".")[2]) & int(bit[1:]))


def keepsake_name(zone: str, address: str) -> str:
    return f"{PREFIX}{zone}/{address}"


def keepsake_of(listing: Listing) -> bytes:
    return _VERSION + msgspec.msgpack.encode(listing)


def read_kept(octets: bytes) -> Listing | None:
    """None: of another version, or damaged."""
    if octets[:1] != _VERSION:
        return None
    try:
        return msgspec.msgpack.decode(octets[1:], type=Listing)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
