"""What a look at a domain's records has found: expected, found, the difference, a line to copy. Pure values."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from angarium.queue.model import UnixMs
from angarium.tenancy.model import Domain

RecordPurpose = Literal["ownership", "dkim", "spf", "dmarc", "mx", "return_path"]
RecordVerdict = Literal["ok", "warn", "fail"]
DomainHealth = Literal["pending", "verified", "failed"]

# Ours. Daily, from when all is well
DAY_MS: Final = 86_400_000
SOON_MS: Final = 60_000
FAILED_MS: Final = 3_600_000
# What waits to be published is looked for after another tenth of the time that it has waited
_PATIENCE: Final = 10
# What is found where there is no DMARC record
NO_DMARC: Final = "no record at it or above it"
# Large receivers want both to pass, so a mere warning of these is a failure, too
_BOTH: Final = ("dkim", "spf")


class CheckedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record to publish, and what there is."""

    purpose: RecordPurpose
    name: str
    type: str
    value: str  # expected; "": any will do
    zone_line: str  # to copy; "": any will do
    verdict: RecordVerdict | None = None  # None: not looked at
    found: str = ""
    difference: str = ""  # in a sentence; "": none
    remedy: str = ""
    is_answered: bool = True  # False: a nameserver did not answer, so it may be there


class DomainCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The last look at a domain."""

    domain_id: str
    checked: UnixMs
    records: tuple[CheckedRecord, ...]

    def is_found(self, record_name: str) -> bool:
        return any(each.name == record_name and each.verdict == "ok" for each in self.records)

    @property
    def is_proven(self) -> bool:
        """Whether its token was found."""
        return any(each.purpose == "ownership" and each.verdict == "ok" for each in self.records)

    def found_keys(self, domain: Domain) -> tuple[str, ...]:
        """Return the selectors of keys whose records were found."""
        return tuple(
            [
                each.selector
                for each in domain.keys
                if self.is_found(f"{each.selector}._domainkey.{domain.name}")
            ]
        )


def with_found(
    records: Sequence[CheckedRecord], check: DomainCheck | None
) -> tuple[CheckedRecord, ...]:
    """Return what is expected now, with what was found of it when it was looked for last."""
    known = {(each.name, each.type): each for each in (check.records if check else ())}
    return tuple([_with_found(each, known.get((each.name, each.type))) for each in records])


class CheckOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a check comes to: what is needed in memory to know when to look again, and what to tell."""

    checked: UnixMs
    failed: tuple[
        str, ...
    ] = ()  # names of records that are wrong for certain, and make mail of the domain fail
    text: str = ""  # what is wrong with the first
    is_certain: bool = True  # False: a nameserver was silent, so more may be wrong


def outcome_of(domain: Domain, check: DomainCheck) -> CheckOutcome:
    idle = {f"{each.selector}._domainkey.{domain.name}" for each in domain.keys if not each.signs}
    needed = [each for each in check.records if each.name not in idle and _is_needed(each)]
    failed = [each for each in needed if _is_failure(each)]
    return CheckOutcome(
        checked=check.checked,
        failed=tuple([each.name for each in failed]),
        text=failed[0].difference if failed else "",
        is_certain=all(each.is_answered for each in needed),
    )


def health_of(domain: Domain, outcome: CheckOutcome | None, before: DomainHealth) -> DomainHealth:
    """Silence of a nameserver makes nothing better or worse than ``before``."""
    if domain.verified is None:
        return "pending"
    if outcome is not None and outcome.failed:
        return "failed"
    is_silent = outcome is None or not outcome.is_certain
    return "failed" if is_silent and before == "failed" else "verified"


def next_look(domain: Domain, outcome: CheckOutcome | None, spread: float) -> UnixMs:
    """Return when to look again. ``spread``: from 0 to 1, of this domain: they are looked at all over the day."""
    if outcome is None or outcome.checked < _changed(domain):
        return UnixMs(0)
    if (since := _waits_since(domain)) is not None:
        waited = max(0, outcome.checked - since)
        return UnixMs(outcome.checked + min(DAY_MS, max(SOON_MS, waited // _PATIENCE)))
    if outcome.failed:
        return UnixMs(outcome.checked + FAILED_MS)
    return UnixMs(outcome.checked + int(DAY_MS * (0.75 + 0.25 * spread)))


def _with_found(record: CheckedRecord, known: CheckedRecord | None) -> CheckedRecord:
    if known is None or known.value != record.value:
        return record
    return msgspec.structs.replace(
        known, purpose=record.purpose, value=record.value, zone_line=record.zone_line
    )


def _is_needed(record: CheckedRecord) -> bool:
    """The return path is the server's, and a domain stays verified when its token goes."""
    return record.purpose not in ("ownership", "return_path")


def _is_failure(record: CheckedRecord) -> bool:
    if not record.is_answered or record.verdict in (None, "ok"):
        return False
    return record.verdict == "fail" or record.purpose in _BOTH


def _changed(domain: Domain) -> int:
    times: Sequence[int] = [domain.created, *(each.created for each in domain.keys)]
    return max(times)


def _waits_since(domain: Domain) -> int | None:
    """Since when something is to be published; the newest counts."""
    since = [each.created for each in domain.waiting_keys]
    if domain.verified is None:
        since.append(domain.created)
    return max(since, default=None)
