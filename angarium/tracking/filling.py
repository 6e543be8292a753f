"""What of a content is put in for each recipient, at the transfer. Pure; keys are arguments."""

from angarium.feedback.reference import Subject
from angarium.queue.model import Claimed, ClaimedMessage, Personal, UnixMs
from angarium.tracking.slots import LEAVE_SLOT, filled, plain
from angarium.tracking.tokens import Leaver, TrackingKeys


class Filler:
    def __init__(self, keys: TrackingKeys) -> None:
        self._keys = keys

    def fill(
        self, message: ClaimedMessage, personal: Personal, recipient: Claimed, now: UnixMs
    ) -> bytes:
        """Return the content as this recipient is to get it; its header is as long as before."""
        index, content = recipient.id.index, message.content
        if index in personal.untracked:
            content = plain(content, message.header_octets)
        who = self._keys.who(
            message.message_id, None if personal.anonymous else index, message.tenant, now
        )
        leave = ""
        if LEAVE_SLOT.encode() in content:
            subject = Subject(
                message_id=message.message_id,
                index=index,
                address=recipient.forward_path,
                tenant=message.tenant,
                stream=message.stream,
                campaign=message.campaign,
                sender_domain=message.header_from,
                topic=message.topic,
                language=message.language,
            )
            leave = self._keys.leave(leaver_of(subject, self._keys.last_day(now)))
        return filled(content, message.header_octets, who=who, leave=leave)


def leaver_of(subject: Subject, last_day: int) -> Leaver:
    """Return who may leave with a mail to the subject's one recipient."""
    return Leaver(
        message_id=subject.message_id,
        index=-1 if subject.index is None else subject.index,
        day=last_day,
        tenant=subject.tenant,
        stream=subject.stream,
        address=subject.address,
        campaign=subject.campaign,
        sender_domain=subject.sender_domain,
        topic=subject.topic,
        language=subject.language,
    )
