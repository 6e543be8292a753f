"""Webhooks made by Resend's official clients, delivered to a server of ours, and verified by their own helper."""

import asyncio
from typing import Any

import pytest
import resend
from resend.exceptions import ResendError, ValidationError

from tests.api.compat.sdks.vendors_server import DOMAIN, SENDER, VendorsServer
from tests.e2e.product import token
from tests.webhooks.receiver import Receiver, Taken

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def client(server: VendorsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", server.url)
    monkeypatch.setattr(resend, "api_key", server.key)


def verified(taken: Taken, secret: str) -> Any:
    headers = {each: taken.headers[f"svix-{each}"] for each in ("id", "timestamp", "signature")}
    options: Any = {
        "payload": taken.body.decode(),
        "headers": headers,
        "webhook_secret": secret,
    }
    return resend.Webhooks.verify(options)


async def test_an_endpoint_is_told_in_resends_form_and_its_helper_verifies(
    server: VendorsServer,
) -> None:
    mark = token()
    async with Receiver() as receiver:
        events: Any = ["email.delivered"]
        made = await asyncio.to_thread(
            resend.Webhooks.create, {"endpoint": receiver.url(), "events": events}
        )
        email: Any = {"from": SENDER, "to": "b@example.net", "subject": mark, "text": mark}
        id_ = (await asyncio.to_thread(resend.Emails.send, email))["id"]
        await receiver.until(lambda: any(id_ in each.body.decode() for each in receiver.taken))
        (taken,) = [each for each in receiver.taken if id_ in each.body.decode()]
        told = verified(taken, made["signing_secret"])
        assert (told["type"], told["data"]["email_id"]) == ("email.delivered", id_)
        assert told["data"]["to"] == ["b@example.net"]
        assert told["data"]["message_id"] == f"<{id_}@{DOMAIN}>"
        with pytest.raises(ValueError, match="no matching signature"):
            verified(taken, "whsec_" + "A" * 32)
        await asyncio.to_thread(resend.Webhooks.remove, made["id"])


def test_endpoints_are_managed(server: VendorsServer) -> None:
    events: Any = ["email.sent", "email.bounced"]
    endpoint = "https://hooks.example.com/a"
    made = resend.Webhooks.create({"endpoint": endpoint, "events": events})
    found = resend.Webhooks.get(made["id"])
    assert (found["endpoint"], found["events"], found["status"]) == (endpoint, events, "enabled")
    assert found["signing_secret"] == made["signing_secret"]  # type: ignore[typeddict-item]
    assert made["id"] in [each["id"] for each in resend.Webhooks.list()["data"]]
    changed: Any = {"webhook_id": made["id"], "events": ["email.clicked"], "status": "disabled"}
    assert resend.Webhooks.update(changed)["id"] == made["id"]
    found = resend.Webhooks.get(made["id"])
    assert (found["endpoint"], found["events"], found["status"]) == (
        endpoint,
        ["email.clicked"],
        "disabled",
    )
    rotated = resend.Webhooks.rotate_signing_secret(made["id"])
    assert rotated["signing_secret"] != made["signing_secret"]
    for wrong, words in (
        ({"endpoint": "https://10.0.0.1/", "events": events}, "endpoint"),
        ({"endpoint": endpoint, "events": ["email.eaten"]}, r"events\[0\]"),
    ):
        with pytest.raises(ValidationError, match=words):
            resend.Webhooks.create(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="events: is not supported"):
        resend.Webhooks.list_events(made["id"])
    assert resend.Webhooks.remove(made["id"])["deleted"] is True
    with pytest.raises(ResendError) as caught:
        resend.Webhooks.get(made["id"])
    assert (caught.value.code, caught.value.error_type) == (404, "not_found")
