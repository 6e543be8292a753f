"""Certificates that clients show in place of keys, in all dialects; by curl and by Python's requests."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from angarium.access.certificate_names import read_peer
from angarium.tenancy.keys import KeyWish, NewKey
from tests.authority import Authority
from tests.e2e.product import TRUSTED, Product
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(100)]
LISTENER = """
[[listener]]
kind = "http"
address = "127.0.0.1:0"
tls = "implicit"
certificate = "server.pem"
private_key = "server.key"
client_ca = "tests-ca.pem"
client_crl = "tests-crl.pem"
client_certificate = "{needed}"
"""
MAIL = {"from": "shop@shop.example", "to": "b@example.net", "subject": "Hello", "bodyText": "Hi"}


class World:
    """A server with a tenant ``shop`` that has a domain, and a key that the certificate ``app`` stands for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.authority.server("127.0.0.1", "localhost")
        self.authority.revoke()
        self.made = {
            name: self.authority.client(name, [x509.DNSName(f"{name}.example.com")])
            for name in ("app", "mill", "stranger", "late", "lost", "gone")
        }
        listeners = (
            TRUSTED + LISTENER.format(needed="optional") + LISTENER.format(needed="required")
        )
        self.product = Product(folder, sink=1, listeners=listeners)
        _, self.port, self.strict = self.product.smtp
        with self.product.platform() as platform:
            for tenant in ("shop", "mill"):
                platform.tenants.create(tenant)
                platform.domains.add(f"{tenant}.example", tenant, assume_verified=True)
        self.key = self.new_key("shop", "dns:app.example.com")
        self.other = self.new_key("mill", "dns:mill.example.com")
        self.new_key("shop", "dns:gone.example.com")

    def new_key(self, tenant: str, *certificates: str, scopes: str = "") -> NewKey:
        words = scopes.split(",") if scopes else ()
        with self.product.platform() as platform:
            return platform.keys.create(
                KeyWish(tenant=tenant, certificates=certificates, scopes=words)
            )

    def ask(
        self, path: str, who: str = "", *, port: int = 0, body: Any = None, **headers: str
    ) -> requests.Response:
        return requests.request(
            "GET" if body is None else "POST",
            f"https://127.0.0.1:{port or self.port}{path}",
            json=body,
            headers=headers,
            cert=tuple(map(str, self.made[who][:2])) if who else None,
            verify=str(self.authority.path),
            timeout=30,
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("certificates"))
    yield made
    made.product.kill()


def test_a_certificate_stands_for_its_key(world: World) -> None:
    answer = world.ask("/v1/send", "app", body=MAIL)
    assert answer.status_code in (200, 201, 202), answer.text
    assert world.ask("/v1/send", body=MAIL).status_code == 401
    refused = world.ask("/v1/send", "stranger", body=MAIL)
    assert refused.status_code == 401
    assert "dns:stranger.example.com" in refused.json()["message"]
    assert "stands for no key" in refused.json()["message"]
    # of another tenant: its domain is none of mill's
    assert world.ask("/v1/send", "mill", body=MAIL).status_code == 403


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_shows_one_too(world: World) -> None:
    certificate, key, _ = world.made["app"]
    done = subprocess.run(
        [
            *("curl", "-sS", "--cacert", str(world.authority.path), "--cert", str(certificate)),
            *("--key", str(key), f"https://localhost:{world.port}/v1/suppression"),
        ],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert "suppressions" in json.loads(done.stdout)


def test_a_key_and_a_certificate_must_be_of_one_tenant(world: World) -> None:
    """MT2"""
    own, other = {"X-API-Key": world.key.text}, {"X-API-Key": world.other.text}
    assert world.ask("/v1/suppression", "app", **own).status_code == 200
    assert world.ask("/v1/suppression", "stranger", **own).status_code == 200
    refused = world.ask("/v1/suppression", "app", **other)
    assert refused.status_code == 403
    assert "of another tenant" in refused.json()["message"]
    # a wrong key is not mended by a right certificate
    assert world.ask("/v1/suppression", "app", **{"X-API-Key": "wrong"}).status_code == 401


RESEND = {"from": MAIL["from"], "to": MAIL["to"], "subject": "s", "text": "t"}
SENDGRID = {
    "from": {"email": MAIL["from"]},
    "personalizations": [{"to": [{"email": MAIL["to"]}]}],
    "subject": "s",
    "content": [{"type": "text/plain", "value": "t"}],
}
POSTMARK = {"From": MAIL["from"], "To": MAIL["to"], "Subject": "s", "TextBody": "t"}
SES = {
    "FromEmailAddress": MAIL["from"],
    "Destination": {"ToAddresses": [MAIL["to"]]},
    "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
}
DIALECTS: dict[str, tuple[str, Any, Callable[[Any], Any]]] = {
    "resend": ("/emails", RESEND, lambda said: said["name"] == "invalid_api_key"),
    "sendgrid": ("/v3/mail/send", SENDGRID, lambda said: said["errors"][0]["message"]),
    "postmark": ("/email", POSTMARK, lambda said: said["ErrorCode"] == 10),
    "ses": ("/v2/email/outbound-emails", SES, lambda said: said["message"]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_takes_one_and_refuses_in_its_own_words(world: World, dialect: str) -> None:
    path, body, is_own = DIALECTS[dialect]
    answer = world.ask(path, "app", body=body)
    assert answer.status_code in (200, 202), answer.text
    refused = world.ask(path, "stranger", body=body)
    assert refused.status_code in (401, 403)
    assert is_own(refused.json()), refused.text


def test_mailgun_takes_one_too(world: World) -> None:
    fields = {"from": MAIL["from"], "to": MAIL["to"], "subject": "s", "text": "t"}

    def post(who: str) -> requests.Response:
        return requests.post(
            f"https://127.0.0.1:{world.port}/v3/shop.example/messages",
            data=fields,
            cert=tuple(map(str, world.made[who][:2])),
            verify=str(world.authority.path),
            timeout=30,
        )

    assert post("app").status_code == 200
    assert (post("stranger").status_code, set(post("stranger").json())) == (401, {"message"})


def test_amazons_own_client_needs_no_signature_then(world: World) -> None:
    def client(who: str) -> Any:
        return boto3.client(
            "sesv2",
            region_name="eu-west-1",
            endpoint_url=f"https://127.0.0.1:{world.port}",
            verify=str(world.authority.path),
            config=Config(
                signature_version=UNSIGNED, client_cert=tuple(map(str, world.made[who][:2]))
            ),
        )

    assert client("app").send_email(**SES)["MessageId"]
    with pytest.raises(ClientError) as caught:
        client("stranger").send_email(**SES)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_who_must_show_one_and_does_not_is_not_connected(world: World) -> None:
    with pytest.raises(requests.ConnectionError):
        world.ask("/v1/suppression", port=world.strict, **{"X-API-Key": world.key.text})
    assert world.ask("/v1/suppression", "app", port=world.strict).status_code == 200


def test_what_is_bound_works_at_once_and_ends_with_its_key(world: World) -> None:
    late = world.new_key("shop")
    world.product.postmaster("key", "bind", late.key.id, "dns:late.example.com")
    wait_until(lambda: world.ask("/v1/suppression", "late").status_code == 200, 10)
    # by its fingerprint, too
    peer = read_peer(world.made["stranger"][2].public_bytes(Encoding.DER))
    made = json.loads(
        world.product.postmaster(
            *("key", "create", "--tenant", "shop", "--certificate", peer.fingerprint),
            *("--scopes", "suppressions:read", "--json"),
        )
    )
    wait_until(lambda: world.ask("/v1/suppression", "stranger").status_code == 200, 10)
    assert world.ask("/v1/send", "stranger", body=MAIL).status_code == 403
    world.product.postmaster("key", "revoke", made["id"])
    wait_until(lambda: world.ask("/v1/suppression", "stranger").status_code == 401, 10)


def test_the_audit_says_what_was_shown(world: World) -> None:
    made = world.ask("/v1/keys", "app", body={"name": "by certificate"})
    assert made.status_code == 201
    (entry,) = [
        each
        for each in world.ask("/v1/audit", "app").json()["entries"]
        if each["subject"] == made.json()["id"]
    ]
    assert entry["actor"] == f"key {world.key.key.id} by certificate dns:app.example.com"


def test_names_of_certificates_are_the_operators_to_give(world: World) -> None:
    """P7: all tenants have one authority."""
    asked = {"certificates": ["dns:lost.example.com"]}
    refused = world.ask("/v1/keys", "app", body=asked)
    assert (refused.status_code, refused.json()["details"]["field"]) == (403, "certificates")
    operator = {"X-API-Key": world.new_key("default", scopes="*,tenants").text}
    wrong = world.ask("/v1/keys", body={"certificates": ["lost"]}, **operator)
    assert (wrong.status_code, wrong.json()["details"]["field"]) == (400, "certificates")
    made = world.ask("/v1/keys", body={**asked, "tenant": "mill"}, **operator)
    assert made.status_code == 201
    url = f"https://127.0.0.1:{world.port}/v1/keys/{made.json()['id']}"
    assert world.ask("/v1/suppression", "lost").status_code == 200
    changed = requests.patch(
        url,
        json={"certificates": []},
        headers=operator,
        verify=str(world.authority.path),
        timeout=30,
    )
    assert (changed.status_code, changed.json()["certificates"]) == (200, [])
    assert world.ask("/v1/suppression", "lost").status_code == 401


def test_one_that_is_revoked_loses_its_open_connections_too(world: World) -> None:
    """MT1"""
    name = "gone"
    with requests.Session() as session:
        session.trust_env = False  # it would name other authorities
        session.cert = tuple(map(str, world.made[name][:2]))
        session.verify = str(world.authority.path)
        url = f"https://127.0.0.1:{world.port}/v1/suppression"
        assert session.get(url, timeout=30).status_code == 200
        world.authority.revoke(world.made[name][2])
        world.product.server.process.send_signal(signal.SIGHUP)
        world.product.server.wait_for("reloaded")

        def is_refused() -> bool:
            try:
                session.get(url, timeout=30)
            except requests.ConnectionError:
                return True
            return False

        wait_until(is_refused, 20)
    assert world.ask("/v1/suppression", "app").status_code == 200
