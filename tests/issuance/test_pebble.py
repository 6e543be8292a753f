"""Orders certificates of pebble, Let's Encrypt's own small authority for tests."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.config.schema import Acme
from angarium.issuance.authority import Authority
from angarium.issuance.store import IssuanceStore
from angarium.queue.model import UnixMs
from tests.authority import Authority as OtherAuthority
from tests.e2e.recording_sink import wait_until
from tests.free_port import free_port
from tests.issuance.challenge_server import ChallengeServer

PEBBLE, NAMESERVER = shutil.which("pebble"), shutil.which("pebble-challtestsrv")
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(PEBBLE is None or NAMESERVER is None, reason="pebble is not installed"),
]


class Pebble:
    def __init__(self, folder: Path, http_port: int) -> None:
        authority = OtherAuthority(folder, "pebble")
        certificate, key = authority.server("127.0.0.1", "localhost")
        port = free_port()
        self.ca_file = authority.path
        self.directory_url = f"https://127.0.0.1:{port}/dir"
        self.customer = (
            "kid-1",
            "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
        )
        pebble = {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{free_port()}",
            "certificate": str(certificate),
            "privateKey": str(key),
            "httpPort": http_port,
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": True,
            "externalAccountMACKeys": dict([self.customer]),
            "domainBlocklist": ["blocked.example"],
        }
        config = folder / "pebble.json"
        config.write_text(json.dumps({"pebble": pebble}))
        self._log = (folder / "pebble.log").open("wb")
        assert PEBBLE is not None
        assert NAMESERVER is not None
        dns = f"127.0.0.1:{free_port()}"
        words = ["-dns01", dns, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]
        words += ["-http01", "", "-https01", "", "-tlsalpn01", ""]
        self._nameserver = subprocess.Popen(
            [NAMESERVER, *words, "-management", f"127.0.0.1:{free_port()}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._process = subprocess.Popen(
            [PEBBLE, "-config", str(config), "-dnsserver", dns],
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
        )
        wait_until(lambda: b"Listening on" in (folder / "pebble.log").read_bytes())
        wait_until(lambda: _is_answering(dns))

    def close(self) -> None:
        for each in (self._process, self._nameserver):
            each.terminate()
            each.wait(10)
        self._log.close()


def _is_answering(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
        return True
    return False


@pytest.fixture
def store(tmp_path: Path) -> IssuanceStore:
    made = IssuanceStore(tmp_path)
    made.prepare()
    return made


@pytest.fixture
def challenges(store: IssuanceStore) -> Iterator[ChallengeServer]:
    with ChallengeServer(store) as made:
        yield made


@pytest.fixture
def pebble(tmp_path: Path, challenges: ChallengeServer) -> Iterator[Pebble]:
    made = Pebble(tmp_path, challenges.port)
    yield made
    made.close()


def test_pebble_issues_renews_and_says_no(
    pebble: Pebble, store: IssuanceStore, tmp_path: Path
) -> None:
    customer, secret = pebble.customer
    (tmp_path / "customer.key").write_text(secret)
    config = Acme(
        directory_url=pebble.directory_url,
        agree_terms=True,
        contact=("hostmaster@example.com",),
        ca_file=str(pebble.ca_file),
        account_id=customer,
        account_key_file=str(tmp_path / "customer.key"),
    )
    authority = Authority(config, store, lambda: UnixMs(1))
    assert authority.issue("t.shop.example") is None
    first = store.certificate_path("t.shop.example").read_bytes()
    assert authority.issue("t.shop.example") is None
    assert store.certificate_path("t.shop.example").read_bytes() != first
    found = store.find_certificate("t.shop.example")
    assert found is not None
    assert found.names == ("t.shop.example",)
    trouble = authority.issue("blocked.example")
    assert trouble is not None
    assert trouble.kind == "rejected"
    account = store.find_account(pebble.directory_url)
    assert account is not None
    assert account.contact == ("mailto:hostmaster@example.com",)
