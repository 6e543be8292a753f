"""The desk for what comes back: takes mail to addresses that we have issued or named, and nothing else (A5).

What is taken is durable before its 250, and read later. Nobody is ever answered by mail.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from angarium.config.schema import Feedback
from angarium.feedback.reference import Expired, ReferenceKeys, Valid
from angarium.intake.desk import Acceptance, FaultObserver
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.reports import ReportBounds, ReportedMail, Reports
from angarium.smtp.envelope import Recipient
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal

NOT_ISSUED: Final = Refusal(550, "5.1.1", "No such address here")
EXPIRED: Final = Refusal(550, "5.1.1", "This address was for one message, and has expired")
ELSEWHERE: Final = Refusal(550, "5.7.1", "Relay access denied")
TOO_MANY: Final = Refusal(451, "4.3.2", "Too many reports at once, try again later")
# Ours, below the time that an acceptance may take
MAX_WAIT_S: Final = 20.0


class ReportDesk:
    """Satisfies ``AcceptanceDesk``.

    Invariant RD1: reports are begun to be stored at the configured pace; who would wait for longer than MAX_WAIT_S is
    put off, and nothing of it is stored.
    """

    def __init__(
        self,
        config: Feedback,
        keys: ReferenceKeys,
        reports: Reports,
        new_id: Callable[[], MessageId],
        clock: Callable[[], UnixMs],
        observer: FaultObserver,
        give_way: Callable[[], None],
    ) -> None:
        self._reports = reports
        self._new_id = new_id
        self._clock = clock
        self._observer = observer
        self.give_way: Final = give_way
        self._turn = 0.0  # of the next report, by the event loop's clock
        self.exchange(config, keys)

    def exchange(self, config: Feedback, keys: ReferenceKeys) -> None:
        """Take mail by this from now on."""
        self._domain = (config.return_path_domain or "").lower()
        self._named = frozenset(each.lower() for each in config.feedback_addresses)
        self._keys = keys
        self._bounds = ReportBounds(reports=config.waiting_reports, octets=config.waiting_octets)
        self._pace_s = 1 / config.reports_per_s

    def may_receive(self, recipient: Recipient) -> Refusal | None:
        address = recipient.forward_path.lower()
        if address in self._named:
            return None
        local_part, _, domain = address.rpartition("@")
        if not self._domain or domain != self._domain:
            is_ours = any(each.endswith(f"@{domain}") for each in self._named)
            return NOT_ISSUED if is_ours else ELSEWHERE
        found = self._keys.verify(local_part, self._clock())
        if isinstance(found, Valid):
            return None
        return EXPIRED if isinstance(found, Expired) else NOT_ISSUED

    def accept(self, received: ReceivedMessage) -> Acceptance | Refusal:
        report = ReportedMail(
            id=self._new_id(),
            received=self._clock(),
            via="smtp",
            client=received.client_address,
            reverse_path=received.envelope.reverse_path,
            recipients=tuple(each.forward_path for each in received.envelope.recipients),
            content=received.content,
        )
        now = asyncio.get_running_loop().time()
        turn = max(now, self._turn)
        if turn - now > MAX_WAIT_S:
            return TOO_MANY
        self._turn = turn + self._pace_s
        return Acceptance(
            report.id, asyncio.ensure_future(self._store(report, turn - now)), self._observer
        )

    async def _store(self, report: ReportedMail, wait_s: float) -> None:
        """Who withdraws it before its turn has left nothing behind."""
        if wait_s > 0:
            await asyncio.sleep(wait_s)  # RD1
        await self._reports.accept((report,), self._bounds)
