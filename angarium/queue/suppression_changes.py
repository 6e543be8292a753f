"""Changes of suppressions, what each comes to, and the event that tells of it. Pure."""

from typing import Final

import msgspec

from angarium.queue.act import Actor
from angarium.queue.events.catalogue import CataloguedKind
from angarium.queue.events.suppression_added import SuppressionAdded
from angarium.queue.events.suppression_removed import SuppressionRemoved
from angarium.queue.model import MessageId, UnixMs
from angarium.queue.suppression_key import address_key, check_email
from angarium.queue.suppressions import EVERYBODY, UNREADABLE, Scope, Suppression

# Who takes away what is over
SWEEPER: Final = Actor(who="angarium", reason="its time was over")
_NO_MESSAGE: Final = MessageId(b"")


class Suppress(msgspec.Struct, frozen=True, kw_only=True):
    """Suppress an address; nothing, if what is there already weighs as much."""

    suppression: Suppression
    by: Actor
    message_id: MessageId = _NO_MESSAGE  # the mail that led to it
    replaces: bool = False  # whatever is there: who asks has seen it
    # On disk with it, in front of its own, and only if it does something: who asks twice is told of once
    events: tuple[CataloguedKind, ...] = ()

    @property
    def key(self) -> bytes:
        """Raises ValueError."""
        return self.suppression.key

    def bounded(self) -> "Suppress":
        """Return it fit for the store. Raises ValueError for what is no address, or an actor without a name."""
        check_email(self.suppression.email)
        return Suppress(
            suppression=self.suppression.bounded(),
            by=self.by.bounded(),
            message_id=self.message_id,
            replaces=self.replaces,
            events=self.events,
        )

    def prevails(self, before: Suppression, now: UnixMs) -> bool:
        """Whether it takes the place of what is there."""
        if self.replaces:
            return self.suppression != before
        return not before.is_in_force(now) or self.suppression.outweighs(before)


class Unsuppress(msgspec.Struct, frozen=True, kw_only=True):
    """Take a suppression away, and forget the address's failures; nothing, if there is none."""

    email: str
    scope: Scope = EVERYBODY
    by: Actor
    reason: str = ""  # only if it is there for this reason; "": whatever it is there for
    events: tuple[CataloguedKind, ...] = ()  # as of Suppress

    @property
    def key(self) -> bytes:
        """Raises ValueError."""
        return address_key(self.email) + self.scope.key

    def bounded(self) -> "Unsuppress":
        """Return it fit for the store. Raises ValueError for an actor without a name."""
        return msgspec.structs.replace(self, by=self.by.bounded())

    def concerns(self, found: Suppression) -> bool:
        return not self.reason or found.reason == self.reason

    def unreadable(self) -> Suppression:
        """Return what stands for one whose record the disk damaged."""
        return Suppression(
            email=self.email, scope=self.scope, reason=UNREADABLE, added_at=UnixMs(0)
        )


SuppressionChange = Suppress | Unsuppress


def added_event(change: Suppress, at: UnixMs) -> SuppressionAdded:
    added = change.suppression
    return SuppressionAdded(
        at=at,
        message_id=change.message_id,
        email=added.email,
        scope=added.scope.text,
        cause=added.reason,
        until=added.expires_at,
        evidence=added.evidence,
        reference=added.reference,
        actor=change.by.who,
        reason=change.by.reason,
    )


def removed_event(found: Suppression, by: Actor, at: UnixMs) -> SuppressionRemoved:
    return SuppressionRemoved(
        at=at,
        message_id=_NO_MESSAGE,
        email=found.email,
        scope=found.scope.text,
        cause=found.reason,
        actor=by.who,
        reason=by.reason,
    )
