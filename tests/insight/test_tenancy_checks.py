"""Mirrors angarium/insight/checks/tenancy.py, and that blocklists are asked for tenants' domains."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.config.loader import parse
from angarium.config.schema import Config
from angarium.insight.blocklist_asking import own_subjects
from angarium.insight.checks.tenancy import check_secret, check_tenant_domains, tenants_domains
from angarium.queue.model import UnixMs
from angarium.tenancy.domain_check import CheckedRecord, DomainCheck
from angarium.tenancy.platform import Platform
from angarium.tenancy.secret_file import make_secret_file, secret_path


@pytest.fixture
def config(tmp_path: Path) -> Config:
    text = f'[server]\nhostname = "mx.example.com"\ndata_dir = "{tmp_path}"\n'
    return parse(text, tmp_path / "angarium.toml")


@pytest.fixture
def platform(config: Config) -> Iterator[Platform]:
    make_secret_file(secret_path(config), None)
    with Platform.open(config, actor="tests") as opened:
        yield opened


def verdicts(config: Config) -> list[str]:
    return [each.verdict for each in (*check_secret(config), *check_tenant_domains(config))]


def test_where_there_are_no_tenants_nothing_is_said(tmp_path: Path, config: Config) -> None:
    assert verdicts(config) == []
    assert list(tmp_path.iterdir()) == []


def test_a_domain_that_failed_is_named_with_what_to_do(config: Config, platform: Platform) -> None:
    added = platform.domains.add("shop.test-shop.net", "default", assume_verified=True)
    platform.domains.add("pending.test-shop.net", "default")
    platform.publish()
    assert verdicts(config) == ["ok", "ok"]
    record = CheckedRecord(
        purpose="spf",
        name=added.name,
        type="TXT",
        value="v=spf1 -all",
        zone_line="the line",
        verdict="fail",
        found="no record",
        difference="it has no SPF",
        remedy="publish it",
    )
    check = DomainCheck(domain_id=added.id, checked=UnixMs(1000), records=(record,))
    platform.domain_checks.record(check)
    (finding,) = check_tenant_domains(config)
    assert (finding.verdict, finding.text) == ("fail", f"{added.name}: it has no SPF")
    assert finding.evidence is not None
    assert (finding.evidence.expected, finding.evidence.remedy) == ("the line", "publish it")
    assert "1970-01-01T00:00:01" in finding.evidence.found


def test_a_secret_that_was_lost_or_exchanged_says_what_is_to_be_done(
    config: Config, platform: Platform
) -> None:
    platform.domains.add("test-shop.net", "default", assume_verified=True)
    platform.publish()
    path = secret_path(config)
    path.unlink()
    (finding,) = check_secret(config)
    assert finding.verdict == "fail"
    assert "is gone" in finding.text
    # A start makes another one, which opens nothing
    make_secret_file(path, None)
    (finding,) = check_secret(config)
    assert "does not open the DKIM keys of test-shop.net" in finding.text
    assert "domain rotate DOMAIN --force" in finding.text
    path.chmod(0o644)
    (finding,) = check_secret(config)
    assert "chmod 0600" in finding.text


def test_blocklists_are_asked_for_domains_that_tenants_have_verified(
    config: Config, platform: Platform
) -> None:
    platform.domains.add("shop.test-shop.net", "default", assume_verified=True)
    platform.domains.add("pending.test-shop.net", "default")
    platform.publish()
    assert tenants_domains(config) == ("shop.test-shop.net",)
    assert "shop.test-shop.net" in own_subjects(config)
    assert "pending.test-shop.net" not in own_subjects(config)
