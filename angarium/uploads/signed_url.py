"""URLs by which one file may be put, until a moment: their queries are signed, and bear no credential. Pure."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from angarium.queue.model import UnixMs

_SIGNATURE_OCTETS: Final = 32
_MOMENT_DIGITS: Final = 12


class UrlSigner:
    def __init__(self, keys: Sequence[bytes]) -> None:
        """The last one signs, all are believed."""
        self._keys = keys

    def query(self, tenant: str, upload_id: str, expires_s: int) -> str:
        """Return what stands behind the path of an upload's content."""
        signature = _sign(self._keys[-1], tenant, upload_id, expires_s)
        return urlencode({"tenant": tenant, "expires": expires_s, "signature": signature})

    def find_problem(self, upload_id: str, query: Mapping[str, str], now: UnixMs) -> str | None:
        """Return why the query does not open the upload; None: it does."""
        tenant, signature = query.get("tenant", ""), query.get("signature", "")
        expires = query.get("expires", "")
        if not (expires.isascii() and expires.isdigit() and len(expires) <= _MOMENT_DIGITS):
            return "The URL is not as it was given out: use all of it"
        expires_s = int(expires)
        matches = [
            hmac.compare_digest(
                _sign(each, tenant, upload_id, expires_s).encode(),
                signature.encode("utf-8", "replace"),
            )
            for each in self._keys
        ]
        if not any(matches):
            return "The URL is not as it was given out: use all of it"
        if now >= expires_s * 1000:
            return "The URL has expired: ask for the upload, which gives another one"
        return None


def _sign(key: bytes, tenant: str, upload_id: str, expires_s: int) -> str:
    text = f"upload\n{tenant}\n{upload_id}\n{expires_s}"
    return hmac.digest(key, text.encode("utf-8", "replace"), "sha256")[:_SIGNATURE_OCTETS].hex()
