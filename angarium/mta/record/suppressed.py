"""What stands for an attempt where none is made, since nothing is sent to the address. Pure."""

from angarium.mta.transport.outcome import Suppressed
from angarium.queue import Attempt, Suppression, UnixMs
from angarium.smtp.date import render_date


def suppressed(why: Suppression, now: UnixMs) -> Suppressed:
    """The sender is told the reason, not the evidence: that may come of another tenant's mail."""
    since = f" since {render_date(why.added_at // 1000)}" if why.added_at else ""
    attempt = Attempt(
        at=now,
        host="",
        address="",
        source="",
        code=0,
        enhanced="5.7.1",  # RFC 3463 section 3.8: delivery not authorized, by us
        text=f"not sent: the address is suppressed{since} ({why.reason})",
        tls="",
        stage="",
    )
    return Suppressed(attempt=attempt, cause=why.reason, scope=why.scope.text)
