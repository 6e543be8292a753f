"""Postmark's official Node client against a running server."""

import base64
from typing import Any

import pytest

from tests.api.compat.sdks.vendors_server import DOMAIN, SENDER, SUPPRESSED, VendorsServer
from tests.e2e.product import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def email(mark: str, **changes: Any) -> dict[str, Any]:
    return {
        "From": SENDER,
        "To": "b@example.net",
        "Subject": "Subject",
        "TextBody": f"Text {mark}",
        **changes,
    }


def test_everything_of_an_email_arrives(server: VendorsServer) -> None:
    mark = token()
    full = email(
        mark,
        Cc="d@example.net",
        Bcc="e@example.net",
        ReplyTo="help@shop.example",
        HtmlBody=f'<p>Html {mark}</p><img src="cid:logo">',
        Tag="welcome",
        Headers=[{"Name": "X-Order", "Value": "7"}],
        Metadata={"user": "7"},
        MessageStream="outbound",
        Attachments=[
            {
                "Name": "logo.png",
                "Content": base64.b64encode(b"png").decode(),
                "ContentType": "image/png",
                "ContentID": "cid:logo",
            }
        ],
    )
    (answer,) = server.node("postmark.mjs", calls=[["sendEmail", full]])
    assert answer["data"]["ErrorCode"] == 0
    mail = server.mail(mark)
    assert mail["Message-ID"] == f"<{answer['data']['MessageID']}@{DOMAIN}>"
    assert (mail["Cc"], mail["Bcc"], mail["Reply-To"]) == (
        "d@example.net",
        None,
        "help@shop.example",
    )
    assert server.recipients(mark) == {f"{each}@example.net" for each in "bde"}
    (logo,) = [each for each in mail.walk() if each["Content-ID"] == "<logo>"]
    assert logo.get_content() == b"png"


def test_errors_and_batches_as_node_sees_them(server: VendorsServer) -> None:
    mark = token()
    answers = server.node(
        "postmark.mjs",
        calls=[
            ["sendEmailBatch", [email(mark), email(mark, To="nobody")]],
            ["sendEmail", email(mark, To="nobody")],
            ["sendEmail", email(mark, To=SUPPRESSED)],
            ["sendEmail", email(mark, From="a@elsewhere.example")],
            [
                "sendEmailWithTemplate",
                {
                    "From": SENDER,
                    "To": "b@example.net",
                    "TemplateAlias": "welcome",
                    "TemplateModel": {},
                },
            ],
        ],
    )
    batch, *failed = answers
    assert [each["ErrorCode"] for each in batch["data"]] == [0, 300]
    assert [(each["name"], each["code"], each["statusCode"]) for each in failed] == [
        ("InvalidEmailRequestError", 300, 422),
        ("InactiveRecipientsError", 406, 422),
        ("ApiInputError", 400, 422),
        ("ApiInputError", 1101, 422),
    ]
    assert failed[1]["recipients"] == [SUPPRESSED]
    (answer,) = server.node("postmark.mjs", key="wrong", calls=[["sendEmail", email(mark)]])
    assert (answer["name"], answer["code"]) == ("InvalidAPIKeyError", 10)


def test_what_happened_to_a_message(server: VendorsServer) -> None:
    mark = token()
    (sent,) = server.node("postmark.mjs", calls=[["sendEmail", email(mark, Tag=mark)]])
    id_ = sent["data"]["MessageID"]
    server.mail(mark)
    told, listed = server.node(
        "postmark.mjs",
        calls=[
            ["getOutboundMessageDetails", id_],
            ["getOutboundMessages", {"tag": mark, "count": 5, "offset": 0}],
        ],
    )
    assert (told["data"]["MessageID"], told["data"]["Tag"]) == (id_, mark)
    assert listed["data"]["TotalCount"] in (0, 1)  # the list follows within a second
