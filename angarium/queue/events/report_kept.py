"""A report about a domain of ours was kept for those who evaluate it."""

from typing import ClassVar

from angarium.queue.events.shape import CataloguedEvent


class ReportKept(CataloguedEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """Of DMARC or TLS results; ``message_id`` is empty."""

    number: ClassVar[int] = 27
    name: ClassVar[str] = "report_kept"

    report: bytes  # its id
    kind: str  # dmarc | tls-rpt
    sender: str  # its reverse path
    client: str  # the address of who brought it; ""
    size_octets: int
