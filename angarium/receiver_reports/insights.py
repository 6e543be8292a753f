"""What follows from reports, in words: each by a stated rule over the last days, with what to do. Pure.

The rules' figures are here, and in docs/receiver-reports.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from angarium.receiver_reports.standing import Standing, standing_of

Kind = Literal[
    "own_source_unaligned",
    "strangers_send",
    "ready_for_quarantine",
    "ready_for_reject",
    "tls_failing",
    "spam_rate",
    "requirement_unmet",
    "address_disliked",
    "not_polled",
]
Verdict = Literal["ok", "warn", "fail"]
# Ours
RECENT_DAYS: Final = 7
READY_DAYS: Final = 30
READY_REPORTED: Final = 25  # of these days there are reports
READY_MESSAGES: Final = 100
READY_BROKEN: Final = 0.01  # of all mail: what others forward, or sign for us, and is not aligned
UNALIGNED_MESSAGES: Final = 10
UNALIGNED_WARN: Final = 0.01
UNALIGNED_FAIL: Final = 0.1
STRANGE_MESSAGES: Final = 100
STRANGE_SHARE: Final = 0.05
TLS_SESSIONS: Final = 10
TLS_SHARE: Final = 0.01
TLS_FAIL: Final = 0.1
# Google's, of its sender guidelines
SPAM_WARN: Final = 0.001
SPAM_FAIL: Final = 0.003
POLL_FAILURES: Final = 3
_NAMED: Final = 3
_TLS_REMEDIES: Final[Mapping[str, str]] = {
    "starttls-not-supported": "have the host offer STARTTLS, and look whether something on the way takes it away",
    "certificate-expired": "renew the host's certificate",
    "certificate-host-mismatch": "give the host a certificate with its own name, as MX and policy have it",
    "certificate-not-trusted": "give the host a certificate of a public authority, with its whole chain",
    "tlsa-invalid": "publish a TLSA record that fits the host's certificate, before the certificate changes",
    "dnssec-invalid": "mend the zone's DNSSEC signatures",
    "dane-required": "publish TLSA records for the host, in a zone with DNSSEC",
    "sts-policy-fetch-error": "have https://mta-sts.<domain>/.well-known/mta-sts.txt answer",
    "sts-policy-invalid": "mend the policy at https://mta-sts.<domain>/.well-known/mta-sts.txt",
    "sts-webpki-invalid": "give the host mta-sts.<domain> a certificate that is valid",
    "validation-failure": "see the reason in `postmaster receivers tls --by result`",
}


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Mail as one policy's domain from one address."""

    domain: str
    address: str
    source: str  # our [[source]]; "": none of ours
    messages: int
    aligned: int
    dkim_aligned: int
    spf_aligned: int
    # Of what is not aligned, the most frequent: DKIM's word and detail, SPF's word and detail
    dkim: str = ""
    dkim_detail: str = ""
    spf: str = ""
    spf_detail: str = ""

    @property
    def standing(self) -> Standing:
        return standing_of(
            is_own=bool(self.source),
            messages=self.messages,
            aligned=self.aligned,
            dkim_aligned=self.dkim_aligned,
            spf_aligned=self.spf_aligned,
        )

    @property
    def unaligned(self) -> int:
        return self.messages - self.aligned

    @property
    def text(self) -> str:
        return f"{self.source} ({self.address})" if self.source else self.address


class DomainFacts(msgspec.Struct, frozen=True, kw_only=True):
    domain: str
    policy: str  # the newest that was reported
    days: int  # of the last READY_DAYS with reports
    recent: tuple[SourceFacts, ...]  # of RECENT_DAYS
    month: tuple[SourceFacts, ...]  # of READY_DAYS


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What failed at one host of ours within RECENT_DAYS, by what."""

    domain: str
    mx: str
    result: str
    policy: str
    failed: int
    sessions: int  # of the domain, all hosts


class LatestFigure(msgspec.Struct, frozen=True, kw_only=True):
    """The newest of its name within RECENT_DAYS."""

    provider: str
    subject: str
    name: str
    day: str
    value: float | None
    word: str
    source: str = ""  # our [[source]] of the address; ""


class PollFacts(msgspec.Struct, frozen=True, kw_only=True):
    provider: str
    failures: int
    problem: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    domains: tuple[DomainFacts, ...] = ()
    tls: tuple[TlsFacts, ...] = ()
    figures: tuple[LatestFigure, ...] = ()
    polls: tuple[PollFacts, ...] = ()


class Insight(msgspec.Struct, frozen=True, kw_only=True):
    kind: Kind
    verdict: Verdict  # ok: good news
    subject: str  # a domain, a host, an address, a provider
    text: str
    remedy: str
    figures: Mapping[str, float | int | str]  # what the text has, as values


def insights_of(facts: Facts) -> list[Insight]:
    """Return what is worst first."""
    found: list[Insight] = []
    for domain in facts.domains:
        found += _unaligned(domain)
        found += _strangers(domain)
        found += _ready(domain)
    found += [it for each in facts.tls if (it := _tls(each)) is not None]
    for figure in facts.figures:
        found += _of_google(figure) if figure.provider == "google" else _of_microsoft(figure)
    found += [it for each in facts.polls if (it := _poll(each)) is not None]
    order = {"fail": 0, "warn": 1, "ok": 2}
    return sorted(found, key=lambda each: order[each.verdict])


def _unaligned(domain: DomainFacts) -> Iterator[Insight]:
    for each in domain.recent:
        share = each.unaligned / each.messages if each.messages else 0.0
        if not each.source or each.messages < UNALIGNED_MESSAGES or share < UNALIGNED_WARN:
            continue
        why = f"DKIM {_why_text(each.dkim, each.dkim_detail)}, SPF {_why_text(each.spf, each.spf_detail)}"
        yield Insight(
            kind="own_source_unaligned",
            verdict="fail" if share >= UNALIGNED_FAIL else "warn",
            subject=domain.domain,
            text=f"{each.unaligned:,} of {each.messages:,} mails from {each.text} as {domain.domain} within"
            f" {RECENT_DAYS} days were not aligned; mostly {why}",
            remedy=_unaligned_remedy(each, domain.domain),
            figures={
                "address": each.address,
                "source": each.source,
                "messages": each.messages,
                "unaligned": each.unaligned,
            },
        )


def _why_text(word: str, detail: str) -> str:
    return f"{word} ({detail})" if detail else word or "not told"


def _unaligned_remedy(facts: SourceFacts, domain: str) -> str:
    if facts.dkim == "failed":
        return f"the signature of {domain} does not hold there: compare the key that is published (`postmaster doctor`)"
    if facts.dkim == "unaligned":
        return f"have its mail signed as {domain} too: add a key of that domain ([dkim], or `postmaster domain add`)"
    return f"have its mail signed: add a key of {domain} ([dkim], or `postmaster domain add`)"


def _strangers(domain: DomainFacts) -> Iterator[Insight]:
    strange = [each for each in domain.recent if each.standing == "stranger"]
    messages = sum(each.messages for each in strange)
    total = sum(each.messages for each in domain.recent)
    if messages < STRANGE_MESSAGES or messages < total * STRANGE_SHARE:
        return
    named = ", ".join(f"{each.address} ({each.messages:,})" for each in strange[:_NAMED])
    more = f" and {len(strange) - _NAMED:,} more" if len(strange) > _NAMED else ""
    stop = (
        "else p=reject is in force, and receivers refuse it: nothing is to be done"
        if domain.policy == "reject"
        else f"else have receivers stop it: publish a stricter policy than p={domain.policy or 'none'}"
    )
    yield Insight(
        kind="strangers_send",
        verdict="warn",
        subject=domain.domain,
        text=f"somebody else sends as {domain.domain}: {messages:,} of {total:,} mails within {RECENT_DAYS} days came"
        f" from addresses that are not ours, without SPF or DKIM of it: {named}{more}",
        remedy=f"if it is a service of yours, have it sign as {domain.domain}, or add it to SPF; {stop}",
        figures={"messages": messages, "total": total, "addresses": len(strange)},
    )


def _ready(domain: DomainFacts) -> Iterator[Insight]:
    if domain.policy not in ("none", "quarantine") or domain.days < READY_REPORTED:
        return
    # What strangers send is what the policy is there for; a forwarder may break some signatures
    ours = [each for each in domain.month if each.standing in ("own", "permitted")]
    broken = sum(each.unaligned for each in domain.month if each.standing == "signed")
    messages = sum(each.messages for each in ours)
    if messages < READY_MESSAGES or any(each.unaligned for each in ours):
        return
    if broken > READY_BROKEN * sum(each.messages for each in domain.month):
        return
    strict = "quarantine" if domain.policy == "none" else "reject"
    yield Insight(
        kind="ready_for_quarantine" if strict == "quarantine" else "ready_for_reject",
        verdict="warn" if strict == "quarantine" else "ok",
        subject=domain.domain,
        text=f"{domain.domain} has p={domain.policy}, and all of {messages:,} mails from our sources within"
        f" {READY_DAYS} days were aligned",
        remedy=f"publish p={strict} for {domain.domain}; with t=y at first, receivers go one step below it",
        figures={"messages": messages, "days": domain.days, "policy": domain.policy},
    )


def _tls(facts: TlsFacts) -> Insight | None:
    share = facts.failed / facts.sessions if facts.sessions else 1.0
    if facts.failed < TLS_SESSIONS or share < TLS_SHARE:
        return None
    where = facts.mx or facts.domain
    remedy = _TLS_REMEDIES.get(facts.result, "see `postmaster receivers tls --by result`")
    is_bound = facts.policy in ("sts", "tlsa")
    return Insight(
        kind="tls_failing",
        verdict="fail" if is_bound and share >= TLS_FAIL else "warn",
        subject=where,
        text=f"TLS to {where} failed in {facts.failed:,} of {facts.sessions:,} sessions for {facts.domain} within"
        f" {RECENT_DAYS} days: {facts.result} (policy {facts.policy})",
        remedy=remedy.replace("<domain>", facts.domain),
        figures={
            "domain": facts.domain,
            "result": facts.result,
            "failed": facts.failed,
            "sessions": facts.sessions,
        },
    )


def _of_google(figure: LatestFigure) -> Iterator[Insight]:
    if figure.name == "spam_rate" and figure.value is not None and figure.value >= SPAM_WARN:
        yield Insight(
            kind="spam_rate",
            verdict="fail" if figure.value >= SPAM_FAIL else "warn",
            subject=figure.subject,
            text=f"Google says that {figure.value:.2%} of the mail of {figure.subject} on {figure.day} was called spam"
            f" by who got it: below {SPAM_WARN:.1%} is well, at {SPAM_FAIL:.1%} mail is refused",
            remedy="send less to who has not read for long, and see `postmaster stats --by campaign` for what was sent",
            figures={"rate": figure.value, "day": figure.day},
        )
    if figure.name.startswith("compliance_") and figure.word.startswith("needs_work"):
        what = figure.name.removeprefix("compliance_").replace("_", " ")
        reason = figure.word.partition(": ")[2].replace("_", " ")
        yield Insight(
            kind="requirement_unmet",
            verdict="fail",
            subject=figure.subject,
            text=f"Google says that {figure.subject} does not meet what it requires of senders: {what}"
            + (f" ({reason})" if reason else ""),
            remedy="see `postmaster doctor` for what is published, and Google's sender guidelines",
            figures={"requirement": what, "word": figure.word, "day": figure.day},
        )


def _of_microsoft(figure: LatestFigure) -> Iterator[Insight]:
    verdict = _dislike(figure)
    if verdict is None:
        return
    where = f"{figure.source} ({figure.subject})" if figure.source else figure.subject
    what = figure.name.replace("_", " ")
    said = figure.word or f"{figure.value:g}"
    yield Insight(
        kind="address_disliked",
        verdict=verdict,
        subject=figure.subject,
        text=f"Microsoft says of {where} on {figure.day}: {what} {said}",
        remedy="send less from it, to who reads; if it is blocked, ask for mercy at Microsoft's sender support",
        figures={"name": figure.name, "word": said, "day": figure.day},
    )


def _dislike(figure: LatestFigure) -> Verdict | None:
    value = figure.value or 0.0
    if figure.name == "filter_result":
        return {"red": "fail", "yellow": "warn"}.get(figure.word)  # type: ignore[return-value]
    if figure.name == "status":
        return "fail" if value else None
    if figure.name == "complaint_rate":
        return "warn" if value >= SPAM_FAIL else None
    if figure.name == "trap_hits":
        return "warn" if value else None
    return None


def _poll(facts: PollFacts) -> Insight | None:
    if facts.failures < POLL_FAILURES:
        return None
    name = {"google": "Google Postmaster Tools", "microsoft": "Microsoft SNDS"}[facts.provider]
    return Insight(
        kind="not_polled",
        verdict="warn",
        subject=facts.provider,
        text=f"{name} could not be read {facts.failures} times in a row: {facts.problem}",
        remedy=f"mend the key file or the account, and try `postmaster receivers poll {facts.provider}`",
        figures={"failures": facts.failures},
    )


def named(sources: Mapping[str, str], rows: Sequence[LatestFigure]) -> tuple[LatestFigure, ...]:
    """Give each address that is ours the name of its source."""
    return tuple(
        msgspec.structs.replace(each, source=sources.get(each.subject, "")) for each in rows
    )
