"""What messages are found by in lists, besides their status and their time. Pure."""

import enum
from typing import Final

from angarium.history.story import StoryFilter
from angarium.queue.events.accepted import MessageAccepted
from angarium.queue.message_id import message_id_text

# Ours: an index of PostgreSQL takes no more than 2,700 octets a row
_CHARACTERS: Final = 500


class Label(enum.IntEnum):
    """The numbers are on disk. In the order of how few messages share one: a list is read by the first it names."""

    MESSAGE_ID = 1
    RECIPIENT = 2
    TAG = 3
    CAMPAIGN = 4
    STREAM = 5


def labels_of(accepted: MessageAccepted) -> set[tuple[Label, str]]:
    found = {(Label.RECIPIENT, label_text(each.lower())) for each in accepted.recipients}
    found.add((Label.STREAM, label_text(accepted.stream)))
    if accepted.campaign:
        found.add((Label.CAMPAIGN, label_text(accepted.campaign)))
    for tag in accepted.tags:
        found.add((Label.TAG, label_text(tag)))
    header = bare_id(accepted.message_id_header)
    # Ours begins with the message's own id, which it is found by
    if header and not header.startswith(message_id_text(accepted.message_id)):
        found.add((Label.MESSAGE_ID, label_text(header)))
    return found


def labels_wanted(wanted: StoryFilter) -> list[tuple[Label, str]]:
    """Return those that a message must have, the most telling first."""
    given = (
        (Label.RECIPIENT, wanted.recipient.lower()),
        (Label.TAG, wanted.tag),
        (Label.CAMPAIGN, wanted.campaign),
        (Label.STREAM, wanted.stream),
    )
    return [(label, label_text(value)) for label, value in given if value]


def bare_id(header: str) -> str:
    """Return a Message-ID without its angle brackets."""
    return header.strip().removeprefix("<").removesuffix(">")


def label_text(value: str) -> str:
    """Return what a database takes: PostgreSQL has no NUL, and no encoding has half a character."""
    whole = value[:_CHARACTERS].encode(errors="replace").decode()
    return whole.replace("\0", "?")
