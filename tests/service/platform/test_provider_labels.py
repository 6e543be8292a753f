"""Mirrors angarium/service/platform/provider_labels.py."""

import pytest

from angarium.config.schema import Provider
from angarium.service.platform.provider_labels import MAX_LABELS, ProviderLabels

OWN = (Provider(name="mine", domains=("mine.test",)),)


@pytest.mark.parametrize(
    ("provider", "label"),
    [("gmail", "gmail"), ("mine", "mine"), ("(mx).unknown.test", "other"), ("", "other")],
)
def test_a_delivery_counts_for_a_provider_that_is_known(provider: str, label: str) -> None:
    assert ProviderLabels(OWN).of(provider) == label


def test_a_reload_exchanges_them() -> None:
    labels = ProviderLabels(())
    assert labels.of("mine") == "other"
    labels.exchange(OWN)
    assert labels.of("mine") == "mine"


def test_labels_are_bounded() -> None:
    labels = ProviderLabels([Provider(name=f"p{n}") for n in range(200)])
    found = {labels.of(f"p{n}") for n in range(200)}
    assert "other" in found
    assert len(found) <= MAX_LABELS
