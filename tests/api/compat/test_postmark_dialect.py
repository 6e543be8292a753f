"""Mirrors angarium/api/compat/postmark/dialect.py, over real sockets."""

from typing import Any

import pytest

from angarium.intake.order import Fault, FaultKind, Order, TemplateUse
from angarium.intake.template_filling import NO_TEMPLATE
from tests.api.compat.vendors import KEY, READS, SLOW, Remembering, sent, vendors

LEAST = {"From": "a@example.com", "To": "B <b@example.net>", "Subject": "S", "TextBody": "T"}
AS_USUAL = {"X-Postmark-Server-Token": KEY}
AT = "2030-03-17T17:46:40.000Z"


def item(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "To": "B <b@example.net>",
        "SubmittedAt": AT,
        "MessageID": f"id-{number}",
        "ErrorCode": 0,
        "Message": "OK",
        **changes,
    }


async def test_an_email_is_sent_and_answered_in_five_fields() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        found = await client.ask("POST", "/email", json=LEAST, headers=AS_USUAL)
        assert (found.status, found.json) == (200, item(1))
        headers = {**AS_USUAL, "Idempotency-Key": "k"}
        await client.ask("POST", "//email", json=LEAST, headers=headers)
    assert [each["once"] for each in sending.asked] == ["", "k"]
    assert sending.asked[0]["caller"].dialect == "postmark"


async def test_addresses_that_get_nothing_are_named_as_clients_read_them() -> None:
    sending = Remembering()
    sending.says["S"] = sent(7, suppressed=("b@example.net", "c@example.net"))
    async with vendors(sending) as client:
        found = await client.ask("POST", "/email", json=LEAST, headers=AS_USUAL)
        assert found.json["ErrorCode"] == 0
        assert "inactive addresses: b@example.net, c@example.net. Inactive" in found.json["Message"]


async def test_each_of_a_batch_is_sent_or_not_by_itself() -> None:
    sending = Remembering()
    sending.says["X"] = Fault(
        kind=FaultKind.SUPPRESSED, message="M", field="to", addresses=("b@example.net",)
    )
    async with vendors(sending) as client:
        batch = [LEAST, {**LEAST, "To": "nobody"}, {**LEAST, "Subject": "X"}, LEAST, 5]
        found = await client.ask("POST", "/email/batch", json=batch, headers=AS_USUAL)
        assert found.status == 200
        first, second, third, fourth, fifth = found.json
        assert (first, fourth) == (item(1), item(2))
        assert second["Message"].startswith("Invalid 'To' address: 'nobody'.")
        assert second == item(
            0, To="nobody", MessageID="", ErrorCode=300, Message=second["Message"]
        )
        assert (third["ErrorCode"], third["MessageID"]) == (406, "")
        assert (fifth["ErrorCode"], fifth["To"]) == (300, "")
    assert [each["strict"] for each in sending.asked] == [False]


@pytest.mark.parametrize(("count", "code"), [(0, 300), (501, 410)])
async def test_a_batch_has_its_bounds(count: int, code: int) -> None:
    async with vendors(Remembering()) as client:
        found = await client.ask("POST", "/email/batch", json=[LEAST] * count, headers=AS_USUAL)
        assert (found.status, found.json["ErrorCode"]) == (422, code)


TEMPLATED = {"From": "a@example.com", "To": "B <b@example.net>", "TemplateAlias": "welcome"}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_an_email_is_made_of_a_template(slash: str) -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        body = {**TEMPLATED, "TemplateModel": {"name": "Bea", "items": [1]}, "InlineCss": True}
        path = f"/email/withTemplate{slash}"
        headers = {**AS_USUAL, "Idempotency-Key": "k"}
        found = await client.ask("POST", path, json=body, headers=headers)
        assert (found.status, found.json) == (200, item(1))
        by_id = {**body, "TemplateAlias": "", "TemplateId": 1234}
        await client.ask("POST", path, json=by_id, headers=AS_USUAL)
    first, second = sending.orders
    assert isinstance(first, Order)
    assert isinstance(second, Order)
    assert first.template == TemplateUse(name="welcome", data={"name": "Bea", "items": [1]})
    assert second.template == TemplateUse(name="1234", data={"name": "Bea", "items": [1]})
    assert (first.subject, first.text, first.html) == ("", None, None)
    assert [each["once"] for each in sending.asked] == ["k", ""]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_each_of_a_batch_is_made_of_its_template(slash: str) -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        batch = [
            {**TEMPLATED, "TemplateModel": {"n": 1}},
            {**TEMPLATED, "To": "nobody"},
            {**TEMPLATED, "TemplateModel": {"n": 2}},
            5,
        ]
        path = f"/email/batchWithTemplates{slash}"
        found = await client.ask("POST", path, json={"Messages": batch}, headers=AS_USUAL)
        assert found.status == 200
        assert [each["ErrorCode"] for each in found.json] == [0, 300, 0, 300]
        assert [set(each) for each in found.json] == [set(item(1))] * 4
        for wrong, code in (({}, 300), ({"Messages": [TEMPLATED] * 501}, 410)):
            found = await client.ask("POST", path, json=wrong, headers=AS_USUAL)
            assert (found.status, found.json["ErrorCode"]) == (422, code)
    made = [each.template for each in sending.orders if isinstance(each, Order)]
    assert [each.data for each in made if each is not None] == [{"n": 1}, {"n": 2}]
    assert [each["strict"] for each in sending.asked] == [False]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"TemplateAlias": ""}, 1101, "The Template's 'TemplateId' or 'TemplateAlias'"),
        ({"Subject": "S"}, 403, "Subject: "),
        ({"TextBody": "T"}, 403, "TextBody: "),
        ({"HtmlBody": "H"}, 403, "HtmlBody: "),
        ({"TemplateModel": [1]}, 300, "TemplateModel"),
        ({"InlineCss": False}, 300, "InlineCss"),
        ({"Nonsense": 1}, 300, "Nonsense"),
        ({"From": ""}, 300, "The 'From' address is required."),
    ],
)
async def test_what_a_templated_email_cannot_be(
    changes: dict[str, Any], code: int, words: str
) -> None:
    async with vendors(Remembering()) as client:
        asked = {**TEMPLATED, **changes}
        found = await client.ask("POST", "/email/withTemplate", json=asked, headers=AS_USUAL)
        assert (found.status, found.json["ErrorCode"]) == (422, code)
        assert words in found.json["Message"]


async def test_what_is_wrong_with_a_template_is_said_in_postmarks_words() -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        for fault, code, words in (
            (
                Fault(
                    kind=FaultKind.INVALID,
                    message="templateId: there is no template 'x'",
                    field="templateId",
                    constraint=NO_TEMPLATE,
                ),
                1101,
                "was not found. TemplateAlias: there is no template 'x'",
            ),
            (
                Fault(
                    kind=FaultKind.INVALID,
                    message="templateData.name: is not given",
                    field="templateData.name",
                ),
                300,
                "TemplateModel.name: is not given",
            ),
        ):
            sending.refuses = fault
            found = await client.ask(
                "POST", "/email/withTemplate", json=TEMPLATED, headers=AS_USUAL
            )
            assert (found.status, found.json["ErrorCode"]) == (422, code)
            assert found.json["Message"].endswith(words)


@pytest.mark.parametrize(
    ("fault", "status", "code", "message"),
    [
        (
            Fault(kind=FaultKind.INVALID, message="bodyText: why", field="bodyText"),
            422,
            300,
            "TextBody: why",
        ),
        (Fault(kind=FaultKind.BUSY, message="M", retry_after_s=3), 503, 100, "M"),
        (
            Fault(kind=FaultKind.INVALID, message="to: M", field="to", addresses=("x@y.example",)),
            422,
            300,
            "Invalid 'To' address: 'x@y.example'. To: M",
        ),
    ],
)
async def test_what_the_queue_refuses_is_said_in_postmarks_form(
    fault: Fault, status: int, code: int, message: str
) -> None:
    sending = Remembering()
    sending.refuses = fault
    async with vendors(sending) as client:
        for path, body in (("/email", LEAST), ("/email/batch", [LEAST])):
            found = await client.ask("POST", path, json=body, headers=AS_USUAL)
            assert (found.status, found.json) == (status, {"ErrorCode": code, "Message": message})
            assert found.headers.get("Retry-After") == ("3" if fault.retry_after_s else None)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, 10),
        ({"X-Postmark-Server-Token": "x"}, 401, 10),
        ({"Authorization": f"Bearer {KEY}"}, 401, 10),
        ({"X-Postmark-Server-Token": READS}, 403, 10),
    ],
)
async def test_who_may_not_send_is_told_so(headers: dict[str, str], status: int, code: int) -> None:
    sending = Remembering()
    async with vendors(sending) as client:
        for path in ("/email", "/email/batch", "/email/withTemplate", "/email/bulk"):
            found = await client.ask("POST", path, json=LEAST, headers=headers)
            assert (found.status, found.json["ErrorCode"]) == (status, code)
    assert not sending.asked


async def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    async with vendors(Remembering()) as client:
        headers = {"X-Postmark-Server-Token": SLOW}
        await client.ask("POST", "/email", json=LEAST, headers=headers)
        found = await client.ask("POST", "/email", json=LEAST, headers=headers)
        assert (found.status, found.json["ErrorCode"]) == (429, 429)
        assert found.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/email", b"{", 422, 402),
        ("POST", "/email", b"[]", 422, 300),
        ("POST", "/email", b'{"Zz": 1}', 422, 300),
        ("POST", "/email/batch", b"{}", 422, 300),
        ("POST", "/email/bulk", b"{}", 422, 300),
        ("GET", "/email", b"", 405, 405),
        ("POST", "/email/nothing", b"{}", 404, 404),
    ],
)
async def test_what_is_no_request_is_refused_in_postmarks_form(
    method: str, path: str, body: bytes, status: int, code: int
) -> None:
    async with vendors(Remembering()) as client:
        headers = {**AS_USUAL, "Content-Type": "application/json"}
        found = await client.ask(method, path, data=body, headers=headers)
        assert (found.status, found.json["ErrorCode"]) == (status, code)
        assert set(found.json) == {"ErrorCode", "Message"}


async def test_what_is_no_json_by_its_type_is_415() -> None:
    async with vendors(Remembering()) as client:
        headers = {**AS_USUAL, "Content-Type": "text/plain"}
        found = await client.ask("POST", "/email", data=b"{}", headers=headers)
        assert found.status == 415


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/bounces", "/bounces"),
        ("PUT", "/bounces/7/activate", "/bounces"),
        ("GET", "/stats/outbound/opens", "/stats"),
        ("GET", "/server", "/server"),
        ("POST", "//triggers", "/triggers"),
        ("GET", "/messages/outbound/opens", "/messages/outbound/opens"),
        ("GET", "/message-streams/outbound/suppressions/dump", "/message-streams"),
    ],
)
async def test_what_we_have_not_is_refused_by_its_name(method: str, path: str, name: str) -> None:
    async with vendors(Remembering()) as client:
        found = await client.ask(method, path, headers=AS_USUAL)
        assert (found.status, found.json["ErrorCode"]) == (422, 300)
        assert found.json["Message"].startswith(f"{name}: is not supported")
        found = await client.ask(method, path, headers={"X-Postmark-Server-Token": "x"})
        assert (found.status, found.json["ErrorCode"]) == (401, 10)
