"""Mirrors angarium/intake/order_desk.py, on the memory spool."""

import asyncio

import msgspec
import pytest

from angarium.content.mailbox import read_mailbox
from angarium.intake.order import Addressee, Fault, FaultKind, RawMail, Sent, TemplateUse
from angarium.queue.about import decode_about
from angarium.queue.model import UnixMs
from angarium.queue.suppressions import Scope
from angarium.queue.terms import Quota
from angarium.templates.bundle import Parts
from angarium.tenancy.plan import Plan
from tests.intake.order_fixture import CALLER, DAY, NOW, Fixture, order


async def test_an_order_is_queued_as_it_was_meant(fixture: Fixture) -> None:
    (sent,) = await fixture.send(
        order(tags=("a",), campaign="c", send_at=UnixMs(NOW + DAY), if_missed="hold")
    )
    assert isinstance(sent, Sent)
    assert (sent.status, sent.accepted_at) == ("scheduled", NOW)
    assert sent.message_id == f"<{sent.email_id}@acme.test>"
    ((_, submission),) = fixture.spool.state.messages.items()
    assert (submission.tenant, submission.tags, submission.campaign) == ("acme", ("a",), "c")
    assert (submission.not_before, submission.if_missed) == (NOW + DAY, "hold")
    assert submission.expires == NOW + DAY + 3_600_000
    assert submission.origin.kind == "api"
    assert (submission.origin.user, submission.origin.client) == ("k1", "192.0.2.9")
    assert submission.envelope.reverse_path == "a@acme.test"
    about = decode_about(submission.about)
    assert (about.subject, about.author, about.to) == ("s", "Shop <a@acme.test>", ("b@c.test",))
    assert (about.recipients, about.request_id) == ({"b@c.test": {"n": 1}}, "r1")
    assert b"192.0.2.9" not in submission.content


async def test_what_is_answered_is_durable(fixture: Fixture) -> None:
    """OD1: nothing is answered before it is stored."""
    fixture.spool.open.clear()
    sending = asyncio.create_task(fixture.send(order()))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not sending.done()
    assert not fixture.accepted()
    fixture.spool.open.set()
    (sent,) = await sending
    assert isinstance(sent, Sent)
    assert len(fixture.accepted()) == 1


async def test_who_stops_waiting_takes_nothing_back(fixture: Fixture) -> None:
    fixture.spool.open.clear()
    sending = asyncio.create_task(fixture.send(order(), once="k"))
    for _ in range(20):
        await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    fixture.spool.open.set()
    (sent,) = await fixture.send(order(), once="k")
    assert len(fixture.accepted()) == 1
    assert sent.email_id.replace("-", "") == fixture.accepted()[0].message_id.hex()


async def test_a_key_stands_for_one_request(fixture: Fixture) -> None:
    first = await fixture.send(order(), once="k")
    assert await fixture.send(order(), once="k") == first
    other = await fixture.send(order(subject="other"), once="k")
    assert (other.kind, other.field) == (FaultKind.KEY_REUSED, "Idempotency-Key")
    assert len(fixture.accepted()) == 1
    assert (await fixture.send(order(), once="\n")).kind is FaultKind.INVALID
    assert (await fixture.send(order(), once="k" * 257)).field == "Idempotency-Key"


async def test_the_first_answer_comes_again_though_it_would_be_refused_by_now(
    fixture: Fixture,
) -> None:
    first = await fixture.send(order(), once="k")
    caller = msgspec.structs.replace(CALLER, domains=())
    assert await fixture.desk.send(caller, (order(),), once="k") == first
    assert await fixture.desk.send(caller, (order(),), once="k", strict=False) != first
    refused = await fixture.desk.send(caller, (order(),), once="other")
    assert isinstance(refused, Fault)
    assert refused.kind is FaultKind.DOMAIN


async def test_one_that_is_wrong_refuses_all_or_itself_alone(fixture: Fixture) -> None:
    wrong = order(subject="")
    unread = Fault(kind=FaultKind.INVALID, message="m", field="to")
    found = await fixture.send(order(), wrong)
    assert (found.kind, found.field) == (FaultKind.MISSING, "messages[1].subject")
    found = await fixture.send(order(), unread)
    assert found.field == "messages[1].to"
    assert not fixture.accepted()
    found = await fixture.send(order(), wrong, unread, order(), strict=False)
    assert [type(each) for each in found] == [Sent, Fault, Fault, Sent]
    assert (found[1].field, found[2]) == ("subject", unread)
    assert len(fixture.accepted()) == 2
    assert [type(each) for each in await fixture.send(wrong, strict=False)] == [Fault]


async def test_nobody_sends_as_anothers_domain(fixture: Fixture) -> None:
    """A2"""
    found = await fixture.send(order(author=read_mailbox("a@other.test", "from")))
    assert (found.kind, found.field) == (FaultKind.DOMAIN, "from")
    assert found.message == "other.test is not acme's"
    found = await fixture.send(order(fields=(("Resent-From", "a@other.test"),)))
    assert found.kind is FaultKind.DOMAIN


async def test_all_suppressed_are_refused_and_some_are_named(fixture: Fixture) -> None:
    await fixture.suppress("gone@c.test")
    found = await fixture.send(order("gone@c.test"))
    assert (found.kind, found.addresses) == (FaultKind.SUPPRESSED, ("gone@c.test",))
    cc = (Addressee(mailbox=read_mailbox("gone@c.test", "cc")),)
    (sent,) = await fixture.send(order(cc=cc))
    assert sent.suppressed == ("gone@c.test",)


async def test_a_topic_is_one_of_the_tenants_by_name_or_id(fixture: Fixture) -> None:
    fixture.known_topics = {"offers": "offers", "0199": "offers", "trips": "trips"}
    for given in ("offers", "0199"):
        (sent,) = await fixture.send(order(topic=given))
        assert isinstance(sent, Sent)
    raw = RawMail(content=b"From: a@acme.test\r\nX-Angarium-Topic: 0199\r\n\r\nhello\r\n")
    written = order(author=None, subject="", text=None, raw=raw)
    (sent,) = await fixture.send(written)
    assert isinstance(sent, Sent)
    assert [each.topic for each in fixture.accepted()] == ["offers", "offers", "offers"]
    for bad in (order(topic="offer"), msgspec.structs.replace(written, raw=_of_topic(b"offer"))):
        fault = await fixture.send(bad)
        assert (fault.kind, fault.field) == (FaultKind.INVALID, "topic")
        assert fault.message == "topic: there is no topic offer; there are offers, trips"
    fixture.known_topics = {}
    assert "postmaster topic add" in (await fixture.send(order(topic="x"))).message


async def test_the_language_is_what_is_said_else_the_templates_else_the_headers(
    fixture: Fixture,
) -> None:
    fields = (("Content-Language", "fr"),)
    fixture.templates.add("welcome", Parts(subject="s", text="t"))
    filled = order(subject="", text=None, template=TemplateUse(name="welcome", locale="it"))
    for each in (
        order(language="pt-BR", fields=fields),
        order(fields=fields),
        filled,
        msgspec.structs.replace(filled, fields=fields),
        order(),
    ):
        (sent,) = await fixture.send(each)
        assert isinstance(sent, Sent)
    kept = [each.language for each in fixture.spool.state.messages.values()]
    assert kept == ["pt-BR", "fr", "it", "it", ""]
    fault = await fixture.send(order(language="German!"))
    assert (fault.field, fault.constraint) == ("language", "format")


def _of_topic(name: bytes) -> RawMail:
    return RawMail(content=b"From: a@acme.test\r\nX-Angarium-Topic: %b\r\n\r\nhello\r\n" % name)


async def test_who_left_the_topic_is_named(fixture: Fixture) -> None:
    fixture.known_topics = {"offers": "offers", "0199": "offers", "trips": "trips"}
    await fixture.suppress("b@x.test", Scope(tenant="acme", topic="offers"))
    for given in ("offers", "0199"):
        fault = await fixture.send(order("b@x.test", topic=given))
        assert (fault.kind, fault.addresses) == (FaultKind.SUPPRESSED, ("b@x.test",))
        cc = (Addressee(mailbox=read_mailbox("c@x.test", "cc")),)
        (some,) = await fixture.send(order("b@x.test", cc=cc, topic=given))
        assert some.suppressed == ("b@x.test",)
    for other in ("trips", ""):
        (sent,) = await fixture.send(order("b@x.test", topic=other))
        assert isinstance(sent, Sent)


async def test_what_cannot_be_stored_is_to_be_tried_again(fixture: Fixture) -> None:
    fixture.spool.low_disk = True
    found = await fixture.send(order())
    assert (found.kind, found.retry_after_s) == (FaultKind.DISK_FULL, 60)
    fixture.spool.low_disk = False
    fixture.spool.error = RuntimeError("x")
    found = await fixture.send(order())
    assert (found.kind, found.retry_after_s) == (FaultKind.BUSY, 1)
    assert fixture.errors == [fixture.spool.error]
    fixture.spool.error = None
    fixture.quotas = (Quota(period="day", limit=1),)
    (sent,) = await fixture.send(order())
    assert isinstance(sent, Sent)
    found = await fixture.send(order())
    assert (found.kind, found.constraint, found.message) == (
        FaultKind.QUOTA,
        "day",
        "The tenant's quota of 1 recipients per day is used up",
    )
    assert 0 < found.retry_after_s <= 86_400


async def test_of_the_sandbox_only_the_event_is_kept(fixture: Fixture) -> None:
    (sent,) = await fixture.send(order(sandbox=True))
    assert sent.status == "sandbox"
    (event,) = fixture.accepted()
    assert decode_about(event.about).sandbox
    assert not fixture.spool.state.messages


async def test_a_stream_that_is_not_in_the_plan_is_refused(fixture: Fixture) -> None:
    fixture.plan = Plan(streams=("bulk",))
    fault = await fixture.send(order())
    assert (fault.kind, fault.field) == (FaultKind.NO_SCOPE, "stream")
    assert fault.message == "stream: the stream default is not in this tenant's plan: bulk"
    (sent,) = await fixture.send(order(stream="bulk"))
    assert isinstance(sent, Sent)
