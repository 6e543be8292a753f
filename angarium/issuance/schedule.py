"""When a certificate is ordered: before a third of its life is left, and after failures ever more rarely. Pure.

Invariant SC1: of one host at most ORDERS_PER_HOUR orders begin in any hour, whatever is restarted: each is on disk
before it begins.
"""

import hashlib
from typing import Final

import msgspec

from angarium.issuance.model import HostStatus, Trouble, Validity
from angarium.queue.model import UnixMs

ORDERS_PER_HOUR: Final = 4  # ours; authorities forbid a sixth that fails
HOUR_MS: Final = 3_600_000
_FIRST_WAIT_MS: Final = 300_000
_LONGEST_WAIT_MS: Final = 24 * HOUR_MS
# An authority that is asked too much is left alone for so long, unless it says how long
_RATE_LIMITED_MS: Final = HOUR_MS
# Of a life, by which the renewals of hosts that were ordered together are moved apart
_SPREAD: Final = 0.03


def next_order(
    host: str, status: HostStatus, validity: Validity | None, directory_url: str
) -> UnixMs:
    """Return when its certificate is to be ordered. ``validity``: of the one that it has; None: it has none."""
    due = 0
    if validity is not None and status.directory_url == directory_url:
        life = validity.ends - validity.begins
        due = validity.ends - life // 3 - int(life * _SPREAD * _fraction(host))
    due = max(due, status.not_before)
    if len(status.attempts) >= ORDERS_PER_HOUR:
        due = max(due, status.attempts[-ORDERS_PER_HOUR] + HOUR_MS)  # SC1
    return UnixMs(due)


def begun(status: HostStatus, now: UnixMs) -> HostStatus:
    """Return what is to be on disk before an order begins. If nothing more is heard of it, it has failed."""
    failures = status.failures + 1
    recent = [each for each in status.attempts if now - HOUR_MS < each <= now]
    return msgspec.structs.replace(
        status,
        attempts=(*recent, now),
        failures=failures,
        not_before=UnixMs(now + _wait_ms(failures)),
    )


def cut_short(status: HostStatus, now: UnixMs) -> HostStatus:
    """The same for one that is gone on with: no order begins."""
    failures = status.failures + 1
    wait_ms = _wait_ms(failures)
    return msgspec.structs.replace(status, failures=failures, not_before=UnixMs(now + wait_ms))


def issued(status: HostStatus, directory_url: str) -> HostStatus:
    return HostStatus(directory_url=directory_url, attempts=status.attempts)


def failed(status: HostStatus, trouble: Trouble, now: UnixMs) -> HostStatus:
    """Of one that had ``begun``."""
    wait_ms = max(_wait_ms(status.failures), int(trouble.retry_after_s * 1000))
    if trouble.kind == "rate_limited" and not trouble.retry_after_s:
        wait_ms = max(wait_ms, _RATE_LIMITED_MS)
    wait_ms = min(wait_ms, _LONGEST_WAIT_MS)
    return msgspec.structs.replace(
        status, trouble=trouble, troubled=now, not_before=UnixMs(now + wait_ms)
    )


def asked_again(status: HostStatus) -> HostStatus:
    """Somebody has mended what was wrong: it is tried again as soon as SC1 allows."""
    return msgspec.structs.replace(status, failures=0, not_before=UnixMs(0))


def _wait_ms(failures: int) -> int:
    return min(_LONGEST_WAIT_MS, _FIRST_WAIT_MS << min(failures - 1, 16))


def _fraction(host: str) -> float:
    return int.from_bytes(hashlib.sha256(host.encode()).digest()[:4], "big") / 2**32
