"""SendGrid's official Node client against a running server."""

import base64
from typing import Any

import pytest

from tests.api.compat.sdks.vendors_server import DOMAIN, SENDER, SUPPRESSED, VendorsServer
from tests.e2e.product import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def mail(mark: str, **changes: Any) -> dict[str, Any]:
    return {
        "to": "b@example.net",
        "from": {"email": f"orders@{DOMAIN}", "name": "Shop"},
        "subject": "Subject",
        "text": f"Text {mark}",
        **changes,
    }


def test_everything_of_a_mail_arrives(server: VendorsServer) -> None:
    mark = token()
    full = mail(
        mark,
        to=["Bee <b@example.net>"],
        cc="d@example.net",
        bcc="e@example.net",
        replyTo="help@shop.example",
        html=f'<p>Html {mark}</p><img src="cid:logo">',
        headers={"X-Order": "7"},
        categories=["welcome"],
        customArgs={"user": "7"},
        attachments=[
            {"filename": "a.txt", "content": base64.b64encode(b"octets").decode()},
            {
                "filename": "logo.png",
                "content": base64.b64encode(b"png").decode(),
                "type": "image/png",
                "disposition": "inline",
                "contentId": "logo",
            },
        ],
    )
    (answer,) = server.node("sendgrid.mjs", calls=[[full]])
    assert answer["statusCode"] == 202
    found = server.mail(mark)
    assert found["Message-ID"] == f"<{answer['messageId']}@{DOMAIN}>"
    assert found["From"] == SENDER
    assert (found["To"], found["Cc"], found["Bcc"]) == (
        "Bee <b@example.net>",
        "d@example.net",
        None,
    )
    assert (found["Reply-To"], found["X-Order"]) == ("help@shop.example", "7")
    assert server.recipients(mark) == {f"{each}@example.net" for each in "bde"}
    (file,) = found.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("a.txt", "octets")
    (logo,) = [each for each in found.walk() if each["Content-ID"] == "<logo>"]
    assert logo.get_content() == b"png"


def test_errors_and_several_as_node_sees_them(server: VendorsServer) -> None:
    mark = token()
    several = mail(mark, to=["1@example.net", "2@example.net"], isMultiple=True)
    sandbox = mail(token(), mailSettings={"sandboxMode": {"enable": True}})
    answers = server.node(
        "sendgrid.mjs",
        calls=[
            [several],
            [sandbox],
            [mail(mark, **{"from": "a@elsewhere.example"})],
            [mail(mark, to=SUPPRESSED)],
            [mail(mark, templateId="d-1")],
        ],
    )
    two, nothing, foreign, suppressed, template = answers
    assert (two["statusCode"], nothing["statusCode"]) == (202, 200)
    for answer, code, field in (
        (foreign, 403, "from"),
        (suppressed, 400, "personalizations.0.to.0.email"),
        (template, 400, "template_id"),
    ):
        assert answer["code"] == code
        assert answer["body"]["errors"][0]["field"] == field
    server.sink.wait_for_token(mark)
    (answer,) = server.node("sendgrid.mjs", key="SG.wrong", calls=[[mail(mark)]])
    assert answer["code"] == 401
