"""Proves that who answers at a host is this server: what is asked is answered by a key that only it has. Pure."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

PATH: Final = "/.well-known/angarium-tracking/"
NONCE_OCTETS: Final = 16
_NONCE: Final = re.compile(r"[0-9a-f]{32}")
_USE: Final = b"angarium tracking host 1"


class HostProof:
    """Invariant HPF1: an answer is of one host and one question, and of no use for anything else.

    No state is shared by who asks and who answers but the file of keys, so any process may do either.
    """

    def __init__(self, secrets: Mapping[int, bytes]) -> None:
        """``secrets``: as ``TrackingKeys`` has them, the newest last; at least one."""
        self._keys = [
            hmac.digest(secret, _USE, hashlib.sha256) for secret in reversed(list(secrets.values()))
        ]

    def answer(self, host: str, nonce: str) -> str | None:
        """Return what is answered at a host. None: that is no question of ours; whatever it is."""
        if _NONCE.fullmatch(nonce) is None:
            return None
        return _of(self._keys[0], host, nonce)

    def accepts(self, host: str, nonce: str, answer: str) -> bool:
        """Whether it was answered by a server with one of these keys: a newer one may not be read there yet."""
        octets = answer.strip().encode("utf-8", "replace")
        return any(
            hmac.compare_digest(octets, _of(key, host, nonce).encode()) for key in self._keys
        )


def _of(key: bytes, host: str, nonce: str) -> str:
    return hmac.digest(key, f"{host}\0{nonce}".encode(), hashlib.sha256).hex()  # HPF1
