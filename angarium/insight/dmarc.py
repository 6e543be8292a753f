"""DMARC records (RFC 7489 section 6.3): from text to what they ask for. Pure."""

import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

DmarcPolicy = Literal["none", "quarantine", "reject"]
_POLICIES: Final[dict[str, DmarcPolicy]] = {
    "none": "none",
    "quarantine": "quarantine",
    "reject": "reject",
}
_START: Final = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)")


class DmarcSyntaxError(ValueError):
    """Receivers take no notice of the record."""


class DmarcRecord(msgspec.Struct, frozen=True, kw_only=True):
    policy: DmarcPolicy
    strict_dkim: bool  # adkim=s: only a signature of the very domain counts
    has_reports: bool  # rua=


def select_dmarc(texts: Iterable[bytes]) -> DmarcRecord | None:
    """Return the record among a name's TXT records; None: there is none. Raises DmarcSyntaxError."""
    decoded = [each.decode("ascii", "replace") for each in texts]
    found = [each for each in decoded if _START.match(each)]
    if len(found) > 1:
        raise DmarcSyntaxError(f"there are {len(found)} DMARC records: keep one")
    if not found:
        near = [each for each in decoded if "dmarc" in each.lower()]
        if near:
            raise DmarcSyntaxError('a DMARC record begins with "v=DMARC1;", in capitals')
        return None
    return _parsed(found[0])


def parents(domain: str) -> list[str]:
    """Return the domain and those above it that may speak for it, nearest first; never a top level."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


def _parsed(text: str) -> DmarcRecord:
    tags: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
        elif part.strip():
            raise DmarcSyntaxError(f"{part.strip()[:40]!a} is no tag=value")
    policy = _POLICIES.get(tags.get("p", "").lower())
    if policy is None:
        raise DmarcSyntaxError("p= must be none, quarantine or reject")
    return DmarcRecord(
        policy=policy,
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        has_reports="rua" in tags,
    )
