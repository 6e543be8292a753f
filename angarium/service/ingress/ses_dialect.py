"""Amazon SES's dialect, made of what serves the API in an ingress process."""

from collections.abc import Callable

from angarium.api.access import Access
from angarium.api.compat.ses.account import AccountFigures
from angarium.api.compat.ses.dialect import Ses
from angarium.api.compat.ses.signed import SignedCallers
from angarium.api.compat.ses.suppressed_list import SuppressedList
from angarium.api.compat.ses.templates import SesTemplates
from angarium.api.native.premises import Premises
from angarium.intake.order import Caller
from angarium.intake.sending import Sending
from angarium.queue import LmdbSpool
from angarium.queue.model import UnixMs
from angarium.tenancy import Snapshot
from angarium.tenancy.secret_file import Secrets


def ses_dialect(
    access: Access,
    sending: Sending,
    spool: LmdbSpool,
    snapshot: Callable[[], Snapshot],
    secrets: Secrets,
    clock: Callable[[], UnixMs],
    premises: Premises,
) -> Ses:
    def figures(caller: Caller) -> AccountFigures:
        """By the tenant's plan, and the rate of the key."""
        plan = snapshot().plan(caller.tenant)
        rates = [each for each in (plan.rate, plan.per_second) if each is not None]
        if (key := snapshot().keys.get(caller.key_id)) is not None:
            rates.append(key.rate)
        used = [each.used for each in spool.quota_use(caller.tenant) if each.period == "day"]
        return AccountFigures(
            per_second=min(rates, default=0),
            per_day=plan.per_day,
            used_today=used[0] if used else None,
        )

    callers = SignedCallers(access, snapshot, secrets.ses_secret, clock)
    suppressed = SuppressedList(spool.suppressions, clock, premises.note)
    return Ses(callers, sending, suppressed, figures, SesTemplates(premises))
