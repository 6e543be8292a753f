"""A mail came back that is not known to be about a message of ours."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class ReportUnmatched(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """It changes nothing and is kept for review; ``message_id`` is empty, or what its reference claims."""

    number: ClassVar[int] = 26
    name: ClassVar[str] = "report_unmatched"

    report: bytes  # its id
    kind: str  # of feedback.report.MailKind
    why: str  # unsigned | forged | expired | unknown-key | several | other-recipient | unknown-recipient
    recipients: tuple[str, ...]  # that it names, a few
    client: str  # the address of who brought it; ""
