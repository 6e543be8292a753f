"""Mirrors angarium/uploads/signed_url.py."""

from urllib.parse import parse_qs, urlencode

import pytest

from angarium.queue.model import UnixMs
from angarium.uploads.signed_url import UrlSigner

OLD, NEW = b"o" * 64, b"n" * 64
NOW = UnixMs(1_800_000_000_000)
LATER = 1_800_000_060


def query_of(signer: UrlSigner, tenant: str = "shop") -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(signer.query(tenant, "id", LATER)).items()}


def test_a_url_opens_its_upload_until_it_expires() -> None:
    signer = UrlSigner([NEW])
    query = query_of(signer)
    assert signer.find_problem("id", query, NOW) is None
    assert "expired" in (signer.find_problem("id", query, UnixMs(LATER * 1000)) or "")


def test_urls_of_the_key_of_before_are_believed_and_made_of_the_newest() -> None:
    query = query_of(UrlSigner([OLD]))
    both = UrlSigner([OLD, NEW])
    assert both.find_problem("id", query, NOW) is None
    assert UrlSigner([NEW]).find_problem("id", query_of(both), NOW) is None
    assert UrlSigner([NEW]).find_problem("id", query, NOW) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"tenant": "other"},
        {"tenant": "shop\n"},
        {"expires": str(LATER + 1)},
        {"expires": f"0{LATER}"},
        {"expires": "9" * 400},
        {"expires": "٣"},
        {"expires": ""},
        {"signature": ""},
        {"signature": "é" * 64},
        {"signature": "\ud800"},
    ],
)
def test_what_was_changed_opens_nothing(changes: dict[str, str]) -> None:
    signer = UrlSigner([NEW])
    query = query_of(signer) | changes
    problem = signer.find_problem("id", query, NOW)
    # A moment that is written otherwise is the same moment
    assert problem is None if changes.get("expires") == f"0{LATER}" else problem is not None


def test_another_upload_is_not_opened_and_the_url_has_no_secret() -> None:
    signer = UrlSigner([NEW])
    assert signer.find_problem("other", query_of(signer), NOW) is not None
    assert set(query_of(signer)) == {"tenant", "expires", "signature"}
    assert urlencode(query_of(signer)) == signer.query("shop", "id", LATER)
