"""Mirrors angarium/tracking/visitor.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.tracking.visitor import network_of, reduced_agent, veiled
from tests.tracking.labelled_making import ANDROID, APPLE_MAIL, CHROME, EDGE, GMAIL, OUTLOOK, SAFARI


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("::ffff:192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_of_an_address_the_last_part_is_not_kept(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("agent", "reduced"),
    [
        (CHROME.format("126.0.6478.61"), "Chrome 126, Windows"),
        (EDGE.format("126.0.0.0"), "Edge 126, Windows"),
        (ANDROID, "Chrome 126, Android"),
        (SAFARI, "Safari 17, iPhone"),
        (APPLE_MAIL, "Apple Mail, iPhone"),
        (GMAIL, "Gmail, Windows"),
        (OUTLOOK, "Outlook 16, Windows"),
        ("curl/8.5.0", "curl/8"),
        ("Mozilla/5.0", "Mozilla/5"),
        ("", ""),
        ("\x00\r\n", ""),
        ("Chrome/\u0661\u0662", "Chrome"),
        ("x" * 300, "x" * 40),
    ],
)
def test_of_a_user_agent_program_version_and_system_are_kept(agent: str, reduced: str) -> None:
    assert reduced_agent(agent) == reduced


@given(st.text(max_size=600))
def test_whatever_an_agent_is_what_is_kept_is_short_and_plain(agent: str) -> None:
    found = reduced_agent(agent)
    assert len(found) <= 80
    assert found.isascii()
    assert found.isprintable() or not found


def test_a_veiled_visitor_is_the_same_for_a_day_and_names_nobody() -> None:
    first = veiled("192.0.2.0", "Chrome 126", 20_000, b"s" * 32)
    assert first == veiled("192.0.2.0", "Chrome 126", 20_000, b"s" * 32)
    others = {
        veiled("198.51.100.0", "Chrome 126", 20_000, b"s" * 32),
        veiled("192.0.2.0", "Firefox 128", 20_000, b"s" * 32),
        veiled("192.0.2.0", "Chrome 126", 20_001, b"s" * 32),
        veiled("192.0.2.0", "Chrome 126", 20_000, b"t" * 32),
    }
    assert first not in others
    assert len(others) == 4
    assert "192" not in first
