"""Mirrors angarium/api/compat/sendgrid/dialect.py, over real sockets."""

from typing import Any

import pytest

from angarium.intake.order import Fault, FaultKind
from tests.api.compat.vendors import KEY, READS, SLOW, Remembering, vendors

AS_USUAL = {"Authorization": f"Bearer {KEY}"}
PATH = "/v3/mail/send"


def mail(*subjects: str, **changes: Any) -> dict[str, Any]:
    return {
        "personalizations": [
            {"to": [{"email": "b@example.net"}], "subject": each} for each in subjects or ("S",)
        ],
        "from": {"email": "a@example.com"},
        "content": [{"type": "text/plain", "value": "T"}],
        **changes,
    }


def suppressed(at: int) -> Fault:
    return Fault(
        kind=FaultKind.SUPPRESSED,
        message="nobody is left",
        field=f"messages[{at}].to",
        addresses=("b@example.net",),
    )


async def test_a_mail_is_answered_by_202_without_a_body() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        for path in (PATH, f"/{PATH}"):
            found = await client.ask("POST", path, json=mail(), headers=AS_USUAL)
            assert (found.status, found.body) == (202, b"")
        assert found.headers["X-Message-Id"] == "id-2"
    assert sending.asked[0]["caller"].dialect == "sendgrid"


async def test_each_personalization_is_a_message_and_the_first_ones_id_is_told() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        found = await client.ask("POST", PATH, json=mail("1", "2", "3"), headers=AS_USUAL)
        assert found.headers["X-Message-Id"] == "id-1"
    assert [each.subject for each in sending.orders] == ["1", "2", "3"]  # type: ignore[union-attr]
    assert sending.asked[0]["strict"] is True


async def test_the_sandbox_is_answered_by_200() -> None:
    async with vendors(Remembering()) as client:
        body = mail(mail_settings={"sandbox_mode": {"enable": True}})
        found = await client.ask("POST", PATH, json=body, headers=AS_USUAL)
        assert (found.status, found.body) == (200, b"")


async def test_a_suppressed_personalization_keeps_no_other_from_being_sent() -> None:
    sending = Remembering()
    sending.says["2"] = suppressed(1)
    async with vendors(sending) as client:
        found = await client.ask("POST", PATH, json=mail("1", "2", "3"), headers=AS_USUAL)
        assert found.status == 202
        sending.says.update({"1": suppressed(0), "3": suppressed(2)})
        found = await client.ask("POST", PATH, json=mail("1", "2", "3"), headers=AS_USUAL)
        assert found.status == 400
        assert found.json["errors"][0]["field"] == "personalizations.0.to.0.email"
        found = await client.ask("POST", PATH, json=mail("1"), headers=AS_USUAL)
        assert found.status == 400


@pytest.mark.parametrize(
    ("fault", "status", "field"),
    [
        (Fault(kind=FaultKind.DOMAIN, message="M", field="from"), 403, "from"),
        (Fault(kind=FaultKind.BUSY, message="M", retry_after_s=3), 503, None),
        (Fault(kind=FaultKind.KEY_REUSED, message="M"), 400, None),
    ],
)
async def test_what_the_queue_refuses_is_said_in_sendgrids_form(
    fault: Fault, status: int, field: str | None
) -> None:
    sending = Remembering()
    sending.refuses = fault
    async with vendors(sending) as client:
        found = await client.ask("POST", PATH, json=mail(), headers=AS_USUAL)
        assert found.status == status
        assert found.json == {"errors": [{"message": "M", "field": field, "help": None}]}
        assert found.headers.get("Retry-After") == ("3" if fault.retry_after_s else None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer SG.x.y"}, 401),
        ({"Authorization": f"Bearer {READS}"}, 403),
        ({**AS_USUAL, "On-Behalf-Of": "sub"}, 400),
    ],
)
async def test_who_may_not_send_is_told_so(headers: dict[str, str], status: int) -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        found = await client.ask("POST", PATH, json=mail(), headers=headers)
        assert found.status == status
        assert set(found.json["errors"][0]) == {"message", "field", "help"}
    assert not sending.asked


async def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    async with vendors(Remembering()) as client:
        headers = {"Authorization": f"Bearer {SLOW}"}
        await client.ask("POST", PATH, json=mail(), headers=headers)
        found = await client.ask("POST", PATH, json=mail(), headers=headers)
        assert (found.status, found.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", PATH, b"{", 400, "body"),
        ("POST", PATH, b"[]", 400, "body"),
        ("POST", PATH, b"{}", 400, "personalizations"),
        ("POST", PATH, b'{"personalizations": [{"to": [{"email": 1}]}]}', 400, None),
        ("GET", PATH, b"", 405, None),
        ("POST", "/v3/mail/batch", b"", 404, None),
    ],
)
async def test_what_is_no_request_is_refused_in_sendgrids_form(
    method: str, path: str, body: bytes, status: int, field: str | None
) -> None:
    async with vendors(Remembering()) as client:
        headers = {**AS_USUAL, "Content-Type": "application/json"}
        found = await client.ask(method, path, data=body, headers=headers)
        assert found.status == status
        (error,) = found.json["errors"]
        if body.startswith(b'{"p'):
            field = "personalizations.0.to.0.email"
        assert error["field"] == field
        assert error["message"]


async def test_a_mails_own_header_fields_that_come_as_the_requests_say_nothing() -> None:
    """Node's client sends them so."""
    sending = Remembering()
    async with vendors(sending) as client:
        own = {f"X-Own-{at}": "1" for at in range(100)}
        headers = {**own, **AS_USUAL, "X-Message-Id": "mine", "Priority": "urgent"}
        found = await client.ask("POST", PATH, json=mail(headers=own), headers=headers)
        assert found.status == 202
        assert found.headers["X-Message-Id"] == "id-1"


async def test_what_is_no_json_by_its_type_is_415() -> None:
    async with vendors(Remembering()) as client:
        headers = {**AS_USUAL, "Content-Type": "text/plain"}
        found = await client.ask("POST", "/v3/mail/send", data=b"{}", headers=headers)
        assert found.status == 415
