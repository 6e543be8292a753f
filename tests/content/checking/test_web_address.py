"""Mirrors angarium/content/checking/web_address.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.content.checking.web_address import base_domain, read_address


@pytest.mark.parametrize(
    ("written", "kind", "host"),
    [
        ("https://a.example/x?y#z", "web", "a.example"),
        ("HTTP://A.Example", "web", "a.example"),
        (" https://a.example\n", "web", "a.example"),
        ("https://a.example:8443/", "web", "a.example"),
        ("https://m\u00fcnchen.example/", "web", "xn--mnchen-3ya.example"),
        ("https://[2001:db8::1]:80/", "web", "2001:db8::1"),
        ("https://2130706433/", "web", "127.0.0.1"),
        ("https://0177.0.0.1/", "web", "127.0.0.1"),
        ("https://a.example:99999/", "broken", ""),
        ("https://a.example:x/", "broken", ""),
        ("https:///x", "broken", ""),
        ("https://", "broken", ""),
        ("https://-a.example", "broken", ""),
        ("https://a..example", "broken", ""),
        ("https://[::1", "broken", ""),
        ("https://1.2.3.4.5/", "broken", ""),
        ("htp:a", "broken", ""),
        ("mailto:a@b", "other", ""),
        ("myapp://open/1", "other", ""),
        ("vbscript:x", "script", ""),
        ("file:///etc/passwd", "script", ""),
        ("data:,x", "data", ""),
        ("", "empty", ""),
        ("#", "empty", ""),
        ("#a", "anchor", ""),
        ("//a.example/x", "relative", ""),
        ("a.example/x", "relative", ""),
        ("{{ url }}", "variable", ""),
        ("https://{{ host }}/x", "variable", ""),
    ],
)
def test_an_address_is_read_as_browsers_do(written: str, kind: str, host: str) -> None:
    found = read_address(written)
    assert (found.kind, found.host) == (kind, host)


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("www.shop.example.com", "example.com"),
        ("a.example.co.uk", "example.co.uk"),
        ("www.sap.de", "sap.de"),
        ("example", "example"),
    ],
)
def test_a_registered_domain_is_guessed(host: str, base: str) -> None:
    assert base_domain(host) == base


@given(
    st.text(max_size=80)
    | st.text(alphabet="htps:/@[]0123456789.xaf%#?", max_size=60).map("https://".__add__)
)
def test_any_text_is_read(written: str) -> None:
    assert read_address(written).written == written
