"""Tracking hosts of tenants as they meet visitors and an authority: by name, with certificates of their own."""

import http.client
import json
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.tenancy import SnapshotFile
from angarium.tenancy.keys import KeyWish
from tests.authority import Authority
from tests.e2e.api_client import ApiClient
from tests.e2e.product import TRUSTED, Product
from tests.free_port import free_port
from tests.issuance.acme_stub import AcmeStub
from tests.service.running_server import wait_until
from tests.tenancy.audited import audit_entries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
HOST = "t.shop.localhost"
LISTENER = """
[[listener]]
kind = "http"
address = "127.0.0.1:{port}"
tls = "implicit"
certificate = "server.pem"
private_key = "server.key"
"""
MORE = """
[tracking]
host = "t.own.localhost:{port}"
ca_file = "issued-ca.pem"

[acme]
directory_url = "{url}"
agree_terms = true
contact = ["hostmaster@own.example"]
ca_file = "acme-ca.pem"

[dns]
nameservers = ["127.0.0.1:1"]
timeout_s = 0.1
lifetime_s = 0.2
"""
CLEAR = """
[[listener]]
kind = "http"
address = "127.0.0.1:{port}"
serves = ["tracking"]
"""


class World:
    """A server, an authority that looks at it, and a tenant ``shop`` with the domain ``shop.localhost``."""

    def __init__(self, folder: Path, stub: AcmeStub) -> None:
        self.folder = folder
        self.stub = stub
        Authority(folder).server("mx1.example.com", "127.0.0.1")
        self.tls_port = free_port()
        self.product = self.started()
        with self.product.platform() as platform:
            platform.tenants.create("shop")
            platform.domains.add("shop.localhost", "shop", assume_verified=True)

    def started(self) -> Product:
        clear = CLEAR.format(port=self.stub.looks_at)
        listeners = TRUSTED + clear + LISTENER.format(port=self.tls_port)
        more = MORE.format(port=self.tls_port, url=self.stub.directory_url)
        return Product(self.folder, sink=1, listeners=listeners, more=more)

    def names(self, host: str) -> set[str]:
        """Return the names of the certificate that a visitor of the host is shown."""
        context = ssl.create_default_context()
        for name in ("issued-ca.pem", "tests-ca.pem"):
            context.load_verify_locations(self.folder / name)
        context.check_hostname = False
        with (
            socket.create_connection(("127.0.0.1", self.tls_port), 10) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            found = connection.getpeercert()
        assert found is not None
        return {str(value) for _, value in found["subjectAltName"]}

    def get(self, host: str, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.stub.looks_at)
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def shown(self, code: int | None = 0, word: str = "show") -> dict[str, Any]:
        out = self.product.postmaster("tracking-host", word, HOST, "--json", code=code)
        found: dict[str, Any] = json.loads(out)
        return found

    def is_verified(self) -> bool:
        return SnapshotFile(self.folder / "data").current.tracking_host_of("shop") == HOST


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with AcmeStub(tmp_path, free_port()) as stub:
        made = World(tmp_path, stub)
        yield made
        made.product.kill()


def test_a_tenants_host_gets_a_certificate_and_is_used_from_then_on(world: World) -> None:
    postmaster = world.product.postmaster
    refused = postmaster("tracking-host", "add", "t.bank.localhost", "--tenant", "shop", code=65)
    assert refused == ""
    said = postmaster("tracking-host", "add", HOST, "--tenant", "shop")
    assert f"{HOST}. IN CNAME t.own.localhost." in said
    wait_until(world.is_verified)
    assert world.names(HOST) == {HOST}
    assert sorted(world.stub.issued) == ["t.own.localhost", HOST]
    assert world.names("t.own.localhost") == {"t.own.localhost"}
    # Who names another host, or none, is shown the listener's own
    assert (
        world.names("127.0.0.1")
        == world.names("nobody.example")
        == {
            "mx1.example.com",
            "127.0.0.1",
        }
    )
    assert len(world.stub.accounts) == 1
    shown = world.shown()
    assert (shown["state"], shown["certificate"]["source"]) == ("verified", "issued")
    assert shown["certificate"]["problem"] == ""
    with world.product.platform() as platform:
        actions = {each.action for each in audit_entries(platform)}
    assert {"tracking_host.added", "tracking_host.verified"} <= actions
    events = {line.get("event") for line in world.product.server.lines}
    assert {"certificate_issued", "tracking_host_verified"} <= events
    # What is asked of a host is of that host, and nothing else is there
    nonce = "0" * 32
    ours = world.get(HOST, f"/.well-known/angarium-tracking/{nonce}")
    own = world.get("t.own.localhost", f"/.well-known/angarium-tracking/{nonce}")
    assert ours[0] == own[0] == 200
    assert ours != own
    assert world.get("other.localhost", f"/.well-known/angarium-tracking/{nonce}")[0] == 404
    assert world.get(HOST, "/.well-known/acme-challenge/../../tracking.key")[0] == 404
    doctor = world.product.postmaster("doctor", "--json", code=None)
    findings = [each for each in json.loads(doctor)["findings"] if "tracking" in each["check"]]
    assert {each["verdict"] for each in findings} == {"ok"}, findings


def test_what_is_wrong_with_an_order_is_said_in_words(world: World) -> None:
    world.stub.refusals["new-order"] = []
    for _ in range(20):
        world.stub.refuse("new-order", "caa", "CAA record for shop.localhost prevents issuance")
    with world.product.platform() as platform:
        platform.tracking_hosts.add(HOST, "shop")
    wait_until(lambda: "CAA" in world.shown()["certificate"]["problem"])
    shown = world.shown(75, "check")
    assert shown["state"] == "reached"
    assert shown["findings"][-1]["purpose"] == "certificate"
    assert "CAA 0 issue" in shown["findings"][-1]["remedy"]
    assert 'CAA 0 issue "stub.example"' in shown["certificate"]["problem"]
    doctor = world.product.postmaster("doctor", "--json", code=69)
    remedies = [
        each["remedy"]
        for each in json.loads(doctor)["findings"]
        if each["check"] == "tracking host" and each["verdict"] != "ok"
    ]
    assert any("CAA 0 issue" in each for each in remedies)
    # Mended, it is ordered anew as soon as somebody has looked
    world.stub.refusals.clear()
    world.product.postmaster("tracking-host", "check", HOST, code=75)
    wait_until(world.is_verified)


def test_a_killed_server_makes_no_second_account_and_no_second_order(world: World) -> None:
    world.stub.before_answer["finalize"] = gate = threading.Event()
    with world.product.platform() as platform:
        platform.tracking_hosts.add(HOST, "shop")
    wait_until(lambda: world.stub.requests["finalize"] >= 1)
    orders = world.stub.requests["new-order"]
    world.product.kill()
    gate.set()
    wait_until(lambda: len(world.stub.issued) == 1)
    world.product = world.started()
    world.product.postmaster("tracking-host", "check", HOST, code=None)
    wait_until(world.is_verified)
    assert len(world.stub.accounts) == 1
    assert sorted(world.stub.issued) == ["t.own.localhost", HOST]
    assert world.stub.requests["new-order"] == orders + 1


def test_files_of_a_hosts_own_are_shown_and_read_again_without_a_restart(world: World) -> None:
    authority = Authority(world.folder, "shop")
    certificate, key = authority.server(HOST)
    for path, name in ((certificate, "shop.pem"), (key, "shop.key")):
        path.rename(world.folder / name)
    config = world.product.config
    config.write_text(
        config.read_text()
        + f'\n[[tracking_certificate]]\nhost = "{HOST}"\ncertificate = "shop.pem"\n'
        'private_key = "shop.key"\n'
    )
    world.product.server.process.send_signal(signal.SIGHUP)
    world.product.server.wait_for("reloaded")
    (world.folder / "issued-ca.pem").write_bytes(
        world.stub.issuer_file.read_bytes() + authority.path.read_bytes()
    )
    assert world.names(HOST) == {HOST}
    certificate, key = authority.server(HOST, "renewed.localhost")
    key.rename(world.folder / "shop.key")
    # Half of a renewal: what was there before is used
    assert world.names(HOST) == {HOST}
    certificate.rename(world.folder / "shop.pem")
    assert world.names(HOST) == {HOST, "renewed.localhost"}


def test_a_tenant_has_its_hosts_by_the_api(world: World) -> None:
    with world.product.platform() as platform:
        platform.tenants.create("bank")
        made = {
            tenant: platform.keys.create(KeyWish(tenant=tenant, scopes=("domains",))).text
            for tenant in ("shop", "bank")
        }
        reader = platform.keys.create(KeyWish(tenant="shop", scopes=("domains:read",))).text
    shop, bank = (ApiClient(world.product.http, made[each]) for each in ("shop", "bank"))
    path = f"/v1/tracking-hosts/{HOST}"
    added = shop.right("POST", "/v1/tracking-hosts", {"host": HOST.upper()})
    assert (added["host"], added["state"], added["checkedAt"]) == (HOST, "pending", None)
    assert added["record"] == f"{HOST}. IN CNAME t.own.localhost."
    again = shop.ask("POST", "/v1/tracking-hosts", {"host": HOST})
    assert (again.status, again.fault[2]) == (409, "host")
    strange = bank.ask("POST", "/v1/tracking-hosts", {"host": "t.shop.localhost"})
    assert strange.fault[2] == "host"
    assert bank.ask("GET", path).status == bank.ask("DELETE", path).status == 404
    assert bank.right("GET", "/v1/tracking-hosts")["trackingHosts"] == []
    assert ApiClient(world.product.http, reader).ask("POST", f"{path}/check").status == 403
    assert ApiClient(world.product.http, reader).right("GET", path)["host"] == HOST
    wait_until(world.is_verified)
    checked = shop.right("POST", f"{path}/check")
    assert [each["verdict"] for each in checked["findings"]] == ["ok"] * 4
    assert checked["certificate"]["source"] == "issued"
    assert checked["certificate"]["endsAt"] > checked["checkedAt"]
    (listed,) = shop.right("GET", "/v1/tracking-hosts")["trackingHosts"]
    assert listed["state"] == "verified"
    assert shop.right("DELETE", path)["host"] == HOST
    wait_until(lambda: not world.is_verified())
    # What was issued for it is shown to nobody any more
    wait_until(lambda: world.names(HOST) != {HOST})
