"""Mirrors angarium/analytics/links.py."""

import pytest

from angarium.analytics.links import link_key


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://shop.example/sale?u=bob&t=secret#top", "https://shop.example/sale"),
        ("https://shop.example/", "https://shop.example"),
        ("HTTPS://Shop.Example:8443/A/b/", "https://shop.example:8443/A/b/"),
        ("https://bob:secret@shop.example/x", "https://shop.example/x"),
        ("https://shop.example/leave/bob@x.example/now", "https://shop.example/leave/*/now"),
        ("https://shop.example/leave/bob%40x.example", "https://shop.example/leave/*"),
        ("https://shop.example/" + "a" * 400, "https://shop.example/" + "a" * 235),
        ("mailto:bob@x.example", ""),
        ("https://[::1", ""),
        ("https://shop.example:99999/", ""),
        ("", ""),
    ],
)
def test_a_link_is_counted_by_where_it_leads_and_by_nobody(url: str, key: str) -> None:
    assert link_key(url) == key
