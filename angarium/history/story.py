"""What happened to a message, as whoever sent it may ask: values, and the protocol of who answers. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from angarium.history.readers import ReaderPage
from angarium.history.status import Status
from angarium.queue.about import About
from angarium.queue.event_log import Position
from angarium.queue.model import MessageId, UnixMs


class CursorError(ValueError):
    """It is no cursor of ours, or one of another list."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a message, or of a tenant, in the words of the API."""

    position: Position
    # accepted | sent | delivered | deferred | bounced | complained | opened | clicked | unsubscribed | suppressed |
    # expired | cancelled, as webhooks have them; or the event's own name
    type: str
    email_id: str  # "": it is about no message
    tenant: str
    recipients: tuple[str, ...]  # whom it is about; an accepted message's all
    since_ms: int  # it came so long after the message
    # What the sender gave along for whom it is about; empty in a story, which has it once
    metadata: Mapping[str, Any] = {}

    @property
    def at(self) -> UnixMs:
        return self.position.event.at


class RecipientStory(msgspec.Struct, frozen=True, kw_only=True):
    address: str  # forward-path
    status: Status
    last_updated: UnixMs | None = None  # None: in a list, which does not say it
    attempts: int = 0  # 0 in a list, as the next two are empty
    # Of the last attempt, or what came back later: "550 5.1.1 no such user"
    reply: str = ""
    host: str = ""  # who said so; ""
    metadata: Mapping[str, Any] = {}


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one message."""

    email_id: str
    tenant: str
    message_id: str  # its Message-ID, with angle brackets
    about: About
    reverse_path: str
    size_octets: int
    stream: str
    campaign: str
    tags: tuple[str, ...]
    created: UnixMs
    due: UnixMs  # of its first attempt, if that was put off; 0: it was not
    sent: UnixMs | None  # when the first recipient's host, or a smart host, took it
    last_updated: UnixMs
    status: Status
    recipients: tuple[RecipientStory, ...]  # by index
    incidents: tuple[Incident, ...]  # the newest thousand, in order; empty in a list


class StoryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages are wanted: all given conditions must hold; "" and None are none."""

    recipient: str = ""  # address; without case
    status: Status | None = None
    tag: str = ""
    stream: str = ""
    campaign: str = ""
    since: UnixMs | None = None  # accepted then or later
    until: UnixMs | None = None  # accepted before


class StoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first. It may have fewer than were asked for, or none, and still a cursor: then more is to be read."""

    stories: tuple[Story, ...]
    cursor: str | None  # of the next page; None: this was the last one


class IncidentPage(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the log."""

    incidents: tuple[Incident, ...]
    cursor: str  # behind the last one; where there was none, as it was given
    more: bool  # at once


class Introduction(msgspec.Struct, frozen=True, kw_only=True):
    """What a message's first event has of it, for whoever hears of later ones."""

    message_id: MessageId
    tenant: str
    stream: str
    campaign: str
    tags: tuple[str, ...]
    created: UnixMs
    message_id_header: str
    reverse_path: str
    recipients: tuple[str, ...]  # by index
    about: About


class HistoryReader(Protocol):
    """Whoever asks names the tenant, and sees nothing of others. Raises HistoryAwayError of every coroutine."""

    async def find(self, tenant: str, email_id: str) -> Story | None:
        """Return what is known of a message, with the status of a second ago or later. None: nothing is.

        One that was just accepted is waited for. ``email_id`` may be its Message-ID, too.
        """
        ...

    async def find_by_message_id(self, tenant: str, header: str) -> Story | None:
        """The same by the Message-ID that it was sent with, of several the newest. With or without angle brackets."""
        ...

    async def list(
        self, tenant: str, wanted: StoryFilter, cursor: str | None, limit: int
    ) -> StoryPage:
        """Return the page behind ``cursor`` (None: the first). Raises CursorError."""
        ...

    async def readers(
        self, tenant: str, wanted: StoryFilter, cursor: str | None, limit: int
    ) -> ReaderPage:
        """Return who opened or clicked, of the next ``limit`` messages behind ``cursor``. Raises CursorError."""
        ...

    async def events(self, tenant: str, cursor: str | None, limit: int) -> IncidentPage:
        """Return up to ``limit`` events of the tenant's mail behind ``cursor`` (None: from the oldest that is kept).

        Raises CursorError.
        """
        ...

    async def incidents(
        self, tenant: str, email_id: str, cursor: str | None, limit: int
    ) -> IncidentPage | None:
        """The same of one message's events. None: nothing is known of it."""
        ...


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of the log: those that meet all conditions; None is none."""

    first: int | None = None  # sequence numbers
    last: int | None = None
    # Nearly: what was logged between two messages of the tenant is read with either of them
    since: UnixMs | None = None
    until: UnixMs | None = None
    newest_first: bool = False


class ToldEvent(msgspec.Struct, frozen=True, kw_only=True):
    position: Position
    # None: it is about no message, or about one that is not known
    introduction: Introduction | None


class EventTeller(Protocol):
    async def told(self, tenant: str, wanted: Stretch, limit: int) -> Sequence[ToldEvent]:
        """Return up to ``limit`` events of the tenant's mail, in the order that is wanted. Raises HistoryAwayError."""
        ...


class Introductions(Protocol):
    """What other consumers of the event log ask in the platform process."""

    async def abouts(self, message_ids: Sequence[MessageId]) -> dict[MessageId, Introduction]:
        """Return what is known of each; those that are not known are left out. Raises HistoryAwayError."""
        ...

    def projected_to(self) -> int:
        """Return the sequence number of the last event that is in it: a message accepted later is not known yet."""
        ...


class HistoryAwayError(OSError):
    """The database cannot be used now; says why. What is in it is as it was."""
