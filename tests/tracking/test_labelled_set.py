"""The labelled set: what it is made of, and how well machines are told from people in it (docs/tracking.md)."""

import ipaddress
import json

import pytest

from bench.tracking_set import FILE, Told, by_client, confusion, judge_set, read_set
from tests.tracking.labelled_making import copies

DOCUMENTATION = tuple(
    map(
        ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    )
)
# Whose addresses a person may have: a cloud's desktops, Apple's relays, and whoever fetches pictures for its readers
LENDERS = (
    "desktop",
    "remote_desktop",
    "apple_with",
    "gmail",
    "yahoo",
    "seznam",
    "mail_ru",
    "android",
)


@pytest.fixture(scope="module")
def told() -> list[Told]:
    return judge_set(read_set())


def test_the_set_is_what_its_maker_writes() -> None:
    assert [json.loads(line) for line in FILE.read_text().splitlines()] == list(copies())


def test_the_set_is_large_and_names_no_person() -> None:
    found = read_set()
    assert len(found) >= 300
    for copy in found:
        for each in copy.fetches:
            is_documented = any(ipaddress.ip_address(each.address) in net for net in DOCUMENTATION)
            assert is_documented or each.by == "machine" or copy.client.startswith(LENDERS), copy


def test_no_program_is_in_both_parts() -> None:
    found = read_set()
    parts = {
        part: {each.client for each in found if each.part == part}
        for part in ("tuning", "held-out")
    }
    assert not parts["tuning"] & parts["held-out"]
    assert all(len(each) >= 20 for each in parts.values())


@pytest.mark.parametrize(
    ("part", "precision", "recall"), [("tuning", 0.93, 0.94), ("held-out", 0.94, 0.92)]
)
def test_most_machines_are_found_and_few_people_wronged(
    told: list[Told], part: str, precision: float, recall: float
) -> None:
    found = confusion([each for each in told if each.part == part])
    assert found.precision >= precision
    assert found.recall >= recall


def test_nobody_is_wronged_but_those_who_behave_like_programs(told: list[Told]) -> None:
    wronged = {name for name, each in by_client(told).items() if each.wronged}
    assert wronged == {"four_tabs", "reader_with_a_terminal", "plug_in_on_the_readers_machine"}
