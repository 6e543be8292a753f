"""Mirrors angarium/access/certificate_names.py."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from angarium.access.certificate_names import read_name, read_peer
from tests.authority import Authority

DIGEST = "0f" * 32
NAMES = {
    "dns:App.Example.COM": "dns:app.example.com",
    "DNS:app.example.com.": "dns:app.example.com",
    "dns:*.example.com": "dns:*.example.com",
    "dns:bücher.example": "dns:xn--bcher-kva.example",
    "uri:spiffe://Example/App": "uri:spiffe://Example/App",
    "email:App.One@EXAMPLE.com": "email:App.One@example.com",
    f"sha256:{DIGEST.upper()}": f"sha256:{DIGEST}",
    "sha256:" + ":".join(["0F"] * 32): f"sha256:{DIGEST}",
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_has_one_form(text: str) -> None:
    assert read_name(text) == NAMES[text]
    assert read_name(NAMES[text]) == NAMES[text]


@pytest.mark.parametrize(
    "text",
    [
        *("", "dns", "dns:", "app.example.com", "cn:app", "dns:a b", "dns:*", "uri:", "uri:no"),
        *("uri:a://b c", "email:a", "email:@b.example", "email:a b@c.example", "sha256:0f"),
        *(f"sha256:{DIGEST}0", "dns:" + "a." * 300 + "b", f"sha1:{DIGEST}"),
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no certificate"):
        read_name(text)


def test_of_a_certificate_its_names_are_read_but_no_common_name(tmp_path: Path) -> None:
    names: list[x509.GeneralName] = [
        x509.DNSName("App.example.com"),
        x509.RFC822Name("app@example.com"),
        x509.UniformResourceIdentifier("spiffe://example/app"),
        x509.DNSName("under_score..x"),  # nobody can be bound to it
    ]
    _, _, made = Authority(tmp_path).client("common", names, timedelta(minutes=1))
    peer = read_peer(made.public_bytes(Encoding.DER))
    assert peer.names == (
        "uri:spiffe://example/app",
        "dns:app.example.com",
        "email:app@example.com",
    )
    assert peer.all_names[0] == peer.fingerprint
    assert read_name(peer.fingerprint) == peer.fingerprint
    assert peer.title == "uri:spiffe://example/app"
    assert peer.not_after_s == made.not_valid_after_utc.timestamp()
    _, _, bare = Authority(tmp_path).client("bare", [])
    assert read_peer(bare.public_bytes(Encoding.DER)).names == ()


def test_what_is_no_certificate_is_refused() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own
        read_peer(b"\x30\x00")
