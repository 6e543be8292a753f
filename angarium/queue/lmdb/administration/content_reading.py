"""Writing down that an operator looked at a message."""

from angarium.queue.act import Actor, Part
from angarium.queue.events.catalogue import encode_event
from angarium.queue.events.content_shown import ContentShown
from angarium.queue.lmdb.records import decode_message
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import MessageId


class NoteContentShown:
    """Operation: write the event; False when the message is not queued any more."""

    octets = 1000

    def __init__(self, message_id: MessageId, part: Part, by: Actor) -> None:
        self._message_id = message_id
        self._part: Part = part
        self._by = by

    def apply(self, tx: WriteTransaction) -> bool:
        raw = tx.get(tx.env.message, self._message_id)
        if raw is None:
            return False
        message = decode_message(raw)
        tx.append_event(
            encode_event(
                ContentShown(
                    at=tx.now,
                    message_id=self._message_id,
                    tenant=message.tenant,
                    stream=message.stream,
                    actor=self._by.who,
                    reason=self._by.reason,
                    part=self._part,
                )
            )
        )
        return True
