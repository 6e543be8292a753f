"""Mirrors angarium/service/provider_labels.py."""

import pytest

from angarium.config.schema import Provider
from angarium.service.provider_labels import MAX_LABELS, ProviderLabels

OWN = (
    Provider(name="mine", domains=("Mine.test",)),
    Provider(name="shadow", mx_suffixes=(".mx.test",)),
)


@pytest.mark.parametrize(
    ("recipient", "host", "label"),
    [
        ("a@gmail.com", "gmail-smtp-in.l.google.com", "gmail"),
        ("a@shop.test", "ASPMX.L.google.com", "gmail"),
        ("a@comcast.net", "", "comcast"),
        ("a@MINE.test", "aspmx.l.google.com", "mine"),
        ("a@b.test", "in.mx.test", "shadow"),
        ("a@b.test", "mail.b.test", "other"),
        ("a@gmail.com", "", "other"),
        ("Postmaster", "", "other"),
    ],
)
def test_a_delivery_counts_for_the_provider_of_its_domain_or_host(
    recipient: str, host: str, label: str
) -> None:
    assert ProviderLabels(OWN).of(recipient, host) == label


def test_a_reload_exchanges_them() -> None:
    labels = ProviderLabels(())
    assert labels.of("a@mine.test", "") == "other"
    labels.exchange(OWN)
    assert labels.of("a@mine.test", "") == "mine"


def test_labels_are_bounded() -> None:
    many = [Provider(name=f"p{n}", domains=(f"d{n}.test",)) for n in range(200)]
    labels = ProviderLabels(many)
    found = {labels.of(f"a@d{n}.test", "") for n in range(200)}
    assert "other" in found
    assert len(found) <= MAX_LABELS
