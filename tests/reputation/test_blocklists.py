"""Mirrors angarium/reputation/blocklists.py and angarium/config/blocklists.py."""

import pytest

from angarium.config.blocklists import all_zones, shipped_zones
from angarium.config.schema import Blocklists, BlocklistZone
from angarium.queue import UnixMs
from angarium.reputation.blocklists import (
    Clear,
    Listed,
    Listing,
    NotAnswered,
    Reading,
    asks_of,
    keepsake_of,
    query_name,
    read_answer,
    read_kept,
    unlisted_name,
)

ZONES = {each.name: each for each in all_zones(Blocklists())}
ZEN, DBL, SURBL = (
    ZONES[each] for each in ("zen.spamhaus.org", "dbl.spamhaus.org", "multi.surbl.org")
)
COP = ZONES["bl.spamcop.net"]


@pytest.mark.parametrize(
    ("zone", "address", "name", "unlisted"),
    [
        (ZEN, "192.0.2.99", "99.2.0.192.zen.spamhaus.org", "1.0.0.127.zen.spamhaus.org"),
        (
            ZEN,
            "2001:db8:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.zen.spamhaus.org",
            "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.zen.spamhaus.org",
        ),
        (DBL, "example.com", "example.com.dbl.spamhaus.org", "invalid.dbl.spamhaus.org"),
    ],
)
def test_names_are_asked_as_rfc_5782_has_them(
    zone: BlocklistZone, address: str, name: str, unlisted: str
) -> None:
    assert query_name(zone, address) == name
    assert unlisted_name(zone, address) == unlisted


def test_each_zone_is_asked_for_what_it_has() -> None:
    asked = {
        address: [each.name for each in (ZEN, COP, DBL) if asks_of(each, address)]
        for address in ("192.0.2.1", "2001:db8::1", "example.com")
    }
    assert asked == {
        "192.0.2.1": ["zen.spamhaus.org", "bl.spamcop.net"],
        "2001:db8::1": ["zen.spamhaus.org"],
        "example.com": ["dbl.spamhaus.org"],
    }


@pytest.mark.parametrize(
    ("zone", "answer", "expected"),
    [
        (ZEN, [], Clear()),
        (ZEN, ["127.0.0.2"], Listed(codes=("127.0.0.2",), meaning="sends spam (SBL)")),
        (
            ZEN,
            ["127.0.0.10", "127.0.0.3"],
            Listed(
                codes=("127.0.0.3", "127.0.0.10"),
                meaning="sends spam, found automatically (CSS); its network says that it should"
                " send no mail by itself (PBL): have it taken off there",
            ),
        ),
        (ZEN, ["127.0.0.77"], Listed(codes=("127.0.0.77",), meaning="it answers 127.0.0.77")),
        (
            SURBL,
            ["127.0.0.80"],
            Listed(codes=("127.0.0.80",), meaning="malware; in the links of spam"),
        ),
    ],
)
def test_answers_are_read_by_the_zone(
    zone: BlocklistZone, answer: list[str], expected: Reading
) -> None:
    assert read_answer(zone, answer) == expected


@pytest.mark.parametrize(
    ("zone", "answer"),
    [
        (ZEN, ["127.255.255.254"]),  # by a public resolver
        (ZEN, ["127.255.255.252"]),  # misspelt
        (COP, ["127.255.255.255"]),  # too many questions
        (SURBL, ["127.0.0.1"]),
        (DBL, ["127.0.1.255"]),
        (COP, ["198.51.100.7"]),  # the zone's domain was sold
        (COP, ["127.0.0.2", "198.51.100.7"]),
    ],
)
def test_what_is_no_listing_is_none(zone: BlocklistZone, answer: list[str]) -> None:
    assert isinstance(read_answer(zone, answer), NotAnswered)


def test_what_is_shipped_can_be_changed_left_out_or_added_to() -> None:
    own = BlocklistZone(name="own.example", kind="domain")
    heavier = BlocklistZone(name="bl.spamcop.net", weight=99)
    settings = Blocklists(zone=(own, heavier), without=("multi.uribl.com",))
    found = {each.name: each for each in all_zones(settings)}
    assert found.keys() == shipped_zones().keys() - {"multi.uribl.com"} | {"own.example"}
    assert found["bl.spamcop.net"].weight == 99
    assert all_zones(Blocklists(shipped=False, zone=(own,))) == (own,)
    assert not {"dnsbl.sorbs.net", "ix.dnsbl.manitu.net"} & shipped_zones().keys()


def test_a_listing_is_kept_as_it_is() -> None:
    listing = Listing(
        zone="zen.spamhaus.org",
        address="192.0.2.1",
        codes=("127.0.0.2",),
        meaning="sends spam",
        since=UnixMs(7),
        text="https://check.spamhaus.org/",
    )
    octets = keepsake_of(listing)
    assert read_kept(octets) == listing
    for damaged in (b"", b"\x02" + octets[1:], octets[:-1]):
        assert read_kept(damaged) is None
