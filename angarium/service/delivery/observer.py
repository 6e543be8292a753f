"""Counts and logs what delivery does. Outcomes are counted from the event log, by the platform role."""

from angarium.mta.disk_wait import DISK_FULL
from angarium.mta.egress.packing import NotSigned
from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Failure
from angarium.queue import message_id_text
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics


class DeliveryObserver:
    """Satisfies the observers of mta.dispatcher and mta.egress.egress_queue."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._open = 0

    def connection_opened(self) -> None:
        self._metrics.delivery_connections.add()
        self._open += 1
        self._metrics.delivery_connections_open.set(self._open)

    def connection_closed(self) -> None:
        self._open -= 1
        self._metrics.delivery_connections_open.set(self._open)

    def connection_failed(self, failure: Failure) -> None:
        attempt = failure.attempt
        self._metrics.delivery_connections_failed.add()
        # A login that fails is the operator's to mend, and holds up all mail of its route
        event, level = (
            ("login_refused", "error") if attempt.stage == "auth" else ("site_unreachable", "info")
        )
        log(
            event,
            level,
            host=attempt.host,
            address=attempt.address,
            source=attempt.source,
            stage=attempt.stage,
            reply=attempt.text,
        )

    def unsigned(self, work: Work, reason: NotSigned) -> None:
        self._metrics.unsigned[reason.kind].add()
        if reason.kind == "unsignable":
            message = work.message
            log(
                "unsignable",
                "warning",
                message_id=message_id_text(message.message_id),
                tenant=message.tenant,
                reason=reason.text,
            )

    def loaded(self, recipients: int) -> None:
        self._metrics.ready.set(recipients)

    def in_doubt(self, recipients: int) -> None:
        if recipients:
            log("in_doubt", "warning", recipients=recipients)

    def pulled_in(self, recipients: int) -> None:
        log("pulled_in", "warning", recipients=recipients)

    def disk_full(self) -> None:
        log(
            "delivery_waits",
            "warning",
            reason=DISK_FULL,
        )

    def internal_error(self, where: str, error: BaseException) -> None:
        self._metrics.internal_errors.add()
        log_exception("internal_error", error, where=where)
