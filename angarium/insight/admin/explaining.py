"""Explains a message by asking the running server: platform for its history, delivery for what it knows now."""

from pathlib import Path
from typing import Final

from angarium.insight.admin.client import AdminClient, ask_process, find_slots
from angarium.insight.admin.live import FindLive, LiveFact, QueuedRecipient
from angarium.insight.admin.protocol import Refused
from angarium.insight.admin.queue_reads import ExplainMessage
from angarium.insight.explain import with_live
from angarium.insight.explanation import Explanation
from angarium.queue import MessageId

# Ours: an explanation without what delivery knows is better than a long wait
LIVE_S: Final = 5.0
# Ours, of one question to delivery
LIVE_RECIPIENTS: Final = 1000


def explain_served(
    platform: AdminClient, data_dir: Path, message_id: MessageId, only: int | None = None
) -> Explanation | Refused:
    """Blocks. A delivery process that does not answer leaves its recipients without ``live``."""
    explanation = platform.ask(ExplainMessage(message_id=message_id, only=only))
    if isinstance(explanation, Refused):
        return explanation
    queued = tuple(
        QueuedRecipient(
            id=each.id,
            partition=each.next.partition,
            domain=each.destination,
            in_flight=each.next.state == "in_flight",
        )
        for each in explanation.recipients
        if each.next is not None
    )[:LIVE_RECIPIENTS]
    facts: list[LiveFact] = []
    for slot in find_slots(data_dir, "delivery") if queued else ():
        answer = ask_process(data_dir, slot, FindLive(recipients=queued), timeout_s=LIVE_S)
        if not isinstance(answer, Refused):
            facts += answer.facts
    return with_live(explanation, facts)
