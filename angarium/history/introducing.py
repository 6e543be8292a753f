"""What a message's first event says of it. Pure."""

from collections.abc import Mapping
from typing import Any

from angarium.history.story import Introduction
from angarium.queue.about import About, decode_about
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.model import UnixMs


def introduction_of(accepted: MessageAccepted) -> Introduction:
    return Introduction(
        message_id=accepted.message_id,
        tenant=accepted.tenant,
        stream=accepted.stream,
        campaign=accepted.campaign,
        tags=accepted.tags,
        created=accepted.at,
        message_id_header=accepted.message_id_header,
        reverse_path=accepted.reverse_path,
        recipients=accepted.recipients,
        about=about_of(accepted),
    )


def about_of(accepted: MessageAccepted) -> About:
    return decode_about(accepted.about)


def due_of(accepted: MessageAccepted) -> UnixMs:
    """Return when the first attempt was to be made, if that was put off; 0: it was not."""
    return accepted.not_before


def metadata_of(about: About, address: str) -> Mapping[str, Any]:
    """Return what comes back in a recipient's events: its own metadata, and the message's that it does not name."""
    own = about.recipients.get(address)
    return {**about.metadata, **own} if own else about.metadata
