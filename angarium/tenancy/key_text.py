"""What a key looks like, and what is kept of it (P6). Pure: randomness is an argument.

``ang_api_<id>_<secret>``: the beginning says what it is to who finds it in a file, and is shown in lists; the secret is
256 random bits, so its plain SHA-256 is as good as a slow hash: nobody guesses it, however fast.
"""

import hashlib
import hmac
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final, get_args

import msgspec

from angarium.tenancy.model import KEY_KINDS, KeyKind

ID_OCTETS: Final = 10  # 80 bits: 16 letters and digits
SECRET_OCTETS: Final = 32
MAX_KEY_OCTETS: Final = 128  # of what is presented; ours are shorter
_MARK: Final = "ang"

assert get_args(KeyKind) == KEY_KINDS


class ParsedKey(msgspec.Struct, frozen=True, kw_only=True):
    kind: KeyKind
    id: str


def new_key_id(random_octets: Callable[[int], bytes]) -> str:
    """Return 16 lower-case letters and digits."""
    return b32encode(random_octets(ID_OCTETS)).decode().lower()


def new_key_text(kind: KeyKind, key_id: str, random_octets: Callable[[int], bytes]) -> str:
    """Return a whole key; nobody can make it again."""
    secret = urlsafe_b64encode(random_octets(SECRET_OCTETS)).rstrip(b"=").decode()
    return f"{key_prefix(kind, key_id)}_{secret}"


def key_prefix(kind: KeyKind, key_id: str) -> str:
    """Return what may be shown of a key."""
    return f"{_MARK}_{kind}_{key_id}"


def key_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def parse_key(text: str) -> ParsedKey | None:
    """Return what a presented key says that it is; None: it is no key of ours. Proves nothing."""
    if len(text) > MAX_KEY_OCTETS:
        return None
    mark, _, rest = text.partition("_")
    kind, _, rest = rest.partition("_")
    key_id, _, secret = rest.partition("_")
    if mark != _MARK or not key_id or not secret:
        return None
    for known in KEY_KINDS:
        if kind == known:
            return ParsedKey(kind=known, id=key_id)
    return None


def ses_access_key_id(key_id: str) -> str:
    return key_id.upper()


def ses_secret(master: bytes, key_id: str, version: int) -> str:
    """Return the secret access key: SigV4 needs the secret itself, so it is derived anew instead of being stored."""
    digest = hmac.digest(master, f"{key_id}:{version}".encode(), "sha256")
    return b64encode(digest).rstrip(b"=").decode()
