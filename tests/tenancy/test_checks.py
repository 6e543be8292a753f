"""Mirrors angarium/tenancy/check_policy.py and check_change.py, and how a tenant's checks are kept and published."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from angarium.content.checking.rule import Finding
from angarium.tenancy import SnapshotFile
from angarium.tenancy.check_policy import CHECK_MODES, NO_CHECK, CheckPolicy
from angarium.tenancy.model import NotFoundError, TenancyError, Tenant
from angarium.tenancy.platform import Platform
from angarium.tenancy.snapshot import SnapshotData
from tests.tenancy.audited import audit_entries


def found(code: str, level: Any) -> Finding:
    return Finding(code=code, level=level, field="subject", message="m")


LONG = found("subject_long", "hint")
EMPTY = found("subject_missing", "blocker")


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (NO_CHECK, None),
        (CheckPolicy(mode="hints"), None),
        (CheckPolicy(mode="hints", codes=("subject_long",)), None),
        (CheckPolicy(mode="block"), EMPTY),
        (CheckPolicy(mode="block", codes=("subject_long",)), LONG),
        (CheckPolicy(mode="block", codes=("html_form",)), None),
    ],
)
def test_what_is_refused_is_what_the_tenant_wants(
    policy: CheckPolicy, refused: Finding | None
) -> None:
    assert policy.find_refused((LONG, EMPTY)) == refused


@pytest.fixture
def platform(open_platform: Callable[..., Platform]) -> Platform:
    made = open_platform("sqlite:///platform.db")
    made.tenants.create("shop")
    return made


def test_checks_are_off_until_somebody_wants_them(platform: Platform) -> None:
    assert platform.tenants.find("shop").check == CheckPolicy(mode="off", codes=())


def test_a_tenants_checks_are_set_and_published(platform: Platform, tmp_path: Path) -> None:
    tenants = platform.tenants
    codes = ("subject_missing", "link_broken", "subject_missing")
    assert tenants.set_check("shop", mode="block", codes=codes).check == CheckPolicy(
        mode="block", codes=("subject_missing", "link_broken")
    )
    assert audit_entries(platform)[0].details == {
        "check_mode": "block",
        "check_codes": "subject_missing,link_broken",
    }
    for mode in CHECK_MODES:  # what is not given stays
        assert tenants.set_check("shop", mode=mode).check.codes == codes[:2]
    assert tenants.set_check("shop", codes=()).check == CheckPolicy(mode="block")
    platform.publish()
    current = SnapshotFile(tmp_path).current
    assert current.check_of("shop") == CheckPolicy(mode="block")
    assert current.check_of("default") == NO_CHECK
    assert current.check_of("nobody") == NO_CHECK


def test_a_snapshot_of_before_has_no_checks() -> None:
    written = msgspec.to_builtins(SnapshotData(tenants=(Tenant(id="1", name="shop", created=1),)))  # type: ignore[arg-type]
    del written["tenants"][0]["check"]
    octets = msgspec.msgpack.encode(written)
    (tenant,) = msgspec.msgpack.decode(octets, type=SnapshotData).tenants
    assert tenant.check == NO_CHECK


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        ({"mode": "loud"}, "check", "off, hints, block"),
        ({"codes": ("subject_short",)}, "codes", "'subject_short'"),
        ({"codes": ("dkim_missing",)}, "codes", "not known of a mail alone"),
        ({"codes": ("malware_found",)}, "codes", "not known of a mail alone"),
    ],
)
def test_what_cannot_be_asked_at_sending_is_refused(
    platform: Platform, given: dict[str, Any], field: str, text: str
) -> None:
    with pytest.raises(TenancyError, match=text) as refused:
        platform.tenants.set_check("shop", **given)
    assert refused.value.field == field
    assert platform.tenants.find("shop").check == NO_CHECK
    with pytest.raises(NotFoundError):
        platform.tenants.set_check("nobody", mode="block")
