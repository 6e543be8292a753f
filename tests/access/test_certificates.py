"""Mirrors angarium/access/certificates.py, with real handshakes in memory."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from angarium.access.certificates import ServerTls, check_files
from angarium.access.tls_file import TlsFileError
from angarium.config.schema import Listener

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Files:
    """A certificate and its key in files, which can be written anew."""

    def __init__(self, directory: Path) -> None:
        self.certificate = directory / "cert.pem"
        self.key = directory / "key.pem"
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.write("one.example")

    def write(self, name: str) -> None:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self.private.public_key())
            .serial_number(1)
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=9))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(self.private, hashes.SHA256())
        )
        self.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        self.write_key(None)

    def write_key(self, password: bytes | None) -> None:
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        self.key.write_bytes(
            self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        )
        self.key.chmod(0o600)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def shake_hands(
    server: ssl.SSLContext, session: ssl.SSLSession | None = None, **options: ssl.TLSVersion
) -> ssl.SSLObject:
    """Return the client's side of a handshake."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.minimum_version = options.get("minimum", ssl.TLSVersion.TLSv1_2)
    client.maximum_version = options.get("maximum", ssl.TLSVersion.MAXIMUM_SUPPORTED)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(down, up, server_hostname="one.example")
    theirs = server.wrap_bio(up, down, server_side=True)
    waiting = [ours, theirs]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not waiting
    theirs.write(b"220 hi\r\n")
    assert ours.read() == b"220 hi\r\n"
    return ours


def served_name(server: ssl.SSLContext) -> str:
    octets = shake_hands(server).getpeercert(binary_form=True)
    assert octets
    return x509.load_der_x509_certificate(octets).subject.rfc4514_string()


def test_clients_get_tls_1_3_or_1_2_with_forward_secrecy(files: Files) -> None:
    tls = ServerTls(files.certificate, files.key)
    assert shake_hands(tls.context).version() == "TLSv1.3"
    old = shake_hands(tls.context, maximum=ssl.TLSVersion.TLSv1_2)
    cipher = old.cipher()
    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")
    assert old.version() == "TLSv1.2"
    assert tls.context.minimum_version == ssl.TLSVersion.TLSv1_2
    names = [each["name"] for each in tls.context.get_ciphers()]
    assert all(name.startswith(("TLS_", "ECDHE-")) for name in names), names


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_s13_no_session_tickets_are_issued(files: Files, version: ssl.TLSVersion) -> None:
    client = shake_hands(ServerTls(files.certificate, files.key).context, maximum=version)
    assert client.session is None or not client.session.has_ticket


def test_a_reload_serves_the_new_certificate(files: Files) -> None:
    tls = ServerTls(files.certificate, files.key)
    before = tls.context
    assert served_name(before) == "CN=one.example"
    files.write("two.example")
    tls.reload()
    assert served_name(tls.context) == "CN=two.example"
    assert tls.certificate.names == ("two.example",)


@pytest.mark.parametrize(
    "damage",
    [
        lambda files: files.certificate.write_text("rubbish"),
        lambda files: files.key.write_text("rubbish"),
        lambda files: files.certificate.unlink(),
        lambda files: files.key.unlink(),
        lambda files: files.key.chmod(0o644),
        lambda files: files.key.chmod(0o660),
        lambda files: files.write_key(b"password"),
        lambda files: files.certificate.write_bytes(b"-" * 2_000_000),
    ],
)
def test_p8_a_reload_that_fails_names_the_file_and_keeps_the_old(
    files: Files, damage: object
) -> None:
    tls = ServerTls(files.certificate, files.key)
    before = tls.context
    assert callable(damage)
    damage(files)
    with pytest.raises(TlsFileError, match=r"(cert|key)\.pem: "):
        tls.reload()
    assert tls.context is before
    assert served_name(tls.context) == "CN=one.example"
    with pytest.raises(TlsFileError):
        ServerTls(files.certificate, files.key)


@pytest.mark.parametrize("missing", ["certificate", "private_key"])
def test_a_file_that_is_missing_is_told_with_its_key(files: Files, missing: str) -> None:
    paths = {"certificate": str(files.certificate), "private_key": str(files.key)}
    paths[missing] += ".none"
    listener = Listener(kind="submission", address="127.0.0.1:25", tls="starttls", **paths)
    with pytest.raises(
        TlsFileError, match=rf"^listener 127.0.0.1:25: {missing}: .*\.none: No such"
    ):
        ServerTls.of(listener)


def test_a_key_of_another_certificate_is_refused(files: Files, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Files(tmp_path / "other")
    with pytest.raises(TlsFileError, match="its key is not the one in"):
        ServerTls(files.certificate, other.key)


def test_a_key_of_the_servers_group_is_accepted(files: Files) -> None:
    files.key.chmod(0o640)
    assert ServerTls(files.certificate, files.key)


def test_the_certificates_expiry_is_told(files: Files) -> None:
    info = check_files(files.certificate, files.key)
    assert info.names == ("one.example",)
    assert info.expires_in_s(NOW) == 9 * 86400
    assert info.expires_in_s(NOW + timedelta(days=10)) < 0
