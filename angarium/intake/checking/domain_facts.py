"""What is known of a tenant's domain, as rules ask: of the snapshot, and of the last look at its records. Pure."""

from angarium.content.checking.mail import DomainFacts, Known
from angarium.tenancy.domain_check import NO_DMARC, CheckedRecord, DomainCheck, RecordPurpose
from angarium.tenancy.model import Domain


def domain_facts(
    name: str,
    domain: Domain | None,
    check: DomainCheck | None,
    return_path: str | None,
    *,
    is_signed: bool = False,
) -> DomainFacts:
    """``domain``: the tenant's, whose keys sign; None: it has none for this name. ``return_path``: the domain that
    reverse paths are of; None: they are the senders' own. ``is_signed``: whether a key of the configuration signs.
    """
    if domain is None or domain.verified is None:
        return DomainFacts(name=name, is_verified=False)
    records = check.records if check is not None else ()
    signing = {f"{each.selector}._domainkey.{domain.name}" for each in domain.signing_keys}
    dkim = [each for each in records if each.name in signing]
    spf_domain = return_path or domain.name
    spf = [each for each in records if _is_spf(each, spf_domain)]
    dmarc = _of(records, "dmarc")
    troubles = [
        (name, each.difference)
        for name, found in (("dkim", dkim), ("spf", spf), ("dmarc", dmarc))
        for each in found
        if each.difference
    ]
    return DomainFacts(
        name=name,
        is_signed=is_signed or bool(domain.signing_keys),
        dkim=_known(dkim),
        spf=_known(spf),
        spf_domain=spf_domain,
        dmarc=_dmarc(dmarc),
        troubles=tuple(troubles),
    )


def _of(records: tuple[CheckedRecord, ...], purpose: RecordPurpose) -> list[CheckedRecord]:
    return [each for each in records if each.purpose == purpose]


def _is_spf(record: CheckedRecord, domain: str) -> bool:
    return record.name == domain and (
        record.purpose == "spf" or (record.purpose == "return_path" and record.type == "TXT")
    )


def _known(records: list[CheckedRecord]) -> Known:
    """A nameserver that did not answer makes nothing wrong."""
    looked_at = [each for each in records if each.is_answered and each.verdict is not None]
    if not looked_at or len(looked_at) < len(records):
        return "unknown"
    return "right" if all(each.verdict == "ok" for each in looked_at) else "wrong"


def _dmarc(records: list[CheckedRecord]) -> Known:
    """What else is remarked of a record leaves it one."""
    known = _known(records)
    is_there = all(each.verdict == "warn" and each.found != NO_DMARC for each in records)
    return "right" if known == "wrong" and is_there else known
