"""Mirrors angarium/api/compat/resend/dialect.py and emails.py, over real sockets."""

from typing import Any

import msgspec
import pytest

from angarium.intake.order import Fault, FaultKind, Order
from angarium.queue import UnixMs, message_id_text
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.message_id import MessageIdGenerator
from tests.api.compat.vendors import KEY, NOW, READS, SLOW, Remembering, vendors
from tests.queue.samples import submission

LEAST = {"from": "a@example.com", "to": "b@example.net", "subject": "S", "text": "T"}
AS_USUAL = {"Authorization": f"Bearer {KEY}"}


def error(status: int, name: str, message: str) -> dict[str, Any]:
    return {"statusCode": status, "name": name, "message": message}


async def test_an_email_is_sent_and_has_its_id() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        for path in ("/emails", "//emails"):
            found = await client.ask("POST", path, json=LEAST, headers=AS_USUAL)
            assert found.status == 200
            assert found.headers["Content-Type"] == "application/json"
        assert found.json == {"id": "id-2"}
    asked = sending.asked[0]
    assert (asked["caller"].tenant, asked["caller"].dialect) == ("acme", "resend")
    assert (asked["once"], asked["strict"]) == ("", True)


async def test_its_idempotency_key_goes_with_it() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        headers = {**AS_USUAL, "Idempotency-Key": "order-7"}
        await client.ask("POST", "/emails", json=LEAST, headers=headers)
        await client.ask("POST", "/emails/batch", json=[LEAST, LEAST], headers=headers)
        assert [each["once"] for each in sending.asked] == ["order-7", "order-7"]
        headers["Idempotency-Key"] = "k" * 257
        found = await client.ask("POST", "/emails", json=LEAST, headers=headers)
        assert (found.status, found.json["name"]) == (400, "invalid_idempotency_key")
    assert len(sending.asked) == 2


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        (FaultKind.KEY_REUSED, 409, "invalid_idempotent_request"),
        (FaultKind.UNDER_WAY, 409, "concurrent_idempotent_requests"),
        (FaultKind.BUSY, 503, "application_error"),
    ],
)
async def test_what_the_queue_refuses_is_said_in_resends_words(
    kind: FaultKind, status: int, name: str
) -> None:
    sending = Remembering()
    sending.refuses = Fault(kind=kind, message="bodyText: why", field="bodyText", retry_after_s=7)
    async with vendors(sending) as client:
        for path, body in (("/emails", LEAST), ("/emails/batch", [LEAST])):
            found = await client.ask("POST", path, json=body, headers=AS_USUAL)
            assert found.status == status
            assert found.json == error(status, name, "text: why")
            assert found.headers["Retry-After"] == "7"
            assert int(found.headers["Content-Length"]) == len(found.body)


async def test_a_strict_batch_is_all_or_nothing() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        batch = [LEAST, {**LEAST, "subject": "T"}]
        found = await client.ask("POST", "/emails/batch", json=batch, headers=AS_USUAL)
        assert found.json == {"data": [{"id": "id-1"}, {"id": "id-2"}]}
        headers = {**AS_USUAL, "x-batch-validation": "strict"}
        batch = [LEAST, {**LEAST, "to": ""}]
        found = await client.ask("POST", "/emails/batch", json=batch, headers=headers)
        assert (found.status, found.json["name"]) == (422, "missing_required_field")


async def test_a_permissive_batch_says_which_were_not_sent() -> None:
    sending = Remembering()
    sending.says["X"] = Fault(kind=FaultKind.INVALID, message="bodyHtml: why", field="bodyHtml")
    async with vendors(sending) as client:
        headers = {**AS_USUAL, "x-batch-validation": "permissive"}
        batch = [{**LEAST, "to": ""}, LEAST, {**LEAST, "subject": "X"}, 5]
        found = await client.ask("POST", "/emails/batch", json=batch, headers=headers)
        assert found.status == 200
        assert found.json["data"] == [{"id": "id-1"}]
        first, second, third = found.json["errors"]
        assert first == {"index": 0, "message": "Missing `to` field."}
        assert second == {"index": 2, "message": "html: why"}
        assert third["index"] == 3
        headers["x-batch-validation"] = "maybe"
        found = await client.ask("POST", "/emails/batch", json=batch, headers=headers)
        assert (found.status, found.json["name"]) == (422, "validation_error")
    assert [each["strict"] for each in sending.asked] == [False]


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({}, 401, "missing_api_key"),
        ({"Authorization": "Bearer "}, 401, "missing_api_key"),
        ({"Authorization": "Bearer re_123"}, 403, "invalid_api_key"),
        ({"Authorization": f"Bearer {READS}"}, 401, "restricted_api_key"),
    ],
)
async def test_who_may_not_send_is_told_why(
    headers: dict[str, str], status: int, name: str
) -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        for path, body in (("/emails", LEAST), ("/emails/batch", [LEAST])):
            found = await client.ask("POST", path, json=body, headers=headers)
            assert (found.status, found.json["name"]) == (status, name)
            assert found.json["statusCode"] == status
    assert not sending.asked


async def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    async with vendors(Remembering()) as client:
        headers = {"Authorization": f"Bearer {SLOW}"}
        await client.ask("POST", "/emails", json=LEAST, headers=headers)
        found = await client.ask("POST", "/emails", json=LEAST, headers=headers)
        assert (found.status, found.json["name"]) == (429, "rate_limit_exceeded")
        assert found.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "name"),
    [
        ("POST", "/emails", b"{", 400, "validation_error"),
        ("POST", "/emails", b"", 400, "validation_error"),
        ("POST", "/emails", b"[]", 422, "validation_error"),
        ("POST", "/emails", b'{"from": 1}', 422, "validation_error"),
        ("POST", "/emails/batch", b"{}", 422, "validation_error"),
        ("PUT", "/emails", b"{}", 405, "method_not_allowed"),
        ("POST", "/emails/x/y/z", b"{}", 404, "not_found"),
    ],
)
async def test_what_is_no_request_is_refused_in_resends_form(
    method: str, path: str, body: bytes, status: int, name: str
) -> None:
    async with vendors(Remembering()) as client:
        headers = {**AS_USUAL, "Content-Type": "application/json"}
        found = await client.ask(method, path, data=body, headers=headers)
        assert found.headers["Content-Type"].startswith("application/json")
        assert (found.status, found.json["statusCode"], found.json["name"]) == (
            status,
            status,
            name,
        )


async def test_a_field_that_is_not_known_is_named() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        found = await client.ask(
            "POST", "/emails", json={**LEAST, "replyTo": "x"}, headers=AS_USUAL
        )
        assert "replyTo" in found.json["message"]
        # Empty is absent, of what is known
        order = {**LEAST, "cc": None, "tags": [], "headers": {}, "html": ""}
        found = await client.ask("POST", "/emails", json=order, headers=AS_USUAL)
        assert found.status == 200
    (order,) = sending.orders
    assert isinstance(order, Order)
    assert order.html is None


async def test_what_is_no_json_by_its_type_is_415() -> None:
    async with vendors(Remembering()) as client:
        headers = {**AS_USUAL, "Content-Type": "text/plain"}
        found = await client.ask("POST", "/emails", data=b"{}", headers=headers)
        assert found.status == 415


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/audiences", "audiences"),
        ("POST", "/topics", "topics"),
        ("POST", "/segments/7/contacts", "segments"),
        ("DELETE", "/contacts/7", "contacts"),
        ("GET", "/emails/receiving", "receiving"),
        ("GET", "/emails/receiving/7/attachments", "receiving"),
        ("GET", "/emails/metrics", "metrics"),
        ("POST", "/emails/7/share", "share"),
        ("GET", "/emails/7/attachments/8", "attachments"),
    ],
)
async def test_what_we_have_not_is_refused_by_its_name(method: str, path: str, name: str) -> None:
    async with vendors(Remembering()) as client:
        found = await client.ask(method, path, headers=AS_USUAL)
        assert (found.status, found.json["name"]) == (422, "validation_error")
        assert found.json["message"].startswith(f"{name}: is not supported")
        assert (await client.ask(method, path)).status == 401


async def test_what_waits_gets_another_start_or_is_cancelled() -> None:
    spool = MemorySpool(lambda: NOW, 4)
    ids = MessageIdGenerator(lambda: NOW, lambda count: b"r" * count)
    mail = submission(ids(), tenant="acme", accepted=NOW, not_before=NOW + 60_000)
    mail = msgspec.structs.replace(mail, expires=UnixMs(NOW + 10**9))
    await spool.accept([mail])
    id_ = message_id_text(mail.message_id)
    async with vendors(Remembering(), spool=spool) as client:
        path, headers = f"/emails/{id_}", AS_USUAL
        for body in (
            {"scheduled_at": "2030-03-17T18:46:40Z"},
            {"id": id_, "scheduled_at": "in 1 hour"},
        ):
            found = await client.ask("PATCH", path, json=body, headers=headers)
            assert (found.status, found.json) == (200, {"object": "email", "id": id_})
        for body, status, name in (
            ({}, 422, "missing_required_field"),
            ({"scheduled_at": "soon"}, 422, "validation_error"),
            ({"scheduled_at": "in 1 hour", "id": "x"}, 422, "validation_error"),
            ({"scheduled_at": "in 1 hour", "to": "x"}, 422, "validation_error"),
        ):
            found = await client.ask("PATCH", path, json=body, headers=headers)
            assert (found.status, found.json["name"]) == (status, name)
        found = await client.ask("POST", f"{path}/cancel", json={}, headers=headers)
        assert (found.status, found.json) == (200, {"object": "email", "id": id_})
        found = await client.ask("POST", f"{path}/cancel", headers=headers)
        assert (found.status, found.json["name"]) == (422, "validation_error")
        found = await client.ask("POST", "/emails/x/cancel", headers=headers)
        assert (found.status, found.json["name"]) == (404, "not_found")
        reading = {"Authorization": f"Bearer {READS}"}
        found = await client.ask("POST", f"{path}/cancel", headers=reading)
        assert (found.status, found.json["name"]) == (401, "restricted_api_key")
    spool.close()
