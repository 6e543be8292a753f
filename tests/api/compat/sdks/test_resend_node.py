"""Resend's official Node client against a running server."""

import base64
from typing import Any

import pytest

from tests.api.compat.sdks.vendors_server import DOMAIN, SENDER, SUPPRESSED, VendorsServer
from tests.e2e.product import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def email(mark: str, **changes: Any) -> dict[str, Any]:
    return {
        "from": SENDER,
        "to": "b@example.net",
        "subject": "Subject",
        "text": f"Text {mark}",
        **changes,
    }


def test_everything_of_an_email_arrives(server: VendorsServer) -> None:
    mark = token()
    full = email(
        mark,
        to=["Bee <b@example.net>"],
        cc=["d@example.net"],
        bcc="e@example.net",
        replyTo="help@shop.example",
        html=f'<p>Html {mark}</p><img src="cid:logo">',
        headers={"X-Order": "7"},
        tags=[{"name": "kind", "value": "welcome"}],
        attachments=[
            {"filename": "a.txt", "content": base64.b64encode(b"octets").decode()},
            {
                "filename": "logo.png",
                "content": base64.b64encode(b"png").decode(),
                "contentType": "image/x-own",
                "contentId": "logo",
            },
        ],
    )
    (answer,) = server.node("resend.mjs", calls=[["emails.send", full]])
    assert answer["error"] is None
    assert answer["requestId"]
    mail = server.mail(mark)
    assert mail["Message-ID"] == f"<{answer['data']['id']}@{DOMAIN}>"
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == ("Bee <b@example.net>", "d@example.net", None)
    assert (mail["Reply-To"], mail["X-Order"]) == ("help@shop.example", "7")
    assert server.recipients(mark) == {f"{each}@example.net" for each in "bde"}
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("a.txt", "octets")
    (logo,) = [each for each in mail.walk() if each["Content-ID"] == "<logo>"]
    assert logo.get_content_type() == "image/x-own"


def test_errors_batches_and_keys_as_node_sees_them(server: VendorsServer) -> None:
    mark, key = token(), token()
    once = {"idempotencyKey": key}
    answers = server.node(
        "resend.mjs",
        calls=[
            ["emails.send", email(mark), once],
            ["emails.send", email(mark), once],
            ["emails.send", email(mark, subject="Another"), once],
            ["emails.send", email(mark, to=SUPPRESSED)],
            ["emails.send", email(mark, **{"from": "a@elsewhere.example"})],
            ["emails.send", {"from": SENDER, "to": "b@example.net", "text": "x"}],
            ["batch.send", [email(mark), email(mark, to="nobody")]],
            [
                "batch.send",
                [email(mark), email(mark, to="nobody")],
                {"batchValidation": "permissive"},
            ],
        ],
    )
    first, second, reused, suppressed, foreign, short, strict, permissive = answers
    assert first["data"]["id"] == second["data"]["id"]
    for answer, status, name in (
        (reused, 409, "invalid_idempotent_request"),
        (suppressed, 422, "validation_error"),
        (foreign, 403, "validation_error"),
        (short, 422, "missing_required_field"),
        (strict, 422, "validation_error"),
    ):
        assert answer["data"] is None
        assert (answer["error"]["statusCode"], answer["error"]["name"]) == (status, name)
        assert answer["error"]["message"]
    assert len(permissive["data"]["data"]) == 1
    assert [each["index"] for each in permissive["data"]["errors"]] == [1]
    (answer,) = server.node("resend.mjs", key="re_wrong", calls=[["emails.send", email(mark)]])
    assert answer["error"]["name"] == "invalid_api_key"


def test_what_is_scheduled_is_moved_or_cancelled(server: VendorsServer) -> None:
    mark = token()
    later = {"scheduledAt": "2035-01-01T00:00:00Z"}
    sends = [["emails.send", email(mark, **later)]] * 2
    first, second = (each["data"]["id"] for each in server.node("resend.mjs", calls=sends))
    cancelled, again, moved = server.node(
        "resend.mjs",
        calls=[
            ["emails.cancel", first],
            ["emails.cancel", first],
            ["emails.update", {"id": second, "scheduledAt": "2026-01-01T00:00:00Z"}],
        ],
    )
    assert cancelled["data"] == {"object": "email", "id": first}
    assert again["error"]["name"] == "validation_error"
    assert moved["data"] == {"object": "email", "id": second}
    server.mail(mark)
    assert server.count(mark) == 1


def test_what_else_there_is_as_node_sees_it(server: VendorsServer) -> None:
    mark = token()
    (sent,) = server.node("resend.mjs", calls=[["emails.send", email(mark)]])
    id_ = sent["data"]["id"]
    told, listed, domains, keys, made, topics = server.node(
        "resend.mjs",
        calls=[
            ["emails.get", id_],
            ["emails.list", {"limit": 5}],
            ["domains.list"],
            ["apiKeys.list"],
            ["apiKeys.create", {"name": "node"}],
            ["topics.list"],
        ],
    )
    assert (told["data"]["id"], told["data"]["object"]) == (id_, "email")
    assert (listed["data"]["object"], listed["error"]) == ("list", None)
    assert DOMAIN in [each["name"] for each in domains["data"]["data"]]
    assert keys["data"]["data"]
    assert made["data"]["token"].startswith("ang_api_")
    assert topics["error"]["message"].startswith("topics: ")


def test_endpoints_as_node_sees_them(server: VendorsServer) -> None:
    hook = {"endpoint": "https://hooks.example.com/node", "events": ["email.delivered"]}
    (made,) = server.node("resend.mjs", calls=[["webhooks.create", hook]])
    id_ = made["data"]["id"]
    assert made["data"]["signing_secret"].startswith("whsec_")
    found, listed, changed, removed = server.node(
        "resend.mjs",
        calls=[
            ["webhooks.get", id_],
            ["webhooks.list"],
            ["webhooks.update", id_, {"status": "disabled"}],
            ["webhooks.remove", id_],
        ],
    )
    assert found["data"]["endpoint"] == hook["endpoint"]
    assert id_ in [each["id"] for each in listed["data"]["data"]]
    assert (changed["data"]["id"], removed["data"]["deleted"]) == (id_, True)
