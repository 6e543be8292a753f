"""Mirrors angarium/insight/checks/untracked.py."""

from pathlib import Path

from angarium.config.loader import parse
from angarium.config.schema import Config
from angarium.insight.checks.untracked import check_untracked
from angarium.queue.model import UnixMs
from angarium.tenancy.model import Tenant
from angarium.tenancy.snapshot import SnapshotData
from angarium.tenancy.snapshot_file import writing
from angarium.tenancy.tracking_policy import TrackingHost

_BASE = """
[server]
hostname = "mx.example.com"
data_dir = "{data_dir}"

[[listener]]
kind = "http"
address = "127.0.0.1:0"
{more}
"""


def config(folder: Path, more: str) -> Config:
    return parse(_BASE.format(data_dir=folder, more=more), folder / "angarium.toml")


def tenant(name: str, tracking: str = "full") -> Tenant:
    return Tenant(id=name, name=name, created=UnixMs(0), tracking=tracking)  # type: ignore[arg-type]


def host(name: str, tenant: str, state: str) -> TrackingHost:
    return TrackingHost(host=name, tenant=tenant, created=UnixMs(0), state=state)  # type: ignore[arg-type]


def test_tenants_without_a_host_are_named_where_mail_is_to_be_tracked(tmp_path: Path) -> None:
    data = SnapshotData(
        tenants=(tenant("a"), tenant("b"), tenant("c"), tenant("d", "none")),
        tracking_hosts=(host("t.a.example", "a", "verified"), host("t.b.example", "b", "pending")),
    )
    with writing(tmp_path) as write:
        write(data)
    for more in ("[tracking]\nopens = true\n", '[[stream]]\nname = "x"\nclicks = true\n'):
        (found,) = check_untracked(config(tmp_path, more))
        assert found.verdict == "warn"
        assert "not tracked: b, c: give tracking.host" in found.text
    for more in ("", '[tracking]\nopens = true\nhost = "t.example.com"\n'):
        assert not list(check_untracked(config(tmp_path, more)))


def test_where_all_have_hosts_nothing_is_said(tmp_path: Path) -> None:
    data = SnapshotData(
        tenants=(tenant("a"),), tracking_hosts=(host("t.a.example", "a", "verified"),)
    )
    with writing(tmp_path) as write:
        write(data)
    assert not list(check_untracked(config(tmp_path, "[tracking]\nopens = true\n")))
