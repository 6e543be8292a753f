"""What a submission server does to a message before it is queued (RFC 6409): checks its header against its sender,
repairs what is safe to repair, and builds the ``Submission``.

Knows nothing of sessions and sockets: a ``ReceivedMessage`` goes in, a ``Submission`` or a ``Refusal`` comes out.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final

import msgspec

from angarium.access.senders import Senders, compile_senders
from angarium.config.languages import is_tag
from angarium.config.schema import ListenerLimits, Stream, Tracking
from angarium.config.streams import streams_by_name
from angarium.feedback.reference import ReferenceKeys, Subject
from angarium.intake.labels import LABEL_FIELDS, Labels, read_labels
from angarium.intake.repair import mend_header
from angarium.intake.tracking import MailTracking, Wanted
from angarium.queue.message_id import message_id_text
from angarium.queue.model import IfMissed, MessageId, Origin, PartitionNumber, Submission, UnixMs
from angarium.smtp.address import Address, AddressSyntaxError, parse_mailbox
from angarium.smtp.date import render_date
from angarium.smtp.envelope import NOTIFY_DEFAULT, Envelope, Recipient
from angarium.smtp.header_block import HeaderBlock, HeaderLimits, field_title, parse_header
from angarium.smtp.mailbox_list import MailboxListSyntaxError, parse_mailbox_list, shown_address
from angarium.smtp.received import ReceivedMessage
from angarium.smtp.refusal import Refusal
from angarium.smtp.reply import clean_text
from angarium.smtp.trace_field import render_received

# Bcc: RFC 5322 section 3.6.3 and RFC 6409 section 8 (each copy would tell). Return-Path: RFC 5321 section 4.4,
# only final delivery writes it. Labels are for us: nobody else is told what a sender's campaigns are called.
# References are ours alone: one of another message would have its recipients suppressed.
DROPPED: Final = (
    frozenset({b"bcc", b"resent-bcc", b"return-path", b"x-angarium-reference"}) | LABEL_FIELDS
)
# The same where reports are read: what says whom to report to is ours, too
DROPPED_WHERE_READ: Final = DROPPED | {b"cfbl-address", b"cfbl-feedback-id"}


class Particulars(msgspec.Struct, frozen=True, kw_only=True):
    """What an API says of a message besides its envelope and content."""

    message_id: MessageId
    client: str  # its address: the message does not tell it
    campaign: str = ""
    tags: tuple[str, ...] = ()
    not_before: UnixMs = UnixMs(0)
    expires: UnixMs | None = None  # None: as its stream has it, from its start on
    if_missed: IfMissed = "send"
    about: bytes = b""
    sandbox: bool = False
    tracked: Wanted = Wanted()
    topic: str = ""
    language: str = ""  # of the pages where one leaves; "": what the header says


_AS_USUAL: Final = Wanted()
# The statuses of what is wrong with a header; who may send and how much is not to be mended
MENDABLE: Final = frozenset({"5.6.0", "5.6.7"})
RESENDERS: Final = (b"resent-from", b"resent-sender")
# ours: From values that are remembered, as senders repeat theirs
_AUTHORS_CACHED: Final = 1024
_AUTHOR_OCTETS: Final = 256
# of a Message-ID; a log needs no more
_LOGGED_OCTETS: Final = 250


class SubmissionBuilder:
    """Invariants of every submission it returns:

    IN1. Each author in From, the Sender, and who last resent it are allowed by the user's patterns, and there is
         exactly one From (A2); but a bounce may be of the sending host's own MAILER-DAEMON.
    IN2. Its header has as many fields as were received, less those dropped, plus those added; each line ends in
         CRLF and there is no other CR or LF in it (C1, S2).
    IN3. Octets of the body, and of fields that were not dropped or mended, are those received; what was mended is
         named in ``repairs``.
    """

    def __init__(
        self,
        hostname: str,
        clock: Callable[[], UnixMs],
        new_message_id: Callable[[], MessageId],
        partition_of: Callable[[str], PartitionNumber],
        limits: ListenerLimits,
        expire_s: float,
        streams: Mapping[str, Stream] | None = None,
    ) -> None:
        """``streams``: by name; None: those that ship. ``expire_s``: of those without one of their own."""
        self._hostname = hostname
        self._clock = clock
        self._new_message_id = new_message_id
        self._partition_of = partition_of
        self._limits = HeaderLimits(
            octets=limits.header_octets,
            fields=limits.header_fields,
            received=limits.received_headers,
        )
        self.expire_s = expire_s  # may change at any time, as the next
        self.streams = streams_by_name(()) if streams is None else streams
        # Of what comes back; None: nothing is read. May change at any time, too
        self.references: ReferenceKeys | None = None
        self.tracking = MailTracking(Tracking())  # may change at any time
        self._authors: dict[bytes, Sequence[Address]] = {}  # of From values: senders repeat theirs

    def build(
        self, received: ReceivedMessage, particulars: Particulars | None = None
    ) -> Submission | Refusal:
        """Return the message as it is to be queued, or the reply that refuses it. ``particulars``: it came by the API.

        What would be refused is mended, where the client may have that, and then held to the same rules.
        """
        built = self._build(received, particulars)
        if isinstance(built, Submission) or not (
            received.may_repair and built.enhanced in MENDABLE
        ):
            return built
        envelope = received.envelope
        mended = mend_header(
            received.content,
            self._limits,
            reverse_path=envelope.reverse_path,
            smtputf8=envelope.smtputf8,
        )
        if not mended.repairs:
            return built
        return self._build(
            msgspec.structs.replace(
                received, content=mended.content, repairs=(*received.repairs, *mended.repairs)
            ),
            particulars,
        )

    def _build(
        self, received: ReceivedMessage, particulars: Particulars | None
    ) -> Submission | Refusal:
        block = parse_header(received.content, self._limits, received.envelope.smtputf8)
        if isinstance(block, Refusal):
            return block
        authors = self._find_authors(block, received.envelope)
        if isinstance(authors, Refusal):
            return authors
        sender = _find_sender(block)
        if isinstance(sender, Refusal):
            return sender
        senders = compile_senders(received.senders)
        if not senders.allows_all:
            refusal = _check_permission(received, authors, sender, senders)  # IN1
            refusal = refusal or _check_resenders(block, senders)
            if refusal is not None:
                return refusal
        labels = read_labels(block, received, self.streams)
        if isinstance(labels, Refusal):
            return labels
        submission = self._assemble(
            received, block, authors, labels, sender is not None, particulars
        )
        if isinstance(submission, Refusal):
            return submission
        wanted = _wanted(labels)
        if particulars is not None:
            submission = _with(submission, particulars, authors[0].text)
            wanted = _either(particulars.tracked, wanted)
        return self.tracking.personal(submission, labels.stream, wanted)

    def _find_authors(self, block: HeaderBlock, envelope: Envelope) -> Sequence[Address] | Refusal:
        at = block.find(b"from")
        if at is None:
            return _default_author(envelope)
        value = block.value(at)
        if (known := self._authors.get(value)) is not None:
            return known
        authors = _parse_addresses(block, at)
        if not isinstance(authors, Refusal) and len(value) <= _AUTHOR_OCTETS:
            if len(self._authors) >= _AUTHORS_CACHED:
                self._authors.clear()
            self._authors[value] = authors
        return authors

    def _assemble(
        self,
        received: ReceivedMessage,
        block: HeaderBlock,
        authors: Sequence[Address],
        labels: Labels,
        has_sender: bool,
        particulars: Particulars | None,
    ) -> Submission | Refusal:
        now = self._clock()
        message_id = self._new_message_id() if particulars is None else particulars.message_id
        id_text = message_id_text(message_id)
        date = render_date(now // 1000)
        unwanted = DROPPED if self.references is None else DROPPED_WHERE_READ
        kept, dropped = _without_dropped(block, unwanted)
        name = f"{id_text}@{self._hostname if particulars is None else authors[0].domain}"
        if particulars is None and self.references is not None and b"message-id" not in block.names:
            subject = _subject_of(message_id, received, labels, authors[0].domain)
            name = f"{self.references.local_part(subject, now)}@{self._hostname}"
        added, message_id_header = self._missing_fields(
            block, received.envelope, name, date, len(authors) > 1 and not has_sender
        )
        if isinstance(added, Refusal):
            return added
        trace = render_received(received, self._hostname, id_text, date)
        header = b"".join((trace, kept, *added, b"\r\n"))
        if not _is_intact(header, len(block.names) - dropped + len(added) + 1):  # IN2
            return Refusal(550, "5.6.0", "The header cannot be sent safely")
        content = b"".join((header, memoryview(received.content)[block.body_offset :]))  # IN3
        envelope = _final_envelope(received.envelope, header, content)
        partition_of = self._partition_of
        stream = labels.stream
        expire_s = self.expire_s if stream.expire_s is None else stream.expire_s
        return Submission(
            message_id=message_id,
            tenant=received.tenant,
            stream=stream.name,
            priority=stream.priority,
            campaign=labels.campaign,
            topic=labels.topic,
            language=_language_of(block),
            tags=labels.tags,
            envelope=envelope,
            content=content,
            header_octets=len(header),
            has_dot_lines=received.has_dot_lines,  # what we added begins no line with a dot
            header_from=authors[0].domain,
            message_id_header=message_id_header,
            accepted=now,
            expires=UnixMs(now + int(expire_s * 1000)),
            origin=Origin(
                kind="submission",
                listener=received.listener,
                client=received.client_address,
                user=received.user,
            ),
            repairs=received.repairs,
            partitions=tuple([partition_of(each.domain) for each in envelope.recipients]),
        )

    def _missing_fields(
        self, block: HeaderBlock, envelope: Envelope, name: str, date: str, needs_sender: bool
    ) -> tuple[list[bytes] | Refusal, str]:
        """Return the fields to add behind those that came, and the text of the Message-ID there will be.

        ``name``: of one that we add, without its brackets.
        """
        added: list[bytes] = []
        reverse_path = envelope.reverse_path
        if b"from" not in block.names:
            added.append(b"From: <%b>\r\n" % reverse_path.encode())
        if needs_sender:  # RFC 5322 section 3.6.2; RFC 6409 section 8.1
            if isinstance(_default_author(envelope), Refusal):
                text = "From has several addresses: a Sender field is needed (RFC 5322 3.6.2)"
                return Refusal(550, "5.6.0", text), ""
            added.append(b"Sender: <%b>\r\n" % reverse_path.encode())
        if b"date" not in block.names:  # RFC 6409 section 8.2
            added.append(b"Date: %b\r\n" % date.encode())
        at = block.find(b"message-id")
        if at is not None and (value := block.value(at)):
            return added, clean_text(value[:_LOGGED_OCTETS].decode("ascii", "replace"))  # C7
        if at is not None:
            return Refusal(550, "5.6.0", "The Message-ID field is empty"), ""
        message_id = f"<{name}>"  # RFC 6409 section 8.3
        added.append(b"Message-ID: %b\r\n" % message_id.encode())
        return added, message_id


def _with(submission: Submission, particulars: Particulars, author: str) -> Submission:
    """Its time runs from its start on, unless its sender said when it ends. What comes back goes to its author."""
    envelope = submission.envelope
    if not envelope.reverse_path:
        envelope = msgspec.structs.replace(envelope, reverse_path=author)
    later = max(0, particulars.not_before - submission.accepted)
    expires = particulars.expires or UnixMs(submission.expires + later)
    return msgspec.structs.replace(
        submission,
        envelope=envelope,
        campaign=particulars.campaign or submission.campaign,
        tags=particulars.tags or submission.tags,
        origin=msgspec.structs.replace(submission.origin, kind="api", client=particulars.client),
        not_before=particulars.not_before,
        expires=expires,
        expires_is_given=particulars.expires is not None,
        if_missed=particulars.if_missed,
        about=particulars.about,
        sandbox=particulars.sandbox,
        topic=particulars.topic or submission.topic,
        language=particulars.language or submission.language,
    )


def _wanted(labels: Labels) -> Wanted:
    tracked = labels.tracked
    return (
        _AS_USUAL
        if tracked is None
        else Wanted(opens="opens" in tracked, clicks="clicks" in tracked)
    )


def _either(first: Wanted, second: Wanted) -> Wanted:
    """What an API's fields say wins over the header."""
    return Wanted(
        opens=second.opens if first.opens is None else first.opens,
        clicks=second.clicks if first.clicks is None else first.clicks,
        untracked=first.untracked,
    )


def _default_author(envelope: Envelope) -> Sequence[Address] | Refusal:
    """Return what the repair will put into From of a message without one: exactly who MAIL said it is from."""
    if envelope.reverse_path:
        with contextlib.suppress(MailboxListSyntaxError):
            return parse_mailbox_list(envelope.reverse_path)
    return Refusal(550, "5.6.0", "The message has no From field (RFC 5322 3.6)")


def _find_sender(block: HeaderBlock) -> Address | Refusal | None:
    at = block.find(b"sender")
    if at is None:
        return None
    found = _parse_addresses(block, at)
    if isinstance(found, Refusal):
        return found
    if len(found) > 1:  # RFC 5322 section 3.6.2
        return Refusal(550, "5.6.0", "The Sender field has more than one address")
    return found[0]


def _parse_addresses(block: HeaderBlock, at: int) -> Sequence[Address] | Refusal:
    try:
        return parse_mailbox_list(block.value(at).decode())
    except MailboxListSyntaxError as error:
        text = f"The {field_title(block.names[at])} field is not valid: {error}"
        return Refusal(550, "5.6.0", text)


def _check_permission(
    received: ReceivedMessage,
    authors: Sequence[Address],
    sender: Address | None,
    senders: Senders,
) -> Refusal | None:
    """A2. The reverse path is checked at MAIL already; again here, because no other line would hold the rule."""
    envelope = received.envelope
    for author in authors:
        if not senders.allows(author) and not _is_own_bounce(received, authors, senders):
            return _not_allowed("From", author.text)
    if sender is not None and not senders.allows(sender):
        return _not_allowed("Sender", sender.text)
    if not envelope.reverse_path or envelope.reverse_path == authors[0].text:  # allowed just now
        return None
    try:
        allowed = senders.allows(parse_mailbox(envelope.reverse_path))
    except AddressSyntaxError:
        allowed = False
    return None if allowed else _not_allowed("MAIL FROM", envelope.reverse_path)


def _is_own_bounce(received: ReceivedMessage, authors: Sequence[Address], senders: Senders) -> bool:
    """Whether it is a DSN that a satellite made itself: from MAILER-DAEMON of the name that it greeted with.

    What a host calls itself is easily said, so the name must be one that the user could have a host of: nobody bounces
    in the name of another tenant's.
    """
    (author, *others), host = authors, received.client_name.lower().removesuffix(".")
    return (
        not received.envelope.reverse_path
        and not others
        and author.local_part.lower() == "mailer-daemon"
        and author.domain == host
        and senders.allows_bounces_of(host)
    )


def _check_resenders(block: HeaderBlock, senders: Senders) -> Refusal | None:
    """A2. The first of each is this user's claim (RFC 5322 section 3.6.6: a block goes above those before it)."""
    for name in RESENDERS:
        if (at := block.find(name)) is None:
            continue
        found = _parse_addresses(block, at)
        if isinstance(found, Refusal):
            return found
        for each in found:
            if not senders.allows(each):
                return _not_allowed(field_title(name), each.text)
    return None


def _not_allowed(where: str, address: str) -> Refusal:
    return Refusal(550, "5.7.1", f"You may not send as {shown_address(address)} ({where})")


def _subject_of(
    message_id: MessageId, received: ReceivedMessage, labels: Labels, domain: str
) -> Subject:
    recipients = received.envelope.recipients
    is_one = len(recipients) == 1
    return Subject(
        message_id=message_id,
        index=0 if is_one else None,
        address=recipients[0].forward_path if is_one else "",
        tenant=received.tenant,
        stream=labels.stream.name,
        sender_domain=domain,
    )


def _language_of(block: HeaderBlock) -> str:
    """Return the first language that the header names (RFC 3282); "" where there is none that could be one."""
    at = block.find(b"content-language")
    if at is None:
        return ""
    tag = block.value(at).partition(b",")[0].strip(b" \t").decode("ascii", "replace")
    return tag if is_tag(tag) else ""


def _without_dropped(block: HeaderBlock, dropped: Set[bytes]) -> tuple[bytes, int]:
    """Return the fields that stay, and how many do not."""
    if dropped.isdisjoint(block.names):
        return block.octets, 0
    kept = [block.field(at) for at, name in enumerate(block.names) if name not in dropped]
    return b"".join(kept), len(block.names) - len(kept)


def _is_intact(header: bytes, fields: int) -> bool:
    """Whether the header, with its empty line, has this many fields, and every CR and LF ends a line."""
    lines = header.count(b"\r\n")
    folded = header.count(b"\r\n\t") + header.count(b"\r\n ")
    return (
        lines - 1 - folded == fields
        and header.count(b"\n") == header.count(b"\r") == lines
        and header.find(b"\r\n\r\n") == len(header) - 4
        and b"\0" not in header
    )


def _final_envelope(envelope: Envelope, header: bytes, content: bytes) -> Envelope:
    """Merge repeated recipients, and say what the message needs rather than what the client offered."""
    recipients = envelope.recipients
    if len(recipients) > 1:
        recipients = _merge(recipients)
    smtputf8 = envelope.smtputf8 and not (
        header.isascii()
        and envelope.reverse_path.isascii()
        and all(each.forward_path.isascii() for each in recipients)
    )
    body_8bit = not content.isascii()
    if (
        recipients is envelope.recipients
        and smtputf8 == envelope.smtputf8
        and body_8bit == envelope.body_8bit
    ):
        return envelope
    return Envelope(
        reverse_path=envelope.reverse_path,
        recipients=recipients,
        ret=envelope.ret,
        envid=envelope.envid,
        smtputf8=smtputf8,
        body_8bit=body_8bit,
    )


def _merge(recipients: tuple[Recipient, ...]) -> tuple[Recipient, ...]:
    """Return one of each (local part, domain), where it first stood, with what any of them wanted notified."""
    merged: dict[tuple[str, str], Recipient] = {}
    for each in recipients:
        key = (each.forward_path.rpartition("@")[0], each.domain)
        first = merged.setdefault(key, each)
        if first is not each and first.notify != each.notify:
            wanted = _notify(first) | _notify(each)
            merged[key] = Recipient(
                forward_path=first.forward_path,
                domain=first.domain,
                notify=int(wanted),
                orcpt=first.orcpt,
            )
    return recipients if len(merged) == len(recipients) else tuple(merged.values())


def _notify(recipient: Recipient) -> int:
    return NOTIFY_DEFAULT if recipient.notify is None else recipient.notify
