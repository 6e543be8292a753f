"""django-anymail's backends for Amazon SES and Mailgun, unmodified, against the dialects."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from angarium.intake.order import Fault, FaultKind
from tests.api.compat.dialect_server import DialectServer

anymail_message = pytest.importorskip("anymail.message")
settings = pytest.importorskip("django.conf").settings
exceptions = pytest.importorskip("anymail.exceptions")

if not settings.configured:
    settings.configure(DEFAULT_CHARSET="utf-8", USE_TZ=True, SECRET_KEY="tests")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def ses(dialects: DialectServer) -> Iterator[Any]:
    backends = pytest.importorskip("anymail.backends.amazon_ses")
    backend = backends.EmailBackend(
        client_params={
            "endpoint_url": dialects.url,
            "region_name": "eu-west-1",
            "aws_access_key_id": dialects.access_key("acme-ses"),
            "aws_secret_access_key": dialects.secret("acme-ses"),
        }
    )
    backend.open()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def mailgun(dialects: DialectServer) -> Any:
    backends = pytest.importorskip("anymail.backends.mailgun")
    return backends.EmailBackend(
        api_key=dialects.keys["acme-api"].text, api_url=f"{dialects.url}/v3"
    )


def message(**more: Any) -> Any:
    found = anymail_message.AnymailMessage(
        subject="Grüße",
        body="text",
        from_email="Läden <shop@example.com>",
        to=["Ann <ann@dest.example>", "bob@dest.example"],
        cc=["cc@dest.example"],
        bcc=["bcc@dest.example"],
        reply_to=["help@example.com"],
        headers={"X-Order": "1"},
    )
    found.attach_alternative("<p>html</p>", "text/html")
    found.attach("a.pdf", b"%PDF\r\n", "application/pdf")
    for name, value in more.items():
        setattr(found, name, value)
    return found


def test_a_mail_by_mailgun(dialects: DialectServer, mailgun: Any) -> None:
    mail = message(
        tags=["one", "two"],
        metadata={"user": 7},
        track_opens=True,
        track_clicks=False,
        send_at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    cid = anymail_message.attach_inline_image(mail, b"png", "logo.png", subtype="png")
    assert mailgun.send_messages([mail]) == 1
    order = dialects.sending.last
    assert mail.anymail_status.message_id.startswith("<id-")
    assert mail.anymail_status.recipients["ann@dest.example"].status == "queued"
    assert [each.mailbox.address.text for each in order.to] == [
        "ann@dest.example",
        "bob@dest.example",
    ]
    assert [each.mailbox.address.text for each in order.bcc] == ["bcc@dest.example"]
    assert [each.address.text for each in order.reply_to] == ["help@example.com"]
    assert (order.subject, order.text, order.html) == ("Grüße", "text", "<p>html</p>")
    assert order.tags == ("one", "two")
    assert order.metadata == {"user": "7"}
    assert (order.track_opens, order.track_clicks) == (True, False)
    assert order.send_at == 1893553445_000
    assert order.fields == (("X-Order", "1"),)
    assert [(e.filename, e.content_id) for e in order.attachments] == [("a.pdf", ""), (cid, cid)]


def test_a_batch_by_mailgun(dialects: DialectServer, mailgun: Any) -> None:
    mail = message(
        subject="Hi %recipient.name%",
        merge_data={"ann@dest.example": {"name": "Ann"}, "bob@dest.example": {"name": "Bob"}},
        merge_metadata={"ann@dest.example": {"n": 1}},
        merge_headers={"bob@dest.example": {"X-Who": "bob"}},
    )
    mail.cc = mail.bcc = []
    assert mailgun.send_messages([mail]) == 1
    ann, bob = dialects.sending.orders[-1]
    assert (ann.subject, bob.subject) == ("Hi Ann", "Hi Bob")
    assert (ann.metadata, bob.metadata) == ({"n": "1"}, {"n": ""})
    assert ("X-Who", "bob") in bob.fields
    assert "X-Who" not in dict(ann.fields)


def test_errors_by_mailgun(dialects: DialectServer, mailgun: Any) -> None:
    mail = message(from_email="a@unknown.example")
    with pytest.raises(exceptions.AnymailRequestsAPIError, match="Unknown sender domain"):
        mailgun.send_messages([mail])
    dialects.sending.answers = [Fault(kind=FaultKind.SUPPRESSED, message="suppressed: x")]
    with pytest.raises(exceptions.AnymailRequestsAPIError, match="suppressed: x"):
        mailgun.send_messages([message()])


def test_a_mail_by_ses(dialects: DialectServer, ses: Any) -> None:
    mail = message(tags=["one"], metadata={"user": 7}, envelope_sender="bounce@example.com")
    assert ses.send_messages([mail]) == 1
    order = dialects.sending.last
    assert mail.anymail_status.message_id == f"id-{len(dialects.sending.orders)}-0"
    assert order.raw is not None
    assert order.raw.reverse_path == "bounce@example.com"
    assert [each.mailbox.address.text for each in order.to] == [
        "ann@dest.example",
        "bob@dest.example",
    ]
    assert [each.mailbox.address.text for each in order.cc] == ["cc@dest.example"]
    assert [each.mailbox.address.text for each in order.bcc] == ["bcc@dest.example"]
    assert b"bcc@dest.example" not in order.raw.content
    assert b"MIME-Version: 1.0\r\n" in order.raw.content
    assert order.raw.content.count(b"\n") == order.raw.content.count(b"\r\n")
    assert order.metadata == {"user": 7}
    assert order.tags == ("one",)


def test_errors_by_ses(dialects: DialectServer, ses: Any) -> None:
    dialects.sending.answers = [Fault(kind=FaultKind.DOMAIN, message="why")]
    with pytest.raises(exceptions.AnymailAPIError, match="MessageRejected"):
        ses.send_messages([message()])


def templated(**more: Any) -> Any:
    found = message(
        template_id="welcome",
        merge_data={"ann@dest.example": {"name": "Ann"}, "bob@dest.example": {"name": "Bob"}},
        merge_global_data={"name": "friend", "site": "Shop"},
        **more,
    )
    found.subject = found.body = None
    found.attachments, found.alternatives, found.cc, found.bcc = [], [], [], []
    return found


def test_a_template_by_ses(dialects: DialectServer, ses: Any) -> None:
    mail = templated(tags=["one"], metadata={"user": 7})
    assert ses.send_messages([mail]) == 1
    orders = dialects.sending.orders[-1]
    assert [each.template.name for each in orders] == ["welcome", "welcome"]
    assert [each.template.data["name"] for each in orders] == ["Ann", "Bob"]
    assert {each.template.data["site"] for each in orders} == {"Shop"}
    assert [(each.metadata, each.tags) for each in orders] == [({"user": 7}, ("one",))] * 2
    statuses = mail.anymail_status.recipients
    assert [each.status for each in statuses.values()] == ["queued", "queued"]
    assert len({each.message_id for each in statuses.values()}) == 2


def test_a_template_by_mailgun(dialects: DialectServer, mailgun: Any) -> None:
    assert mailgun.send_messages([templated(metadata={"user": 7})]) == 1
    ann, bob = dialects.sending.orders[-1]
    assert (ann.template.name, bob.template.name) == ("welcome", "welcome")
    assert ann.template.data == {"name": "Ann", "site": "Shop", "user": "7"}
    assert bob.template.data == {"name": "Bob", "site": "Shop", "user": "7"}
