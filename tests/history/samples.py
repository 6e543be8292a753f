"""An event log as the queue would write it, made by hand."""

from collections.abc import Sequence
from typing import Any

import msgspec

from angarium.queue import MessageId, Origin, Position, UnixMs
from angarium.queue.about import About, encode_about
from angarium.queue.events.accepted import accepted_event
from angarium.queue.events.catalogue import CATALOGUE, CataloguedKind
from angarium.queue.message_id import message_id_text
from tests.queue.samples import FakeClock, attempt, make_ids, submission

BY_NAME: dict[str, Any] = {kind.name: kind for kind in CATALOGUE}
QUEUE = b"a queue's own id"


class Log:
    """Each event is one millisecond after the one before."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.positions: list[Position] = []
        self._ids = make_ids(self.clock, seed)
        self._accepted: dict[MessageId, Any] = {}

    @property
    def last(self) -> int:
        return len(self.positions)

    def accept(
        self,
        *recipients: str,
        tenant: str = "default",
        stream: str = "news",
        campaign: str = "",
        tags: Sequence[str] = (),
        about: About | None = None,
        not_before: int = 0,
        message_id_header: str = "",
        own_id_at: str = "",  # a Message-ID as we make it, in this domain
        origin: Origin | None = None,
    ) -> MessageId:
        self.clock.now += 1
        message_id = self._ids()
        if own_id_at:
            message_id_header = f"<{message_id_text(message_id)}@{own_id_at}>"
        event = accepted_event(
            submission(
                message_id,
                recipients or ("bob@example.net",),
                tenant=tenant,
                accepted=self.clock.now,
                campaign=campaign,
                not_before=not_before,
            )
        )
        event = msgspec.structs.replace(
            event,
            stream=stream,
            tags=tuple(tags),
            about=encode_about(about or About()),
            message_id_header=message_id_header or event.message_id_header,
            origin=origin or event.origin,
        )
        self._accepted[message_id] = event
        self._append(event)
        return message_id

    def happen(self, name: str, message_id: MessageId, index: int = 0, **fields: object) -> None:
        """The other fields have whatever values they may have."""
        self.clock.now += 1
        accepted = self._accepted[message_id]
        known: dict[str, Any] = {
            "at": UnixMs(self.clock.now),
            "message_id": message_id,
            "tenant": accepted.tenant,
            "stream": accepted.stream,
            "index": index,
            "recipient": accepted.recipients[index]
            if 0 <= index < len(accepted.recipients)
            else "",
            "attempts": 1,
            "attempt": attempt(550 if name == "bounced" else 250, self.clock.now),
            "due": UnixMs(self.clock.now + 60_000),
            "feedback_type": "abuse",
            "kind": "delivery",
            "report": bytes(16),
            **fields,
        }
        kind = BY_NAME[name]
        values = {
            each.name: known.get(each.name, "")
            for each in msgspec.structs.fields(kind)
            if each.name in known or each.required
        }
        self._append(kind(**values))

    def tell_tenant(self, name: str, tenant: str, **fields: object) -> None:
        """An event about no message; other fields are empty."""
        self.clock.now += 1
        known: dict[str, Any] = {
            "at": UnixMs(self.clock.now),
            "message_id": MessageId(b""),
            "tenant": tenant,
            **fields,
        }
        kind = BY_NAME[name]
        values = {each.name: known.get(each.name, "") for each in msgspec.structs.fields(kind)}
        self._append(kind(**values))

    def _append(self, event: CataloguedKind) -> None:
        self.positions.append(Position(len(self.positions) + 1, event))

    def of(self, message_id: MessageId) -> list[Position]:
        return [each for each in self.positions if each.event.message_id == message_id]
