"""DMARC records and whose they are (RFC 9989): from texts to policies, and the walk up the tree of names. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

DmarcPolicy = Literal["none", "quarantine", "reject"]
_POLICIES: Final[dict[str, DmarcPolicy]] = {
    "none": "none",
    "quarantine": "quarantine",
    "reject": "reject",
}
_START: Final = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)")
# RFC 9989 section 4.10: a walk asks of at most eight names
_LABELS: Final = 8
# Tags of RFC 7489 that RFC 9989 has no more
_GONE: Final = ("pct", "rf", "ri")


class DmarcSyntaxError(ValueError):
    """Receivers take no notice of the record."""


class DmarcRecord(msgspec.Struct, frozen=True, kw_only=True):
    policy: DmarcPolicy
    subdomain_policy: DmarcPolicy  # of names below that have no record of their own
    strict_dkim: bool  # adkim=s: only a signature of the very domain counts
    strict_spf: bool = False  # aspf=s: only a reverse path of the very domain counts
    report_to: tuple[str, ...]  # mail addresses of rua=
    # psd=: whether the name is a public suffix; u: it does not say
    suffix: Literal["y", "n", "u"] = "u"
    testing: bool = False  # t=y: receivers go one step below the policy
    gone: tuple[str, ...] = ()  # tags that RFC 9989 has no more


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a walk from a domain upwards came to."""

    organization: str  # the organizational domain: what alignment compares
    at: str  # whose record counts; "": there is none
    record: DmarcRecord | None = None

    def policy_of(self, domain: str) -> DmarcPolicy | None:
        if self.record is None:
            return None
        return self.record.policy if self.at == domain else self.record.subdomain_policy


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


def walk(domain: str) -> list[str]:
    """Return the names whose _dmarc is asked for, in order (RFC 9989 section 4.10): itself, then those above it."""
    labels = domain.split(".")
    above = range(max(1, len(labels) - _LABELS + 1), len(labels))
    return [domain, *(".".join(labels[start:]) for start in above)]


def is_end_of_walk(at: str, record: DmarcRecord, domain: str) -> bool:
    """Whether the record at a name tells who the organization is, so that nothing above it is asked for."""
    return record.suffix == "n" or (record.suffix == "y" and at != domain)


def discover(domain: str, records: Mapping[str, DmarcRecord]) -> Discovery:
    """``records``: those that were found on the walk, by name (RFC 9989 sections 4.10.1 and 4.10.2)."""
    names = [each for each in walk(domain) if each in records]
    organization = domain
    suffix = ""
    for at in names:
        organization = at
        if records[at].suffix == "n":
            break
        if records[at].suffix == "y" and at != domain:
            suffix = at
            organization = domain.removesuffix(f".{at}").rpartition(".")[2] + f".{at}"
            break
    for at in (domain, organization, suffix):
        if at in records:
            return Discovery(organization=organization, at=at, record=records[at])
    return Discovery(organization=organization, at="")


def _parsed(text: str) -> DmarcRecord:
    tags: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
        elif part.strip():
            raise DmarcSyntaxError(f"{part.strip()[:40]!a} is no tag=value")
    policy = _policy(tags, "p")
    suffix = tags.get("psd", "u").lower()
    return DmarcRecord(
        policy=policy,
        subdomain_policy=_policy(tags, "sp") if "sp" in tags else policy,
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        report_to=tuple(_addresses(tags.get("rua", ""))),
        suffix="y" if suffix == "y" else "n" if suffix == "n" else "u",
        testing=tags.get("t", "n").lower() == "y",
        gone=tuple(each for each in _GONE if each in tags),
    )


def _policy(tags: Mapping[str, str], tag: str) -> DmarcPolicy:
    policy = _POLICIES.get(tags.get(tag, "").lower())
    if policy is None:
        raise DmarcSyntaxError(f"{tag}= must be none, quarantine or reject")
    return policy


def _addresses(value: str) -> Iterable[str]:
    for each in value.split(","):
        scheme, _, address = each.strip().partition(":")
        if scheme.lower() == "mailto" and "@" in address:
            yield address.partition("!")[0]  # RFC 7489 had a size limit behind it
