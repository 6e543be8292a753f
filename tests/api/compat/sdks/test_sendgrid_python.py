"""SendGrid's official Python client against a running server, with the classes of its helpers."""

import base64
import json
from typing import Any

import pytest
from python_http_client import exceptions
from sendgrid import SendGridAPIClient
from sendgrid.helpers import mail as helpers

from tests.api.compat.sdks.vendors_server import (
    DOMAIN,
    SENDER,
    SUPPRESSED,
    VendorsServer,
    often,
)
from tests.e2e.product import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def send(server: VendorsServer, mail: Any, key: str = "", slash: str = "") -> Any:
    return SendGridAPIClient(key or server.key, host=server.url + slash).send(mail)


def simple(mark: str, **more: Any) -> helpers.Mail:
    usual: dict[str, Any] = {
        "from_email": (f"orders@{DOMAIN}", "Shop"),
        "to_emails": "b@example.net",
        "subject": "Subject",
        "plain_text_content": f"Text {mark}",
    }
    return helpers.Mail(**{**usual, **more})


def test_everything_of_a_mail_arrives(server: VendorsServer) -> None:
    mark = token()
    mail = simple(
        mark,
        to_emails=[("b@example.net", "Bee"), ("c@example.net", "Cee, X")],
        html_content=f'<p>Html {mark}</p><img src="cid:logo">',
        subject="Grüße",
    )
    mail.add_cc("d@example.net")
    mail.add_bcc("e@example.net")
    mail.reply_to = helpers.ReplyTo("help@shop.example", "Help")
    mail.add_header(helpers.Header("X-Order", "7"))
    mail.add_category(helpers.Category("welcome"))
    mail.add_custom_arg(helpers.CustomArg("user", "7"))
    mail.tracking_settings = helpers.TrackingSettings(
        helpers.ClickTracking(False, False), helpers.OpenTracking(False)
    )
    mail.add_attachment(
        helpers.Attachment(base64.b64encode(b"octets").decode(), "a.txt", "text/plain")
    )
    mail.add_attachment(
        helpers.Attachment(
            base64.b64encode(b"png").decode(), "logo.png", "image/png", "inline", "logo"
        )
    )
    answer = send(server, mail)
    assert (answer.status_code, answer.body) == (202, b"")
    found = server.mail(mark)
    assert found["From"] == SENDER
    assert found["To"] == 'Bee <b@example.net>, "Cee, X" <c@example.net>'
    assert (found["Cc"], found["Bcc"]) == ("d@example.net", None)
    assert found["Reply-To"] == "Help <help@shop.example>"
    assert (found["Subject"], found["X-Order"]) == ("Grüße", "7")
    assert found["Message-ID"] == f"<{answer.headers['X-Message-Id']}@{DOMAIN}>"
    assert server.recipients(mark) == {f"{each}@example.net" for each in "bcde"}
    html = found.get_body(("html",))
    assert html is not None
    assert f"Html {mark}" in html.get_content()
    (file,) = found.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("a.txt", "octets")
    (logo,) = [each for each in found.walk() if each["Content-ID"] == "<logo>"]
    assert logo.get_content() == b"png"


def test_each_personalization_is_a_mail_of_its_own(server: VendorsServer) -> None:
    marks = [token() for _ in range(3)]
    mail = helpers.Mail(
        from_email=f"orders@{DOMAIN}",
        to_emails=[
            helpers.To(
                f"{at}@example.net",
                subject=f"Subject {at}",
                substitutions={"-mark-": mark, "-name-": f"N{at}"},
            )
            for at, mark in enumerate(marks)
        ],
        subject="Subject",
        html_content="<p>-name- -mark-</p>",
        is_multiple=True,
    )
    send(server, mail)
    for at, mark in enumerate(marks):
        found = server.mail(mark)
        assert (found["To"], found["Subject"]) == (f"{at}@example.net", f"Subject {at}")
        assert server.recipients(mark) == {f"{at}@example.net"}
        assert f"N{at} {mark}" in str(found)


def test_the_sandbox_delivers_nothing(server: VendorsServer) -> None:
    hidden, seen = token(), token()
    mail = simple(hidden)
    mail.mail_settings = helpers.MailSettings(sandbox_mode=helpers.SandBoxMode(True))
    assert send(server, mail).status_code == 200
    send(server, simple(seen))
    server.mail(seen)
    assert server.count(hidden) == 0


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_too_many_is_none(server: VendorsServer, slash: str) -> None:
    mark = token()
    assert send(server, simple(mark), slash=slash).status_code == 202
    server.mail(mark)


def refused(kind: type[Exception], server: VendorsServer, mail: Any, key: str = "") -> Any:
    with pytest.raises(kind) as caught:
        send(server, mail, key)
    (error,) = json.loads(caught.value.body)["errors"]  # type: ignore[attr-defined]
    assert set(error) == {"message", "field", "help"}
    return error["field"]


def test_what_is_wrong_has_sendgrids_class_and_field(server: VendorsServer) -> None:
    mark = token()
    template = simple(mark)
    template.template_id = "d-1"
    asm = simple(mark)
    asm.asm = helpers.Asm(helpers.GroupId(1))
    injected = simple(mark)
    injected.add_header(helpers.Header("X-A", "1\r\nBcc: x@example.net"))
    bad = exceptions.BadRequestsError
    for mail, field in (
        (simple(mark, subject=None), "subject"),
        (simple(mark, plain_text_content=None), "content"),
        (template, "template_id"),
        (asm, "asm.group_id"),
        (injected, "headers.X-A"),
        (simple(mark, to_emails=SUPPRESSED), "personalizations.0.to.0.email"),
    ):
        assert refused(bad, server, mail) == field
    wrong = simple(mark).get()
    wrong["personalizations"][0]["to"][0]["email"] = "nobody"
    assert refused(bad, server, wrong) == "personalizations.0.to.0.email"
    foreign = simple(mark, from_email="a@elsewhere.example")
    assert refused(exceptions.ForbiddenError, server, foreign) == "from"
    assert refused(exceptions.UnauthorizedError, server, simple(mark), "SG.wrong") is None
    assert refused(exceptions.ForbiddenError, server, simple(mark), server.reading_key) is None
    with pytest.raises(exceptions.TooManyRequestsError) as limited:
        often(lambda: send(server, simple(token()), server.slow_key))
    assert limited.value.headers["Retry-After"] == "1"
    assert server.count(mark) == 0


def test_who_is_suppressed_keeps_no_other_from_it(server: VendorsServer) -> None:
    mark = token()
    mail = helpers.Mail(
        from_email=f"orders@{DOMAIN}",
        to_emails=[helpers.To(SUPPRESSED), helpers.To("b@example.net")],
        subject="Subject",
        plain_text_content=mark,
        is_multiple=True,
    )
    assert send(server, mail).status_code == 202
    assert server.recipients(mark) == {"b@example.net"}
    assert server.count(mark) == 1


def test_but_what_is_wrong_refuses_all(server: VendorsServer) -> None:
    mark = token()
    wrong = helpers.To("c@example.net", subject="1\r\n2")
    mail = helpers.Mail(
        from_email=f"orders@{DOMAIN}",
        to_emails=[helpers.To(SUPPRESSED), helpers.To("b@example.net"), wrong],
        subject="Subject",
        plain_text_content=mark,
        is_multiple=True,
    )
    assert refused(exceptions.BadRequestsError, server, mail) == "subject"
    other = token()
    send(server, simple(other))
    server.mail(other)
    assert server.count(mark) == 0
