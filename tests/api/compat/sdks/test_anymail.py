"""django-anymail's backends for Resend, SendGrid and Postmark against a running server."""

from typing import Any

import pytest
from django.conf import settings

if not settings.configured:  # before anything of anymail is imported
    settings.configure(DEFAULT_CHARSET="utf-8", USE_TZ=True, SECRET_KEY="tests")

from anymail.exceptions import AnymailAPIError, AnymailRecipientsRefused
from anymail.message import AnymailMessage, attach_inline_image
from django.core.mail import get_connection

from tests.api.compat.sdks.vendors_server import DOMAIN, SENDER, SUPPRESSED, VendorsServer
from tests.e2e.product import token

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    # Of SendGrid; it works as ever
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support"),
]
BACKENDS = ["resend", "sendgrid", "postmark"]


def backend(server: VendorsServer, name: str, key: str = "") -> Any:
    url = server.url + ("/v3/" if name == "sendgrid" else "/")
    key_name = "server_token" if name == "postmark" else "api_key"
    return get_connection(
        f"anymail.backends.{name}.EmailBackend", api_url=url, **{key_name: key or server.key}
    )


def message(server: VendorsServer, name: str, mark: str, **more: Any) -> AnymailMessage:
    usual = {
        "subject": "Grüße",
        "body": f"Text {mark}",
        "from_email": SENDER,
        "to": ["Bee <b@example.net>"],
        "connection": backend(server, name),
    }
    return AnymailMessage(**{**usual, **more})


@pytest.mark.parametrize("name", BACKENDS)
def test_everything_of_a_message_arrives(server: VendorsServer, name: str) -> None:
    mark = token()
    sent = message(
        server,
        name,
        mark,
        to=['"Bee, X" <b@example.net>', "c@example.net"],
        cc=["d@example.net"],
        bcc=["e@example.net"],
        reply_to=["help@shop.example"],
        headers={"X-Order": "7"},
    )
    content_id = attach_inline_image(sent, b"png", filename="logo.png", subtype="png")
    sent.attach_alternative(f'<p>Html {mark}</p><img src="cid:{content_id}">', "text/html")
    sent.attach("a.txt", "octets", "text/plain")
    sent.tags = ["welcome"]
    sent.metadata = {"user": 7}
    assert sent.send() == 1
    status = sent.anymail_status
    assert status.status in ({"queued"}, {"sent"})
    assert set(status.recipients) == {f"{each}@example.net" for each in "bcde"}
    mail = server.mail(mark)
    assert mail["From"] == SENDER
    assert mail["To"] == '"Bee, X" <b@example.net>, c@example.net'
    assert (mail["Cc"], mail["Bcc"]) == ("d@example.net", None)
    assert (mail["Reply-To"], mail["X-Order"]) == ("help@shop.example", "7")
    assert mail["Subject"] == "Grüße"
    assert server.recipients(mark) == {f"{each}@example.net" for each in "bcde"}
    assert mail["Message-ID"].endswith(f"@{DOMAIN}>")
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content().strip()) == ("a.txt", "octets")
    (logo,) = [each for each in mail.walk() if each["Content-ID"] == f"<{content_id}>"]
    assert logo.get_content() == b"png"


@pytest.mark.parametrize("name", BACKENDS)
def test_html_alone_is_enough(server: VendorsServer, name: str) -> None:
    """Its text is sent as an empty one."""
    mark = token()
    sent = message(server, name, mark, body="")
    sent.attach_alternative(f"<p>Html {mark}</p>", "text/html")
    sent.send()
    html = server.mail(mark).get_body(("html",))
    assert html is not None
    assert mark in html.get_content()


@pytest.mark.parametrize("name", BACKENDS)
def test_what_is_refused_is_an_error(server: VendorsServer, name: str) -> None:
    mark = token()
    for wrong in (
        message(server, name, mark, from_email="a@elsewhere.example"),
        message(server, name, mark, connection=backend(server, name, "wrong")),
    ):
        with pytest.raises(AnymailAPIError):
            wrong.send()
    with pytest.raises((AnymailAPIError, AnymailRecipientsRefused)):
        message(server, name, mark, to=[SUPPRESSED]).send()
    assert server.count(mark) == 0


@pytest.mark.parametrize("name", ["resend", "sendgrid", "postmark"])
def test_each_of_several_has_its_own_message(server: VendorsServer, name: str) -> None:
    mark = token()
    sent = message(server, name, mark, to=["b@example.net", "c@example.net"])
    sent.merge_metadata = {"b@example.net": {"n": "1"}, "c@example.net": {"n": "2"}}
    sent.send()
    server.sink.wait_for_token(mark)
    other = token()
    message(server, name, other).send()
    server.mail(other)
    taken = [each for each in server.sink.taken if mark.encode() in each.content]
    assert sorted(len(each.rcpts) for each in taken) == [1, 1]


def test_postmark_says_who_was_invalid_or_inactive(server: VendorsServer) -> None:
    mark = token()
    some = message(server, "postmark", mark, to=["b@example.net", SUPPRESSED])
    some.send()
    assert some.anymail_status.recipients["b@example.net"].status == "sent"
    assert some.anymail_status.recipients[SUPPRESSED].status == "rejected"
    invalid = message(server, "postmark", mark, to=["a@1.2.3.4"])
    with pytest.raises(AnymailRecipientsRefused):
        invalid.send()
    assert invalid.anymail_status.recipients["a@1.2.3.4"].status == "invalid"


@pytest.mark.parametrize("name", ["resend", "sendgrid"])
def test_a_message_can_wait(server: VendorsServer, name: str) -> None:
    mark, other = token(), token()
    later = message(server, name, mark)
    later.send_at = "2035-01-01T00:00:00Z" if name == "resend" else 2_051_222_400
    later.send()
    message(server, name, other).send()
    server.mail(other)
    assert server.count(mark) == 0
