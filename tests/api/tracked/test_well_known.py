"""Mirrors angarium/api/tracked/well_known.py and service/ingress/snapshot_hosts.py."""

from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from angarium.api.tracked.well_known import WellKnown
from angarium.config.loader import parse
from angarium.issuance.model import Answer
from angarium.issuance.store import IssuanceStore
from angarium.queue.model import UnixMs
from angarium.service.ingress.snapshot_hosts import SnapshotHosts
from angarium.tenancy import SnapshotFile
from angarium.tenancy.snapshot import SnapshotData
from angarium.tenancy.snapshot_file import writing
from angarium.tenancy.tracking_policy import TrackingHost
from angarium.tracking.host_proof import HostProof

HOST = "t.shop.example"
NONCE = "ab" * 16
TOKEN = "x-Y_z" * 8


@pytest.fixture
def store(tmp_path: Path) -> IssuanceStore:
    made = IssuanceStore(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def well_known(store: IssuanceStore) -> WellKnown:
    store.write_answer(TOKEN, Answer(host=HOST, text=f"{TOKEN}.thumb"))
    return WellKnown(HostProof({1: bytes(32)}), store.find_answer)


def asked(well_known: WellKnown, path: str, host: str = HOST, method: str = "GET") -> str | None:
    response = well_known.handle(make_mocked_request(method, path, {"Host": host}), host)
    if response is None:
        return None
    assert response.headers["Cache-Control"] == "no-store"
    if response.status != 200:
        return str(response.status)
    assert response.headers["Content-Type"].startswith("text/plain")
    return str(response.text)  # type: ignore[attr-defined]


def test_what_an_authority_looks_for_is_found_at_its_host_alone(well_known: WellKnown) -> None:
    """WLK1"""
    path = f"/.well-known/acme-challenge/{TOKEN}"
    assert asked(well_known, path) == f"{TOKEN}.thumb"
    assert asked(well_known, path, "T.SHOP.example:80") == f"{TOKEN}.thumb"
    assert asked(well_known, path, "t.bank.example") is None
    assert asked(well_known, f"{path}x") is None
    assert asked(well_known, path, method="POST") == "405"


def test_who_asks_whose_host_it_is_gets_proof(well_known: WellKnown) -> None:
    """WLK1"""
    path = f"/.well-known/angarium-tracking/{NONCE}"
    answer = asked(well_known, f"{path}?x=1", "t.shop.example:8443")
    assert answer is not None
    assert HostProof({1: bytes(32)}).accepts(HOST, NONCE, answer)
    assert asked(well_known, path[:-1]) is None


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/",
        "/.well-known/security.txt",
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge/..%2faccounts%2fx",
        "/.well-known/acme-challenge/../accounts/x",
        "/.well-known/acme-challenge/" + "a" * 201,
        "/.well-known/angarium-tracking/",
    ],
)
def test_nothing_else_is_there(well_known: WellKnown, path: str) -> None:
    assert asked(well_known, path) is None


def test_hosts_are_those_of_the_configuration_and_of_tenants(tmp_path: Path) -> None:
    listener = '[[listener]]\nkind = "http"\naddress = "127.0.0.1:80"\n'
    base = f'[server]\nhostname = "mx.example.com"\n{listener}[tracking]\nhost = "t.own.example:81"'
    config = parse(base, tmp_path / "angarium.toml")
    snapshots = SnapshotFile(tmp_path)
    hosts = SnapshotHosts(config, snapshots)
    assert hosts.find("T.own.example") == ""
    assert hosts.find(HOST) is None
    host = TrackingHost(host=HOST, tenant="shop", created=UnixMs(1), state="failed")
    with writing(tmp_path) as write:
        write(SnapshotData(tracking_hosts=(host,)))
    snapshots.refresh()
    assert hosts.find(f"{HOST}:443") == "shop"
    assert hosts.find("t.own.example:81") == ""
    assert hosts.find("shop.example") is None
