"""Mirrors angarium/webhooks/sinks/kafka.py, with librdkafka's own cluster for tests."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import confluent_kafka
import pytest

from angarium.webhooks.guard import ENDPOINTS
from angarium.webhooks.sinks.kafka import _settings
from angarium.webhooks.sinks.sink import read_place
from tests.free_port import free_port
from tests.webhooks.sinks.world import LOOPBACK, FakeDns, endpoints, letter


@pytest.fixture(scope="module")
def owner() -> Iterator[confluent_kafka.Producer]:
    """Who has the cluster."""
    made = confluent_kafka.Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "unused:1"})
    yield made
    made.purge()


@pytest.fixture
def topic(owner: confluent_kafka.Producer) -> str:
    """Return where a new one is, as an URL has it."""
    name = f"mail.{uuid.uuid4().hex}"
    found = owner.list_topics(name, timeout=20)  # makes it
    (broker,) = found.brokers.values()
    return f"127.0.0.1:{broker.port}/{name}"


def read(topic: str, count: int) -> list[Any]:
    broker, _, name = topic.partition("/")
    settings = {
        "bootstrap.servers": broker,
        "group.id": uuid.uuid4().hex,
        "auto.offset.reset": "earliest",
    }
    consumer = confluent_kafka.Consumer(settings)
    try:
        partitions = consumer.list_topics(name, timeout=20).topics[name].partitions
        begin = confluent_kafka.OFFSET_BEGINNING
        consumer.assign([confluent_kafka.TopicPartition(name, each, begin) for each in partitions])
        found: list[Any] = []
        while len(found) < count:
            record = consumer.poll(30)
            assert record is not None, found
            assert record.error() is None, record.error()
            found.append(record)
        return found
    finally:
        consumer.close()


async def test_events_are_records_with_the_messages_id_as_their_key(topic: str) -> None:
    sinks = endpoints()
    url = f"kafka://{topic}"
    answers = [await sinks.post(letter(url, number)) for number in (1, 2, 3)]
    assert all(each.is_success for each in answers), answers
    assert answers[0].text.startswith("partition ")
    await sinks.close()
    records = await asyncio.to_thread(read, topic, 3)
    assert [each.value() for each in records] == [letter("", n).body for n in (1, 2, 3)]
    assert {each.key() for each in records} == {b"mail-1"}
    headers = dict(records[0].headers())
    assert headers["webhook-id"] == b"event-1"
    assert headers["webhook-signature"] == b"v1,sig"


async def test_nobody_there_is_a_failure_within_the_time_out() -> None:
    sinks = endpoints(timeout_s=2.0)
    answered = await sinks.post(letter(f"kafka://127.0.0.1:{free_port()}/mail.events"))
    assert answered.status == 0
    assert answered.text
    await sinks.close()


async def test_a_record_that_is_too_large_stops_no_other(topic: str) -> None:
    sinks = endpoints()
    url = f"kafka://{topic}"
    large, small = await asyncio.gather(
        sinks.post(letter(url, body=b"x" * 2_000_000)), sinks.post(letter(url, 7))
    )
    assert (large.status, "too large" in large.text.lower()) == (0, True), large.text
    assert small.is_success, small.text
    await sinks.close()


async def test_nobody_is_asked_who_is_not_public_p1() -> None:
    sinks = endpoints(dns=FakeDns("10.0.0.5"))
    answered = await sinks.post(letter("kafka+tls://kafka.example.com/mail"))
    assert "10.0.0.5, which is not public" in answered.text
    await sinks.close()


def test_who_is_named_is_so_by_sasl_and_tls_by_the_scheme() -> None:
    def settings(url: str) -> dict[str, Any]:
        return _settings(read_place(LOOPBACK.read_url(url, ENDPOINTS)), 20.0)

    plain = settings("kafka://[::1]:9000/t")
    assert (plain["bootstrap.servers"], plain["security.protocol"]) == ("[::1]:9000", "PLAINTEXT")
    assert "sasl.username" not in plain
    named = settings("kafka+tls://a%40b:p%2Fw@k.example.com/t?mechanism=SCRAM-SHA-256")
    assert named["security.protocol"] == "SASL_SSL"
    assert [named[f"sasl.{each}"] for each in ("mechanism", "username", "password")] == [
        "SCRAM-SHA-256",
        "a@b",
        "p/w",
    ]
    assert (named["acks"], named["delivery.timeout.ms"]) == ("all", 18_000)
