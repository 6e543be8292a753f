"""The queue's tables, each kind of what they have as a store of its own."""

from collections.abc import Iterator

import msgspec

from angarium.personal_data.store import Erased, Found, Subject
from angarium.personal_data.telling import told_event
from angarium.queue import Position, delivery_id_text, message_id_text
from angarium.queue.events.catalogue import decode_readable
from angarium.queue.lmdb.person.operator import PersonOperator
from angarium.telemetry.timestamp import rfc3339


class Suppressions:
    """By the address itself; what is left stands for it, and names nobody."""

    name = "suppressions"

    def __init__(self, queue: PersonOperator) -> None:
        self._queue = queue

    def find(self, subject: Subject) -> Iterator[Found]:
        for each in self._queue.reader(subject.person, subject.tenant).suppressions():
            if each.email != subject.person.alias:
                yield Found(
                    data={
                        "email": each.email,
                        "scope": each.scope.text,
                        "reason": each.reason,
                        "added_at": rfc3339(each.added_at),
                        "expires_at": None if each.expires_at is None else rfc3339(each.expires_at),
                        "evidence": each.evidence,
                        "reference": each.reference,
                    }
                )

    def erase(self, subject: Subject) -> Erased:
        gone = self._queue.suppress(subject.person, subject.tenant, subject.by)
        return Erased(changed=gone)


class WaitingMail:
    """Mail for the person is cancelled. What waits for others, and has the address in it, is theirs."""

    name = "queue"

    def __init__(self, queue: PersonOperator) -> None:
        self._queue = queue

    def find(self, subject: Subject) -> Iterator[Found]:
        reader = self._queue.reader(subject.person, subject.tenant)
        theirs: set[bytes] = set()
        for each in reader.waiting():
            theirs.add(each.id.message_id)
            told = msgspec.structs.asdict(each)
            del told["content"]
            data = {**told, "id": delivery_id_text(each.id), "accepted": rfc3339(each.accepted)}
            name = message_id_text(each.id.message_id)
            yield Found(data=data, mail=each.content, mail_name=name)
        for message_id, message, _ in reader.mentions():
            if message_id not in theirs:
                yield Found(
                    data={
                        "message": message_id_text(message_id),
                        "tenant": message.tenant,
                        "accepted": rfc3339(message.accepted),
                        "note": "it waits for others and has the address in it",
                    }
                )

    def erase(self, subject: Subject) -> Erased:
        done = self._queue.cancel(subject.person, subject.tenant, subject.by)
        left: list[str] = []
        if done.in_flight:
            left.append(f"{done.in_flight} recipients are being tried just now: erase again")
        mentions = sum(1 for _ in self._queue.reader(subject.person, subject.tenant).mentions())
        if mentions:
            left.append(
                f"{mentions} messages wait for others and have the address in them, until these have got them"
            )
        return Erased(changed=done.recipients, left=tuple(left))


class Reports:
    """Mails that came back and are kept, or not read yet: deleted as a whole."""

    name = "reports"

    def __init__(self, queue: PersonOperator) -> None:
        self._queue = queue

    def find(self, subject: Subject) -> Iterator[Found]:
        for shelf, each in self._queue.reader(subject.person, subject.tenant).reports():
            name = message_id_text(each.id)
            data = {
                "id": name,
                "shelf": shelf.name.lower(),
                "received": rfc3339(each.received),
                "via": each.via,
            }
            yield Found(data=data, mail=each.content, mail_name=name)

    def erase(self, subject: Subject) -> Erased:
        return Erased(changed=self._queue.forget_reports(subject.person, subject.tenant))


class CampaignRows:
    name = "campaign_rows"

    def __init__(self, queue: PersonOperator) -> None:
        self._queue = queue

    def find(self, subject: Subject) -> Iterator[Found]:
        for _, _, campaign, row in self._queue.reader(subject.person, subject.tenant).rows():
            yield Found(
                data={
                    "campaign": message_id_text(campaign.id),
                    "tenant": campaign.tenant,
                    "line": row.line,
                    "address": row.address,
                    "state": row.state.word,
                    "at": rfc3339(row.at),
                    "message": message_id_text(row.message) if row.message else None,
                    "reason": row.reason,
                    "text": row.text,
                }
            )

    def erase(self, subject: Subject) -> Erased:
        return Erased(changed=self._queue.clear_rows(subject.person, subject.tenant))


class OtherRecords:
    """What campaigns were asked, what was set aside as damaged, and answers to idempotency keys."""

    name = "queue_records"
    _TABLES = ("campaign", "damaged", "once", "hold_rule")

    def __init__(self, queue: PersonOperator) -> None:
        self._queue = queue

    def find(self, subject: Subject) -> Iterator[Found]:
        reader = self._queue.reader(subject.person, subject.tenant)
        for table in self._TABLES:
            for key, _ in reader.plain(table):
                yield Found(data={"table": table, "key": key.hex()})

    def erase(self, subject: Subject) -> Erased:
        changed = self._queue.clear_records(subject.person, subject.tenant)
        reader = self._queue.reader(subject.person, subject.tenant)
        rules = sum(1 for _ in reader.plain("hold_rule"))
        text = (
            f"{rules} hold rules name the address, until they are removed: postmaster queue rules"
        )
        return Erased(changed=changed, left=(text,) if rules else ())


class EventLog:
    """Events stay, under their numbers; the address becomes a token in them."""

    name = "events"

    def __init__(self, queue: PersonOperator) -> None:
        self._queue = queue

    def find(self, subject: Subject) -> Iterator[Found]:
        reader = self._queue.reader(subject.person, subject.tenant)
        for key, raw, _ in reader.events():
            position = Position(int.from_bytes(key, "big"), decode_readable(raw))
            yield Found(data=told_event(position, subject.person))

    def erase(self, subject: Subject) -> Erased:
        return Erased(changed=self._queue.clear_events(subject.person, subject.tenant))
