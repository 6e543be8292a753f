"""Mirrors angarium/access/networks.py."""

import pytest

from angarium.access.networks import Networks


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.9", True),
        ("2001:db8::5", True),
        ("fe80::1%eth0", True),
        ("128.0.0.1", False),
        ("2001:db9::5", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_an_address_is_in_a_network_or_not(address: str, inside: bool) -> None:
    networks = Networks(["127.0.0.0/8", "2001:db8::/32", "fe80::/10"])
    assert (address in networks) is inside


def test_no_network_has_no_address() -> None:
    assert "127.0.0.1" not in Networks([])


@pytest.mark.parametrize("text", ["127.0.0.1/8", "x", "1.2.3.4/33", ""])
def test_what_is_no_network_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Networks([text])
