"""What is asked of mail while it is accepted: rules where its tenant wants it, other programs where the operator does.

Where nobody does, that costs nothing.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from angarium.content.checking.checking import OF_MAIL, check
from angarium.content.checking.mail import Facts
from angarium.content.checking.rule import Finding
from angarium.intake.checking.checked_mail import mail_of_order
from angarium.intake.checking.scanners import Scanners
from angarium.intake.order import Fault, FaultKind, Order
from angarium.queue.model import Submission, UnixMs
from angarium.tenancy.check_policy import CheckPolicy

UNSCANNED_RETRY_S: Final = 60
_RAW: Final = "raw"


class SendingCheck(Protocol):
    """What the desks ask."""

    @property
    def scans(self) -> bool:
        """Whether ``find_scan_fault`` does anything."""
        ...

    def look(self, tenant: str, order: Order, octets: int) -> tuple[Finding, ...] | Fault:
        """Return what is told with the answer, or why it is refused. ``octets``: of the message that was built."""
        ...

    async def find_scan_fault(self, submission: Submission) -> Fault | None:
        """Return why other programs have it refused."""
        ...


class Unchecked:
    """Satisfies SendingCheck: everything is accepted."""

    scans = False

    def look(self, _tenant: str, _order: Order, _octets: int) -> tuple[Finding, ...]:
        return ()

    async def find_scan_fault(self, _submission: Submission) -> None:
        return None


UNCHECKED: Final = Unchecked()


class PolicyCheck:
    """Satisfies SendingCheck, by each tenant's policy and the operator's configuration."""

    def __init__(
        self,
        policy_of: Callable[[str], CheckPolicy],
        is_bulk: Callable[[str], bool],
        scanners: Scanners,
        clock: Callable[[], UnixMs],
    ) -> None:
        """``policy_of``: of a tenant. ``is_bulk``: whether a stream is of mail that nobody waits for."""
        self._policy_of = policy_of
        self._is_bulk = is_bulk
        self._scanners = scanners
        self._clock = clock

    @property
    def scans(self) -> bool:
        return bool(self._scanners.at_sending)

    def look(self, tenant: str, order: Order, octets: int) -> tuple[Finding, ...] | Fault:
        """See SendingCheck."""
        policy = self._policy_of(tenant)
        if policy.mode == "off":
            return ()
        only = frozenset(policy.codes) if policy.mode == "block" and policy.codes else OF_MAIL
        facts = Facts(is_bulk=self._is_bulk(order.stream), now_s=self._clock() // 1000)
        found = check(mail_of_order(order, octets), facts, only)
        refused = policy.find_refused(found)
        return found if refused is None else refusal(refused, is_raw=order.raw is not None)

    async def find_scan_fault(self, submission: Submission) -> Fault | None:
        """See SendingCheck."""
        recipients: Sequence[str] = [each.forward_path for each in submission.envelope.recipients]
        scan = await self._scanners.scan(
            submission.content,
            submission.envelope.reverse_path,
            recipients,
            by=self._scanners.at_sending,
        )
        for each in scan.findings:
            if each.level == "blocker":
                return refusal(each, is_raw=False)
        return None


def refusal(found: Finding, *, is_raw: bool) -> Fault:
    """``is_raw``: the client knows one field alone, the message."""
    detail = f" ({found.detail})" if found.detail else ""
    if found.code == "malware_not_looked_for":
        return Fault(
            kind=FaultKind.BUSY,
            message=f"{found.message}{detail}; nothing was stored: try again",
            retry_after_s=UNSCANNED_RETRY_S,
        )
    field = _RAW if is_raw else found.field
    return Fault(
        kind=FaultKind.INVALID,
        message=f"{field}: {found.message}{detail}",
        field=field,
        constraint=found.code,
    )
