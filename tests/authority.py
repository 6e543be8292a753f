"""An authority of the tests' own, which certifies servers and clients."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = timedelta(hours=1)


class Authority:
    """Its own certificate is ``folder/NAME-ca.pem``."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._title = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority {name}")])
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._title)
            .issuer_name(self._title)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - HOUR)
            .not_valid_after(now + 24 * HOUR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), False)
            .add_extension(_usage(), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.path = self._written(f"{name}-ca.pem", self._certificate.public_bytes(Encoding.PEM))

    def server(self, *hosts: str) -> tuple[Path, Path]:
        names = [_host(each) for each in hosts]
        return self._issue("server", names, ExtendedKeyUsageOID.SERVER_AUTH, 12 * HOUR)[:2]

    def client(
        self, file: str, names: Sequence[x509.GeneralName], lasts: timedelta = 12 * HOUR
    ) -> tuple[Path, Path, x509.Certificate]:
        """Return the files of its certificate and key. ``lasts``: from now; negative: it has ended."""
        return self._issue(file, names, ExtendedKeyUsageOID.CLIENT_AUTH, lasts)

    def revoke(self, *certificates: x509.Certificate, lasts: timedelta = 12 * HOUR) -> Path:
        """Write the list of what is revoked, and return its file."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._title)
            .last_update(now - 2 * HOUR)
            .next_update(now + lasts)
        )
        for each in certificates:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now - HOUR).build())
        octets = builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        return self._written(f"{self._name}-crl.pem", octets)

    def _issue(
        self,
        file: str,
        names: Sequence[x509.GeneralName],
        purpose: x509.ObjectIdentifier,
        lasts: timedelta,
    ) -> tuple[Path, Path, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, file)]))
            .issuer_name(self._title)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * HOUR)
            .not_valid_after(now + lasts)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
            )
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (
            self._written(f"{file}.pem", certificate.public_bytes(Encoding.PEM)),
            self._written(f"{file}.key", pem),
            certificate,
        )

    def _written(self, name: str, octets: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(octets)
        path.chmod(0o600)
        return path


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
