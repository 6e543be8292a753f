"""What senders are told of their mail (DSNs), so many an hour each: of attempts, or of an operator's return of it."""

import os
from collections.abc import Callable, Sequence

from angarium.config.schema import Config
from angarium.mta.dsn import RecipientReport, dsn_for
from angarium.mta.record.dsn_limit import DsnLimit
from angarium.queue import (
    Attempt,
    ClaimedMessage,
    MessageIdGenerator,
    Submission,
    UnixMs,
    message_id_text,
)
from angarium.routing.partition_finder import PartitionFinder, RouteMemory
from angarium.routing.routing import Routing
from angarium.telemetry import log


class SenderNotices:
    """As a callable, satisfies ``queue.act.Notify``."""

    def __init__(self, config: Config, queue: RouteMemory, clock: Callable[[], UnixMs]) -> None:
        self._config = config
        self._clock = clock
        self._new_message_id = MessageIdGenerator(clock, os.urandom)
        self._partition_of = PartitionFinder(Routing.of(config), queue)
        self._limit = DsnLimit(config.delivery.dsn_per_hour)

    def exchange(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self._config = config
        self._partition_of.exchange(Routing.of(config))
        self._limit.per_hour = config.delivery.dsn_per_hour

    def __call__(self, message: ClaimedMessage, attempt: Attempt) -> Submission | None:
        """Tell that an operator returned it to all its recipients' sender."""
        return self.tell(
            message,
            [
                RecipientReport(recipient=each, action="failed", attempt=attempt)
                for each in message.recipients
            ],
        )

    def tell(
        self, message: ClaimedMessage, reports: Sequence[RecipientReport]
    ) -> Submission | None:
        """Return the DSN to be queued; None: nobody is told, or enough for this hour."""
        now = self._clock()
        notice = dsn_for(
            message,
            reports,
            hostname=self._config.server.hostname,
            now=now,
            lifetime_ms=int(self._config.delivery.expire_s * 1000),
            new_message_id=self._new_message_id,
            partition_of=self._partition_of,
        )
        sender = message.envelope.reverse_path
        if notice is not None and not self._limit.allows(sender, now):
            id_ = message_id_text(message.message_id)
            log("dsn_limit", "warning", message_id=id_, tenant=message.tenant, sender=sender)
            return None
        return notice
