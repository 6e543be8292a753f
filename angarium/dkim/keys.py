"""Private keys in PEM files: checked before they are used, refused when others could read them (P8)."""

import os
import stat
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from angarium.dkim.errors import KeyFileError

MIN_RSA_BITS: Final = 2048  # RFC 8301 section 3.2: SHOULD; D1: MUST
MAX_RSA_BITS: Final = 4096  # RFC 8301 section 3.2: verifiers need not accept larger ones
MAX_FILE_OCTETS: Final = 65_536  # ours: an RSA-4096 key in PEM has 3,300

KeyType = Literal["rsa", "ed25519"]
PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey

_PADDING: Final = PKCS1v15()
_SHA256: Final = hashes.SHA256()


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with the name under which verifiers find its public half."""

    domain: str  # lower-case A-labels: d=
    selector: str  # s=
    private: PrivateKey

    @property
    def type(self) -> KeyType:
        return "rsa" if isinstance(self.private, RSAPrivateKey) else "ed25519"

    @property
    def record_name(self) -> str:
        """Where the TXT record belongs (RFC 6376 section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def sign_digest_input(private: PrivateKey, data: bytes) -> bytes:
    """Return the signature over ``data``. The key operation runs without the GIL."""
    if isinstance(private, RSAPrivateKey):
        return private.sign(data, _PADDING, _SHA256)
    digest = hashes.Hash(_SHA256)  # RFC 8463 section 3: PureEdDSA over the SHA-256 digest
    digest.update(data)
    return private.sign(digest.finalize())


def key_type(key: PrivateKey | PublicKey) -> KeyType:
    return "rsa" if isinstance(key, (RSAPrivateKey, RSAPublicKey)) else "ed25519"


def load_private_key(path: Path) -> PrivateKey:
    """Read an RSA (2048 to 4096 bits) or Ed25519 key from an unencrypted PEM file. Blocks.

    Raises KeyFileError, naming the file, for whatever is wrong with it.
    """
    pem = _read_secret(path)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyFileError(
            f"{path}: the key is encrypted; a key without a passphrase is needed"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(
            f"{path}: not a private key in PEM form, as `postmaster dkim keygen` makes one"
        ) from None
    if isinstance(key, RSAPrivateKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise KeyFileError(
                f"{path}: RSA key of {key.key_size} bits; "
                f"{MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted (RFC 8301)"
            )
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise KeyFileError(f"{path}: neither an RSA nor an Ed25519 key")


def _read_secret(path: Path) -> bytes:
    """Return what is in a regular file that only its owner can read."""
    try:
        # Mode and content of the same open file; O_NONBLOCK: a FIFO must not hang the start.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as e:
        raise KeyFileError(f"{path}: {e.strerror}") from None
    try:
        _check_private(path, os.fstat(fd))
        with os.fdopen(fd, "rb", closefd=False) as file:
            octets = file.read(MAX_FILE_OCTETS + 1)
    finally:
        os.close(fd)
    if len(octets) > MAX_FILE_OCTETS:
        raise KeyFileError(f"{path}: larger than {MAX_FILE_OCTETS} octets; not a key")
    return octets


def _check_private(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise KeyFileError(f"{path}: not a regular file")
    if state.st_mode & 0o077:
        mode = stat.S_IMODE(state.st_mode)
        raise KeyFileError(
            f"{path}: others may read or change this private key (mode {mode:04o}); chmod 600 it"
        )
