"""New keys, and the DNS records that publish them."""

import contextlib
import os
import secrets
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from angarium.dkim.errors import KeyFileError
from angarium.dkim.keys import KeyType, PrivateKey, PublicKey, SigningKey, key_type
from angarium.dkim.txt import txt_zone_line


def generate(kind: KeyType) -> PrivateKey:
    """Return a new key: RSA with 2048 bits, which every provider and DNS console takes, or Ed25519."""
    if kind == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return Ed25519PrivateKey.generate()


def write_private_key(path: Path, key: PrivateKey) -> None:
    """Write a new PEM file, mode 0600. On disk when it returns, whole or not at all; never overwrites.

    Raises KeyFileError; then nothing was written.
    """
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(fd)
            os.link(unfinished, path)  # unlike rename, fails when the name is taken
        finally:
            with contextlib.suppress(FileNotFoundError):
                unfinished.unlink()
        _sync_directory(path.parent)
    except FileExistsError:
        raise KeyFileError(f"{path}: exists already; a key is never overwritten") from None
    except OSError as e:
        raise KeyFileError(f"{path}: {e.strerror}") from None


def record_text(public: PublicKey) -> str:
    """Return the key record (RFC 6376 section 3.6.1; RFC 8463 section 4)."""
    if isinstance(public, Ed25519PublicKey):
        octets = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        octets = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k={key_type(public)}; p={b64encode(octets).decode()}"


def zone_line(key: SigningKey) -> str:
    """Return the key's record as a line of a zone file."""
    return txt_zone_line(key.record_name, record_text(key.private.public_key()))


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
