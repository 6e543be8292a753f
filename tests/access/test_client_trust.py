"""Mirrors angarium/access/client_trust.py, with real handshakes in memory."""

import contextlib
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from angarium.access.certificates import ServerTls
from angarium.access.client_trust import ClientTrust
from angarium.access.tls_file import TlsFileError
from tests.authority import Authority

APP: list[x509.GeneralName] = [x509.DNSName("app.example.com")]
Files = tuple[Path, Path]


class World:
    def __init__(self, folder: Path, *, required: bool = False) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.certificate, self.key = self.authority.server("localhost")
        self.required = required
        self.tls = self.made()

    def made(self, *, lists: bool = False) -> ServerTls:
        path = self.folder / "tests-crl.pem" if lists else None
        trust = ClientTrust(self.authority.path, path, required=self.required)
        self.tls = ServerTls(self.certificate, self.key, trust)
        return self.tls

    def connect(self, files: Files | None, version: ssl.TLSVersion | None = None) -> str | None:
        """Return whose certificate was taken, "" for none; None: the server refused."""
        client = ssl.create_default_context(cafile=self.authority.path)
        if version is not None:
            client.maximum_version = version
        if files is not None:
            client.load_cert_chain(*files)
        ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = self.tls.context.wrap_bio(ours, theirs, server_side=True)
        peer = client.wrap_bio(theirs, ours, server_hostname="localhost")
        try:
            for _ in range(6):
                for side in (peer, server):
                    with contextlib.suppress(ssl.SSLWantReadError):
                        side.do_handshake()
        except ssl.SSLError:
            return None
        shown = server.getpeercert()
        return shown["subjectAltName"][0][1] if shown else ""  # type: ignore[return-value,index]


def test_a_certificate_of_the_authority_is_taken_and_none_is_needed(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.connect(world.authority.client("app", APP)[:2]) == "app.example.com"
    assert world.connect(None) == ""
    required = World(tmp_path, required=True)
    assert required.connect(None) is None
    assert required.connect(required.authority.client("app", APP)[:2]) == "app.example.com"


def test_what_strangers_signed_or_has_ended_or_is_for_servers_opens_nothing(tmp_path: Path) -> None:
    """MT1"""
    world = World(tmp_path)
    assert world.connect(Authority(tmp_path, "other").client("app", APP)[:2]) is None
    assert world.connect(world.authority.client("old", APP, timedelta(minutes=-1))[:2]) is None
    assert world.connect(world.authority.server("app.example.com")) is None


def test_what_was_revoked_opens_nothing_once_the_list_is_read(tmp_path: Path) -> None:
    """MT1"""
    world = World(tmp_path)
    certificate, key, made = world.authority.client("app", APP)
    kept = world.authority.client("kept", APP)[:2]
    world.authority.revoke()
    tls = world.made(lists=True)
    assert world.connect((certificate, key)) == "app.example.com"
    world.authority.revoke(made)
    assert world.connect((certificate, key)) == "app.example.com"
    tls.reload()
    assert world.connect((certificate, key)) is None
    assert world.connect(kept) == "app.example.com"
    world.authority.revoke(lasts=timedelta(hours=-1))
    tls.reload()
    assert world.connect(kept) is None  # a list that has ended says nothing


def test_no_session_of_before_can_be_resumed(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.connect(None, ssl.TLSVersion.TLSv1_2) is None


@pytest.mark.parametrize(
    "octets", [b"", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"]
)
def test_files_that_are_none_are_refused_and_the_ones_of_before_stay(
    tmp_path: Path, octets: bytes
) -> None:
    world = World(tmp_path)
    app = world.authority.client("app", APP)[:2]
    world.authority.revoke()
    tls = world.made(lists=True)
    for name, word in (("tests-crl.pem", "revoked"), ("tests-ca.pem", "authority")):
        before = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(octets)
        with pytest.raises(TlsFileError, match=f"{name}: has no .*{word}"):
            tls.reload()
        (tmp_path / name).write_bytes(before)
        assert world.connect(app) == "app.example.com"
