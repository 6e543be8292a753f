"""Postmark's official Python client against a running server."""

import asyncio
import base64
from typing import Any

import pytest
from postmark import ServerClient
from postmark.exceptions import (
    InactiveRecipientException,
    InvalidAPIKeyException,
    PostmarkAPIException,
    RateLimitException,
    ValidationException,
)

from tests.api.compat.sdks.vendors_server import (
    DOMAIN,
    SENDER,
    SUPPRESSED,
    VendorsServer,
    often,
)
from tests.e2e.product import token
from tests.service.running_server import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def ask(server: VendorsServer, method: str, *given: Any, key: str = "", **more: Any) -> Any:
    async def asked() -> Any:
        async with ServerClient(key or server.key, retries=0, base_url=server.url) as client:
            return await getattr(client.outbound, method)(*given, **more)

    return asyncio.run(asked())


def email(mark: str, **changes: Any) -> dict[str, Any]:
    return {
        "sender": SENDER,
        "to": "Bee <b@example.net>",
        "subject": "Subject",
        "text_body": f"Text {mark}",
        **changes,
    }


def test_everything_of_an_email_arrives(server: VendorsServer) -> None:
    mark = token()
    answer = ask(
        server,
        "send",
        email(
            mark,
            to='"Bee, X" <b@example.net>, c@example.net',
            cc="d@example.net",
            bcc="e@example.net",
            reply_to="help@shop.example",
            subject="Grüße",
            html_body=f'<p>Html {mark}</p><img src="cid:logo">',
            tag="welcome",
            headers=[{"name": "X-Order", "value": "7"}],
            metadata={"user": "7"},
            message_stream="outbound",
            track_opens=False,
            track_links="None",
            attachments=[
                {
                    "name": "a.txt",
                    "content": base64.b64encode(b"octets").decode(),
                    "content_type": "text/plain",
                },
                {
                    "name": "logo.png",
                    "content": base64.b64encode(b"png").decode(),
                    "content_type": "image/png",
                    "content_id": "cid:logo",
                },
            ],
        ),
    )
    assert answer.success
    assert answer.to == '"Bee, X" <b@example.net>, c@example.net'
    assert (answer.error_code, answer.message) == (0, "OK")
    assert answer.submitted_at.tzinfo is not None
    mail = server.mail(mark)
    assert mail["From"] == SENDER
    assert mail["To"] == '"Bee, X" <b@example.net>, c@example.net'
    assert (mail["Cc"], mail["Bcc"]) == ("d@example.net", None)
    assert (mail["Reply-To"], mail["X-Order"]) == ("help@shop.example", "7")
    assert mail["Subject"] == "Grüße"
    assert mail["Message-ID"] == f"<{answer.message_id}@{DOMAIN}>"
    assert server.recipients(mark) == {f"{each}@example.net" for each in "bcde"}
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("a.txt", "octets")
    (logo,) = [each for each in mail.walk() if each["Content-ID"] == "<logo>"]
    assert logo.get_content() == b"png"


def test_each_of_a_batch_is_answered(server: VendorsServer) -> None:
    mark = token()
    batch = [email(mark), email(mark, to="nobody"), email(mark, to=SUPPRESSED), email(mark)]
    first, second, third, fourth = ask(server, "send_batch", batch)
    assert [first.success, second.success, third.success, fourth.success] == [
        True,
        False,
        False,
        True,
    ]
    assert second.error_code == 300
    assert second.message.startswith("Invalid 'To' address: 'nobody'.")
    assert third.error_code == 406
    assert (second.to, third.to) == ("nobody", SUPPRESSED)
    assert first.message_id != fourth.message_id
    server.mail(mark)


def test_who_is_suppressed_is_named(server: VendorsServer) -> None:
    mark = token()
    answer = ask(server, "send", email(mark, to=f"{SUPPRESSED}, b@example.net"))
    assert answer.success
    assert f"inactive addresses: {SUPPRESSED}. Inactive recipients" in answer.message
    server.mail(mark)
    assert server.recipients(mark) == {"b@example.net"}
    with pytest.raises(InactiveRecipientException) as caught:
        ask(server, "send", email(mark, to=SUPPRESSED))
    assert caught.value.inactive_recipients == [SUPPRESSED]


def test_what_is_wrong_has_postmarks_class_and_code(server: VendorsServer) -> None:
    mark = token()
    for changes, code in (
        ({"to": "nobody"}, 300),
        ({"subject": None}, 300),
        ({"text_body": None}, 300),
        ({"message_stream": "no-such"}, 300),
        ({"headers": [{"name": "X-A", "value": "1\r\nBcc: x@example.net"}]}, 300),
    ):
        with pytest.raises(ValidationException) as caught:
            ask(server, "send", email(mark, **changes))
        assert (caught.value.error_code, caught.value.http_status) == (code, 422)
    with pytest.raises(PostmarkAPIException) as foreign:
        ask(server, "send", email(mark, sender="a@elsewhere.example"))
    assert (foreign.value.error_code, foreign.value.http_status) == (400, 422)
    template = {"sender": SENDER, "to": "b@example.net", "template_alias": "x"}
    with pytest.raises(PostmarkAPIException) as lacking:
        ask(server, "send_with_template", {**template, "template_model": {}})
    assert lacking.value.error_code == 1101
    with pytest.raises(InvalidAPIKeyException) as unknown:
        ask(server, "send", email(mark), key="wrong")
    assert unknown.value.http_status == 401
    with pytest.raises(InvalidAPIKeyException):
        ask(server, "send", email(mark), key=server.reading_key)
    with pytest.raises(RateLimitException):
        often(lambda: ask(server, "send", email(token()), key=server.slow_key))
    assert server.count(mark) == 0


def test_a_stream_of_ours_is_sent_on(server: VendorsServer) -> None:
    mark = token()
    ask(server, "send", email(mark, message_stream="broadcasts"))
    server.mail(mark)
    accepted = server.product.wait_for_disposition(event="accepted", stream="broadcasts")
    assert accepted["tenant"] == "default"


def test_what_happened_to_a_message(server: VendorsServer) -> None:
    mark = token()
    id_ = ask(
        server, "send", email(mark, subject=mark, tag=mark, metadata={"user": mark})
    ).message_id

    def is_told() -> bool:
        return bool(ask(server, "get", id_).message_events)

    wait_until(is_told)
    found = ask(server, "get", id_)
    assert (found.message_id, found.subject, found.tag) == (id_, mark, mark)
    assert (found.status.value, found.metadata) == ("Sent", {"user": mark})
    assert [each.email for each in found.to] == ["b@example.net"]
    (event,) = found.message_events
    assert (event.type.value, event.recipient) == ("Delivered", "b@example.net")
    assert event.details.delivery_message.startswith("250")
    for wanted in ({"tag": mark}, {"subject": mark}, {"metadata": {"user": mark}}):
        page = ask(server, "list", count=10, offset=0, **wanted)
        assert (page.total, [each.message_id for each in page.items]) == (1, [id_])
    with pytest.raises(ValidationException) as caught:
        ask(server, "get", "00000000-0000-7000-8000-000000000000")
    assert (caught.value.error_code, caught.value.http_status) == (701, 404)
