"""Counts events for the metrics: in the one process that reads them all, so that accepting and delivering need not."""

from angarium.queue import (
    AttemptFailed,
    Bounced,
    Cancelled,
    Delivered,
    Event,
    Expired,
    InDoubt,
    MessageAccepted,
    Relayed,
)
from angarium.service.mail_record import event_name
from angarium.telemetry.metrics import STAGES, Metrics

_STAGES = frozenset(STAGES)


def count_event(metrics: Metrics, event: Event) -> None:
    match event:
        case MessageAccepted():
            metrics.accepted_messages.add()
            metrics.accepted_recipients.add(len(event.recipients))
            metrics.accepted_octets.add(event.size_octets)
        case Delivered() | Relayed() | AttemptFailed() | Bounced() | Expired():
            metrics.outcomes[event_name(event)].add()
            stage = event.attempt.stage
            reply = str(event.attempt.code)[0] if event.attempt.code else "none"
            key = (stage if stage in _STAGES else "other", reply if reply in "245" else "none")
            metrics.attempts[key].add()
            if isinstance(event, AttemptFailed) and key == ("final_dot", "none"):
                metrics.in_doubt.add()  # the peer was gone before it answered the final dot
        case Cancelled():
            metrics.outcomes["cancelled"].add()
        case InDoubt():
            metrics.in_doubt.add()
        case _:
            pass  # what an operator did is in the mail log
