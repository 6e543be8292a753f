"""Acceptance once for a key and within quotas, in memory."""

from collections.abc import Callable, Sequence

from angarium.queue.memory.state import MemoryState
from angarium.queue.model import Submission, UnixMs
from angarium.queue.quota import PERIODS, QuotaPlan, QuotaUse, next_start, period_start, put_off
from angarium.queue.terms import (
    AcceptOutcome,
    KeyReused,
    OverQuota,
    QuotaPeriod,
    Repeated,
    Stored,
    Terms,
)


def write_on_terms(
    state: MemoryState,
    batch: Sequence[Submission],
    terms: Terms,
    now: UnixMs,
    once_limit: int,
    write: Callable[[Sequence[Submission]], None],
) -> AcceptOutcome:
    """``once_limit``: keys that a tenant may have."""
    once = terms.once
    if once is not None:
        used = find_used(state, once.tenant, once.key, once.digest, now)
        if used is not None:
            return used
    plan = QuotaPlan(terms.quotas, MemoryQuotaCounts(state, terms.tenant), now)
    planned = _plan(batch, terms, plan)
    if isinstance(planned, OverQuota):
        return planned
    write(planned)
    state.quotas.update({(terms.tenant, *key): count for key, count in plan.changed.items()})
    if once is not None:
        state.once.pop((once.tenant, once.key), None)
        state.forget_first_key(once.tenant, once_limit)
        state.once[once.tenant, once.key] = once
    return Stored(not_before=plan.latest)


def find_used(
    state: MemoryState, tenant: str, key: str, digest: bytes, now: UnixMs
) -> Repeated | KeyReused | None:
    used = state.once.get((tenant, key))
    if used is None or used.expires <= now:
        return None
    return Repeated(answer=used.answer) if used.digest == digest else KeyReused()


def memory_quota_use(state: MemoryState, tenant: str, now: UnixMs) -> tuple[QuotaUse, ...]:
    counts = MemoryQuotaCounts(state, tenant)
    return tuple(
        QuotaUse(
            period=each,
            used=counts.count(each, period_start(each, now)),
            until=next_start(each, now),
        )
        for each in PERIODS
    )


def _plan(
    batch: Sequence[Submission], terms: Terms, plan: QuotaPlan
) -> Sequence[Submission] | OverQuota:
    if terms.over_quota == "refuse":
        return plan.take(sum(len(each.envelope.recipients) for each in batch)) or batch
    planned: list[Submission] = []
    for each in batch:
        later = plan.take_later(len(each.envelope.recipients))
        if isinstance(later, OverQuota):
            return later
        planned.append(put_off(each, later) if later else each)
    return planned


class MemoryQuotaCounts:
    """Implements QuotaCounts."""

    def __init__(self, state: MemoryState, tenant: str) -> None:
        self._counts = state.quotas
        self._tenant = tenant

    def count(self, period: QuotaPeriod, start: UnixMs) -> int:
        return self._counts.get((self._tenant, period, start), 0)

    def latest(self, period: QuotaPeriod) -> UnixMs | None:
        wanted = (self._tenant, period)
        return max((start for *own, start in self._counts if tuple(own) == wanted), default=None)
