"""A message was accepted."""

from typing import ClassVar

from angarium.queue.events.shape import MessageEvent
from angarium.queue.model import Origin, Submission


class MessageAccepted(MessageEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """The message is ours: whoever gave it was told so. A DSN of ours begins in the same way."""

    number: ClassVar[int] = 1
    version: ClassVar[int] = 3  # 2: repairs; 3: tags
    name: ClassVar[str] = "accepted"

    reverse_path: str
    recipients: tuple[str, ...]  # forward-paths, in the order of their indexes
    size_octets: int
    message_id_header: str
    origin: Origin
    priority: int = 0
    campaign: str = ""
    repairs: tuple[
        str, ...
    ] = ()  # what was mended of the content (smtp.repair), most often nothing
    tags: tuple[str, ...] = ()  # what the sender calls it, besides its campaign


def accepted_event(submission: Submission) -> MessageAccepted:
    envelope = submission.envelope
    return MessageAccepted(
        at=submission.accepted,
        message_id=submission.message_id,
        tenant=submission.tenant,
        stream=submission.stream,
        reverse_path=envelope.reverse_path,
        recipients=tuple([each.forward_path for each in envelope.recipients]),
        size_octets=len(submission.content),
        message_id_header=submission.message_id_header,
        origin=submission.origin,
        priority=submission.priority,
        campaign=submission.campaign,
        repairs=submission.repairs,
        tags=submission.tags,
    )
