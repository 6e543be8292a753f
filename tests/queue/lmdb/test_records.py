"""Mirrors angarium/queue/lmdb/records.py: what is encoded from tuples is what the records say."""

import msgspec
import pytest

from angarium.queue.lmdb.records import (
    MESSAGE_VERSION,
    SCHEDULED,
    DeliveryRecord,
    DueHint,
    RecordError,
    decode_delivery,
    decode_hint,
    decode_message,
    encode_hint,
    encode_message,
    encode_new_delivery,
    hinted_octets,
    message_record,
    routing_hint,
    stamp_due,
)
from angarium.smtp.envelope import Recipient
from tests.queue.samples import submission


def test_a_new_recipients_record_is_that_of_its_fields() -> None:
    recipient = Recipient(
        forward_path="bob@example.net", domain="example.net", notify=3, orcpt="rfc822;bob"
    )
    assert decode_delivery(stamp_due(5, encode_new_delivery(recipient, 7))) == DeliveryRecord(
        forward_path="bob@example.net",
        domain="example.net",
        notify=3,
        orcpt="rfc822;bob",
        partition=7,
        state=SCHEDULED,
        attempts=0,
        in_doubt=0,
        delay_dsn_sent=False,
        last=None,
    )


def test_a_message_of_before_there_were_topics_and_languages_has_none() -> None:
    given = msgspec.structs.replace(submission(bytes(16), topic="offers"), language="de")
    message = message_record(given)
    read = decode_message(encode_message(message))
    assert (read.topic, read.language) == ("offers", "de")
    older = msgspec.msgpack.encode(msgspec.msgpack.decode(encode_message(message)[1:])[:-2])
    assert decode_message(MESSAGE_VERSION + older).topic == ""


def test_a_due_hint_is_a_version_the_size_and_its_fields() -> None:
    message = message_record(submission(bytes(16), tenant="acme", priority=3, campaign="spring"))
    raw = routing_hint(message, "example.net")
    hint = DueHint(
        tenant="acme",
        domain="example.net",
        stream="news",
        priority=3,
        campaign="spring",
        account=message.user or message.client,
        sender=message.reverse_path,
    )
    # What is not in doubt ends before the fields that say so, as it did before there were any
    doubtful = msgspec.structs.replace(hint, in_doubt=True, source="ip1")
    assert routing_hint(message, "example.net", (True, "ip1", False)) == encode_hint(21, doubtful)
    greylisted = msgspec.structs.replace(hint, source="ip1")
    assert routing_hint(message, "example.net", (False, "ip1", False)) == encode_hint(
        21, greylisted
    )
    timed = msgspec.structs.replace(hint, is_timed=True)
    assert routing_hint(message, "example.net", (False, "", True)) == encode_hint(21, timed)
    octets, rest = hinted_octets(raw)
    assert (raw[:1], octets, decode_hint(rest)) == (b"\x01", 21, hint)


def test_a_due_hint_of_before_there_were_senders_in_it_is_read() -> None:
    fields = ("acme", "example.net", "news", 3, "spring")
    hint = decode_hint(msgspec.msgpack.encode(fields))
    assert (hint.tenant, hint.campaign, hint.account, hint.sender) == ("acme", "spring", "", "")


@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0\0\x15acme\0example.net", b"\x02" + bytes(9)])
def test_a_hint_of_another_version_is_refused(raw: bytes) -> None:
    with pytest.raises(RecordError, match="version"):
        hinted_octets(raw)
