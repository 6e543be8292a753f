"""Amazon SES's dialect, made of what serves the API in an ingress process."""

from collections.abc import Callable

from angarium.api.access import Access
from angarium.api.compat.ses.account import AccountFigures
from angarium.api.compat.ses.dialect import Ses
from angarium.api.compat.ses.signed import SignedCallers
from angarium.api.compat.ses.suppressed_list import SuppressedList
from angarium.intake.order import Caller
from angarium.intake.sending import Sending
from angarium.queue import LmdbSpool
from angarium.queue.model import UnixMs
from angarium.queue.terms import Terms
from angarium.tenancy import Snapshot
from angarium.tenancy.secret_file import Secrets


def ses_dialect(
    access: Access,
    sending: Sending,
    spool: LmdbSpool,
    snapshot: Callable[[], Snapshot],
    secrets: Secrets,
    terms: Callable[[str], Terms],
    clock: Callable[[], UnixMs],
) -> Ses:
    """``terms``: a tenant's quotas."""

    def figures(caller: Caller) -> AccountFigures:
        key = snapshot().keys.get(caller.key_id)
        per_day = next((e.limit for e in terms(caller.tenant).quotas if e.period == "day"), None)
        used = [e.used for e in spool.quota_use(caller.tenant) if e.period == "day"]
        return AccountFigures(
            per_second=key.rate if key is not None else 0,
            per_day=per_day,
            used_today=used[0] if used else None,
        )

    callers = SignedCallers(access, snapshot, secrets.ses_secret, clock)
    return Ses(callers, sending, SuppressedList(spool.suppressions, clock), figures)
