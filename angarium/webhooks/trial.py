"""The event that shows whether an endpoint works. Blocks on disk."""

from angarium.queue.message_id import MessageIdGenerator, message_id_text
from angarium.queue.model import UnixMs
from angarium.tenancy.webhook import Webhook
from angarium.webhooks.delivery import DeliveryFilter, NewDelivery
from angarium.webhooks.happening import encode_happening, trial_happening
from angarium.webhooks.outbox import Outbox


def put_trial(outbox: Outbox, webhook: Webhook, new_id: MessageIdGenerator, now: UnixMs) -> int:
    """Have the endpoint told of a test, whatever events it wants; returns the delivery's number."""
    event_id = message_id_text(new_id())
    happening = trial_happening(webhook.id, webhook.tenant, event_id, now)
    delivery = NewDelivery(
        tenant=webhook.tenant,
        endpoint=webhook.id,
        event_id=event_id,
        type=happening.type,
        happening=encode_happening(happening),
    )
    outbox.add([delivery], now)
    newest = outbox.list(DeliveryFilter(endpoint=webhook.id))
    return next(each.id for each in newest if each.event_id == event_id)
