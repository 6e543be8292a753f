"""A message was accepted."""

from typing import ClassVar

from angarium.queue.events.shape import MessageEvent
from angarium.queue.model import Origin, Submission, UnixMs


class MessageAccepted(MessageEvent, frozen=True, kw_only=True, array_like=True, gc=False):
    """The message is ours: whoever gave it was told so. A DSN of ours begins in the same way."""

    number: ClassVar[int] = 1
    # 2: repairs; 3: tags; 4: what the sender wants to be told; 5: what it says of it, when it is to be sent, and an
    # origin of kind api; 6: its topic
    version: ClassVar[int] = 6
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
    # Of RFC 3461, for whoever tells the sender when the message has left the queue
    envid: str = ""  # "": none was given
    notify: tuple[int, ...] = ()  # by index, -1: not given; empty: for none of them
    orcpt: tuple[str, ...] = ()  # by index, "": not given; empty: for none of them
    about: bytes = b""  # ``queue.about``; b"": nothing
    # Its start is put off until then, by its sender or by a quota; 0: it is not
    not_before: UnixMs = UnixMs(0)
    expires: UnixMs = UnixMs(0)  # 0: not known, the event is of before 5
    if_missed: str = "send"  # IfMissed
    topic: str = ""

    def notify_of(self, index: int) -> int | None:
        """Return the Notify flags that were given for a recipient; None: none were, or the event is of before 4."""
        return self.notify[index] if index < len(self.notify) and self.notify[index] >= 0 else None

    def orcpt_of(self, index: int) -> str | None:
        return self.orcpt[index] or None if index < len(self.orcpt) else None


def accepted_event(submission: Submission) -> MessageAccepted:
    envelope = submission.envelope
    notify = [-1 if each.notify is None else int(each.notify) for each in envelope.recipients]
    orcpt = [each.orcpt or "" for each in envelope.recipients]
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
        envid=envelope.envid or "",
        notify=tuple(notify) if max(notify) >= 0 else (),
        orcpt=tuple(orcpt) if any(orcpt) else (),
        about=submission.about,
        not_before=submission.not_before,
        expires=submission.expires,
        if_missed=submission.if_missed,
        topic=submission.topic,
    )
