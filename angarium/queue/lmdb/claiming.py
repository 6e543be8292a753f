"""Recording that attempts begin, and reading what they need."""

from collections.abc import Callable, Sequence

import msgspec

from angarium.queue.act import Actor
from angarium.queue.destination import is_chosen
from angarium.queue.hold_rule import BindingRules
from angarium.queue.lmdb.file.environment import QueueEnvironment
from angarium.queue.lmdb.file.handles import Database, ReadTransaction
from angarium.queue.lmdb.held import write_held
from angarium.queue.lmdb.keys import (
    claim_key,
    claim_value,
    delivery_key,
    due_key,
    parse_delivery_key,
)
from angarium.queue.lmdb.late import write_if_late
from angarium.queue.lmdb.records import (
    DeliveryRecord,
    MessageRecord,
    RecordError,
    checksum,
    decode_delivery,
    decode_message,
    envelope_of,
    origin_of,
)
from angarium.queue.lmdb.routes import route_provider
from angarium.queue.lmdb.setting_aside import Suspect
from angarium.queue.lmdb.transaction import WriteTransaction
from angarium.queue.model import (
    Claimed,
    ClaimedMessage,
    DueHead,
    MessageId,
    PartitionNumber,
    UnixMs,
)


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner remembers of a recipient that it has claimed. Nobody else may change these records meanwhile."""

    message: MessageRecord
    delivery: DeliveryRecord


class Claim:
    """Operation: due keys become claim keys; returns the delivery keys that were still due, in order.

    Invariant HR2: no attempt begins for mail that a hold rule in force binds: it becomes held instead, and is left out.

    ``abandoned`` gives them back when the claimer is gone. ``source``: the egress source that is about to try them.
    """

    __slots__ = ("_epoch", "_heads", "_partition", "_source", "abandoned", "octets")

    def __init__(
        self,
        partition: int,
        epoch: int,
        heads: Sequence[DueHead],
        abandoned: Callable[[list[bytes]], None],
        source: str = "",
    ) -> None:
        self.abandoned = abandoned
        self._partition = partition
        self._epoch = epoch
        self._source = source
        self._heads = [_due_mail(partition, head) for head in heads]
        self.octets = len(heads) * 200

    def apply(self, tx: WriteTransaction) -> list[bytes]:
        tx.check_epoch(self._partition, self._epoch)
        taken = []
        value = claim_value(self._epoch, self._source)
        due, claim = tx.env.due, tx.env.claim
        rules = tx.binding_rules()
        for mail in self._heads:
            if not tx.delete(due, mail.due_key):
                continue
            if mail.is_timed and _is_late(tx, mail):
                continue
            if rules and self._is_held(tx, rules, mail):
                continue
            tx.put(claim, mail.claim_key, value)
            taken.append(mail.key)
        return taken

    def _is_held(self, tx: WriteTransaction, rules: BindingRules, mail: "_DueMail") -> bool:
        """Whether a rule in force binds it: it becomes held then, here and nowhere else."""
        asked = _AskedMail(tx, mail)
        try:
            rule = rules.find(asked, tx.now)
            if rule is None:
                return False
            message, delivery = asked.message(), asked.delivery()
        except RecordError:
            return False  # whoever reads what it has claimed sets it aside
        by = Actor(who=rule.who, reason=rule.why)
        write_held(tx, mail.key, mail.due, message, delivery, by, rule.id)  # HR2
        return True


def _is_late(tx: WriteTransaction, mail: "_DueMail") -> bool:
    """Whether it is too late for its first attempt: it is skipped or held then."""
    asked = _AskedMail(tx, mail)
    try:
        return write_if_late(tx, mail.key, mail.due, asked.message(), asked.delivery())
    except RecordError:
        return False  # whoever reads what it has claimed sets it aside


class _DueMail(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    key: bytes
    due_key: bytes
    claim_key: bytes
    tenant: str
    domain: str
    campaign: str
    is_timed: bool

    @property
    def due(self) -> int:
        return int.from_bytes(self.due_key[2:10], "big")


def _due_mail(partition: int, head: DueHead) -> _DueMail:
    key = delivery_key(head.id)
    return _DueMail(
        key=key,
        due_key=due_key(partition, head.due, key),
        claim_key=claim_key(partition, key),
        tenant=head.tenant,
        domain=head.domain,
        campaign=head.campaign,
        is_timed=head.is_timed,
    )


class _AskedMail:
    """What rules ask of due mail (ClaimedMail). Reads its records when asked, within the transaction.

    A domain's provider is what the route table says: delivery writes it before its first claim for that domain, in
    the same order to the same committer.
    """

    def __init__(self, tx: WriteTransaction, mail: _DueMail) -> None:
        self._tx = tx
        self._mail = mail
        self._message: MessageRecord | None = None
        self._delivery: DeliveryRecord | None = None
        self.tenant = mail.tenant
        self.campaign = mail.campaign

    @property
    def domain(self) -> str:
        """Of the recipient: the hint has where it goes."""
        chosen = is_chosen(self._mail.domain)
        return self.delivery().domain if chosen else self._mail.domain

    def sender(self) -> str:
        return self.message().reverse_path

    def provider(self) -> str | None:
        return route_provider(self._tx, self._mail.domain)

    def free_of(self) -> int:
        return self.delivery().free_of

    def message(self) -> MessageRecord:
        if self._message is None:
            raw = self._tx.get(self._tx.env.message, self._mail.key[:16])
            self._message = decode_message(raw or b"")  # RecordError if it is missing
        return self._message

    def delivery(self) -> DeliveryRecord:
        if self._delivery is None:
            raw = self._tx.get(self._tx.env.delivery, self._mail.key)
            self._delivery = decode_delivery(raw or b"")
        return self._delivery


class ReadClaims(msgspec.Struct, frozen=True, kw_only=True):
    messages: list[ClaimedMessage]
    holdings: dict[bytes, Holding]
    suspects: list[Suspect]  # what the disk damaged, content included: none of it is in the others


def read_claimed(
    env: QueueEnvironment, partition: PartitionNumber, keys: Sequence[bytes]
) -> ReadClaims:
    """Read what claimed recipients need, grouped by message in order of the first recipient of each."""
    by_message: dict[bytes, list[bytes]] = {}
    for key in keys:
        by_message.setdefault(key[:16], []).append(key)
    found = ReadClaims(messages=[], holdings={}, suspects=[])
    with env.read() as txn:
        for message_id, own in by_message.items():
            try:
                record = decode_message(_need(txn, env.message, message_id))
                content = _checked(record, _need(txn, env.body, message_id))
            except RecordError as error:
                found.suspects.extend(Suspect(key=key, reason=str(error)) for key in own)
                continue
            claimed = []
            for key in own:
                try:
                    delivery = decode_delivery(_need(txn, env.delivery, key))
                except RecordError as error:
                    found.suspects.append(Suspect(key=key, reason=f"recipient: {error}"))
                    continue
                found.holdings[key] = Holding(message=record, delivery=delivery)
                claimed.append(_claimed(key, partition, delivery))
            if claimed:
                found.messages.append(_message(message_id, record, content, tuple(claimed)))
    return found


def _checked(record: MessageRecord, content: bytes) -> bytes:
    """Raise RecordError unless it is what was accepted."""
    if len(content) != record.size_octets:
        raise RecordError(f"content of {len(content)} octets, not {record.size_octets}")
    if record.checksum is not None and checksum(content) != record.checksum:
        raise RecordError("content that is not what was accepted: its checksum differs")
    return content


def claimed_message(
    message_id: bytes,
    record: MessageRecord,
    content: bytes,
    deliveries: Sequence[tuple[bytes, DeliveryRecord]],
) -> ClaimedMessage:
    """Return the same of recipients that are not claimed, for who tells their sender of them."""
    claimed = [_claimed(key, PartitionNumber(each.partition), each) for key, each in deliveries]
    return _message(message_id, record, content, tuple(claimed))


def _need(txn: ReadTransaction, db: Database, key: bytes) -> bytes:
    raw = txn.get(key, db=db)
    if raw is None:
        raise RecordError(f"the queue has no record {key.hex()} of a claimed recipient")
    return raw


def _claimed(key: bytes, partition: PartitionNumber, delivery: DeliveryRecord) -> Claimed:
    return Claimed(
        id=parse_delivery_key(key),
        partition=partition,
        forward_path=delivery.forward_path,
        domain=delivery.domain,
        notify=delivery.notify,
        orcpt=delivery.orcpt,
        attempts=delivery.attempts,
        in_doubt=delivery.in_doubt,
        delay_dsn_sent=delivery.delay_dsn_sent,
        last=delivery.last,
    )


def _message(
    message_id: bytes, record: MessageRecord, content: bytes, recipients: tuple[Claimed, ...]
) -> ClaimedMessage:
    return ClaimedMessage(
        message_id=MessageId(message_id),
        tenant=record.tenant,
        stream=record.stream,
        priority=record.priority,
        campaign=record.campaign,
        envelope=envelope_of(record),
        content=content,
        header_octets=record.header_octets,
        has_dot_lines=record.has_dot_lines,
        header_from=record.header_from,
        message_id_header=record.message_id_header,
        accepted=UnixMs(record.accepted),
        expires=UnixMs(record.expires),
        origin=origin_of(record),
        recipients=recipients,
        not_before=UnixMs(record.not_before),
        personal=record.personal,
        topic=record.topic,
        language=record.language,
    )
