"""Mirrors angarium/tenancy/alignment.py, and what a snapshot says of whom a tenant may send as."""

from collections.abc import Callable
from pathlib import Path

import pytest

from angarium.access.senders import Senders
from angarium.smtp.address import parse_mailbox
from angarium.tenancy import SnapshotFile
from angarium.tenancy.alignment import Alignments, explain_domain
from angarium.tenancy.model import ALIGNMENTS, BY_DNS, NotFoundError, TenancyError
from angarium.tenancy.platform import Platform
from tests.tenancy.audited import audit_entries


class Asked:
    """What the way of a message says of tenant shop."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform = platform
        self.snapshots = SnapshotFile(folder)
        self.alignments = Alignments(self.snapshots)
        platform.tenants.create("shop")
        platform.domains.add("shop.example", "shop", assume_verified=True)
        platform.domains.add("other.example", "default", assume_verified=True)
        platform.domains.add("guest.shop.example", "default", assume_verified=True)
        self.refresh()

    def refresh(self) -> None:
        self.platform.publish()
        self.snapshots.refresh()

    def align(self, alignment: str) -> None:
        self.platform.tenants.set_alignment("shop", alignment)  # type: ignore[arg-type]
        self.refresh()

    def allows(self, domain: str) -> bool:
        """As the two doors ask: patterns first, then what patterns cannot say."""
        patterns = Senders(self.snapshots.current.senders_of("shop"))
        if not patterns.allows(parse_mailbox(f"a@{domain}")):
            return False
        return self.alignments.find_fault("shop", domain, is_signed=False) is None


@pytest.fixture
def asked(open_platform: Callable[..., Platform], tmp_path: Path) -> Asked:
    return Asked(open_platform("sqlite:///platform.db"), tmp_path)


@pytest.mark.parametrize(
    ("alignment", "exact", "below", "guest", "under_guest", "stranger", "others"),
    [
        ("strict", True, False, False, False, False, False),
        ("relaxed", True, True, False, False, False, False),
        ("off", True, True, False, False, True, False),
    ],
)
def test_a_tenant_sends_as_its_alignment_says_and_never_as_another_a2(
    asked: Asked,
    alignment: str,
    exact: bool,
    below: bool,
    guest: bool,
    under_guest: bool,
    stranger: bool,
    others: bool,
) -> None:
    asked.align(alignment)
    found = {
        "shop.example": exact,
        "news.shop.example": below,
        "guest.shop.example": guest,
        "a.guest.shop.example": under_guest,
        "stranger.example": stranger,
        "other.example": others,
        "a.other.example": others,
    }
    assert {domain: asked.allows(domain) for domain in found} == found


def test_strict_is_the_usual_and_there_are_no_others(asked: Asked) -> None:
    assert asked.platform.tenants.find("shop").alignment == "strict"
    with pytest.raises(TenancyError, match="strict, relaxed, off"):
        asked.platform.tenants.set_alignment("shop", "loose")  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        asked.platform.tenants.set_alignment("nobody", "off")
    for each in ALIGNMENTS:
        assert asked.platform.tenants.set_alignment("shop", each).alignment == each
    assert audit_entries(asked.platform)[0].details == {"alignment": "off"}


def test_the_key_of_the_domain_above_signs_only_where_it_is_relaxed(asked: Asked) -> None:
    assert asked.alignments.signs_for("shop", "shop.example")
    assert not asked.alignments.signs_for("shop", "news.shop.example")
    asked.align("relaxed")
    assert asked.alignments.signs_for("shop", "news.shop.example")
    assert not asked.alignments.signs_for("shop", "guest.shop.example")
    assert not asked.alignments.signs_for("default", "news.shop.example")


def test_what_no_key_signs_yet_is_refused_with_the_record_that_is_missing(asked: Asked) -> None:
    added = asked.platform.domains.add("new.example", "shop")
    asked.platform.domains.set_verified("new.example", "shop", by=BY_DNS)
    asked.refresh()
    fault = asked.alignments.find_fault("shop", "new.example", is_signed=False)
    assert fault is not None
    assert f"publish {added.keys[0].selector}._domainkey.new.example TXT" in fault
    assert asked.alignments.find_fault("shop", "new.example", is_signed=True) is None
    asked.align("off")
    assert asked.alignments.find_fault("shop", "new.example", is_signed=False) is None


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        ("pending.example", '_angarium.pending.example TXT "angarium-domain-verification='),
        ("other.example", "the verified domain of another tenant"),
        ("news.shop.example", "is below shop.example"),
        ("stranger.example", "not among the verified ones of this tenant (shop.example): add it"),
    ],
)
def test_who_is_refused_is_told_what_is_missing(asked: Asked, domain: str, text: str) -> None:
    asked.platform.domains.add("pending.example", "shop")
    asked.refresh()
    assert text in explain_domain(asked.snapshots.current, "shop", domain)
