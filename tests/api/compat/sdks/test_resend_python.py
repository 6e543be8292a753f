"""Resend's official Python client against a running server, switched by its URL alone."""

import base64
from typing import Any

import pytest
import resend
from resend.exceptions import (
    InvalidApiKeyError,
    MissingApiKeyError,
    MissingRequiredFieldsError,
    RateLimitError,
    ResendError,
    ValidationError,
)

from tests.api.compat.sdks.vendors_server import (
    DOMAIN,
    SENDER,
    SMALL,
    SUPPRESSED,
    VendorsServer,
    often,
)
from tests.e2e.product import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def client(server: VendorsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", server.url)
    monkeypatch.setattr(resend, "api_key", server.key)


def email(mark: str, **changes: Any) -> Any:
    return {
        "from": SENDER,
        "to": ["b@example.net"],
        "subject": "Subject",
        "text": f"Text {mark}",
        **changes,
    }


def test_everything_of_an_email_arrives(server: VendorsServer) -> None:
    mark = token()
    sent = resend.Emails.send(
        email(
            mark,
            to=["Bee <b@example.net>", "c@example.net"],
            cc="d@example.net",
            bcc=["e@example.net"],
            reply_to=["help@shop.example", "Me <me@shop.example>"],
            subject="Grüße",
            html=f'<p>Html {mark}</p><img src="cid:logo">',
            headers={"X-Order": "7"},
            tags=[{"name": "kind", "value": "welcome"}],
            attachments=[
                {"filename": "list.txt", "content": list(b"octets")},
                {"filename": "ä.pdf", "content": base64.b64encode(b"%PDF").decode()},
                {
                    "filename": "logo.png",
                    "content": base64.b64encode(b"png").decode(),
                    "content_id": "logo",
                },
            ],
        )
    )
    mail = server.mail(mark)
    assert mail["From"] == SENDER
    assert mail["To"] == "Bee <b@example.net>, c@example.net"
    assert mail["Cc"] == "d@example.net"
    assert mail["Bcc"] is None
    assert mail["Reply-To"] == "help@shop.example, Me <me@shop.example>"
    assert mail["Subject"] == "Grüße"
    assert mail["X-Order"] == "7"
    assert mail["Message-ID"] == f"<{sent['id']}@{DOMAIN}>"
    assert server.recipients(mark) == {f"{each}@example.net" for each in "bcde"}
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == [f"Text {mark}"]
    assert f"Html {mark}" in html.get_content()
    files = {each.get_filename(): each for each in mail.iter_attachments()}
    assert set(files) == {"list.txt", "ä.pdf"}
    assert files["list.txt"].get_content() == "octets"
    assert files["ä.pdf"].get_content() == b"%PDF"
    assert files["ä.pdf"].get_content_type() == "application/pdf"
    (logo,) = [each for each in mail.walk() if each["Content-ID"] == "<logo>"]
    assert logo.get_content_type() == "image/png"
    assert logo.get_content_disposition() == "inline"


def test_an_idempotency_key_sends_once(server: VendorsServer) -> None:
    mark, key = token(), token()
    options: Any = {"idempotency_key": key}
    first = resend.Emails.send(email(mark), options)
    assert resend.Emails.send(email(mark), options)["id"] == first["id"]
    with pytest.raises(ResendError) as caught:
        resend.Emails.send(email(mark, subject="Another"), options)
    assert (caught.value.code, caught.value.error_type) == (409, "invalid_idempotent_request")
    batch: Any = {"idempotency_key": token()}
    ids = resend.Batch.send([email(mark), email(mark)], batch)["data"]
    assert resend.Batch.send([email(mark), email(mark)], batch)["data"] == ids
    other = token()
    resend.Emails.send(email(other))
    server.sink.wait_for_token(mark, mails=3)  # they come over several connections, in any order
    server.mail(other)
    assert server.count(mark) == 3


def test_a_batch_is_strict_or_permissive(server: VendorsServer) -> None:
    good, bad = token(), token()
    batch = [email(good), email(bad, to="nobody"), email(good, to="c@example.net")]
    with pytest.raises(ValidationError, match=r"emails\[1\].*to: "):
        resend.Batch.send(batch)
    permissive: Any = {"batch_validation": "permissive"}
    found = resend.Batch.send(batch, permissive)
    assert len(found["data"]) == 2
    (error,) = found["errors"]
    assert error["index"] == 1
    assert "nobody" in error["message"]
    server.sink.wait_for_token(good)
    assert server.count(bad) == 0


def test_what_is_wrong_has_resends_class_and_words(
    server: VendorsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = token()
    with pytest.raises(MissingRequiredFieldsError, match="subject"):
        resend.Emails.send({"from": SENDER, "to": "b@example.net", "text": mark})  # type: ignore[typeddict-item]
    for changes, words in (
        ({"to": "nobody"}, "to: "),
        ({"nonsense": 1}, "nonsense"),
        ({"scheduled_at": "some time"}, "scheduled_at"),
        ({"template": {"id": "welcome"}}, "template"),
        ({"headers": {"X-A": "1\r\nBcc: x@example.net"}}, "headers.X-A"),
        ({"subject": "1\r\nBcc: x@example.net"}, "subject"),
        ({"to": SUPPRESSED}, SUPPRESSED),
        ({"attachments": [{"filename": "a", "path": "https://example.com/a"}]}, "path"),
    ):
        with pytest.raises(ValidationError, match=words) as caught:
            resend.Emails.send(email(mark, **changes))
        assert caught.value.code == 422
    with pytest.raises(ResendError, match=r"elsewhere\.example") as refused:
        resend.Emails.send(email(mark, **{"from": "a@elsewhere.example"}))
    assert (refused.value.code, refused.value.error_type) == (403, "validation_error")
    monkeypatch.setattr(resend, "api_key", "re_wrong")
    with pytest.raises(InvalidApiKeyError):
        resend.Emails.send(email(mark))
    monkeypatch.setattr(resend, "api_key", " ")
    with pytest.raises(MissingApiKeyError):
        resend.Emails.send(email(mark))
    monkeypatch.setattr(resend, "api_key", server.reading_key)
    with pytest.raises(ResendError) as refused:
        resend.Emails.send(email(mark))
    assert (refused.value.code, refused.value.error_type) == (401, "restricted_api_key")
    monkeypatch.setattr(resend, "api_key", server.slow_key)
    with pytest.raises(RateLimitError) as limited:
        often(lambda: resend.Emails.send(email(token())))
    assert limited.value.headers["Retry-After"] == "1"
    assert server.count(mark) == 0


def test_a_quota_that_is_used_up_is_resends_of_the_day(
    server: VendorsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resend, "api_key", server.small_key)
    sender = {"from": f"a@{SMALL}.example"}
    key: Any = {"idempotency_key": token()}
    mark = token()
    sent = resend.Emails.send(email(mark, **sender), key)
    with pytest.raises(RateLimitError) as caught:
        resend.Emails.send(email(token(), **sender))
    assert (caught.value.code, caught.value.error_type) == (429, "daily_quota_exceeded")
    assert 0 < int(caught.value.headers["Retry-After"]) <= 86_400
    assert resend.Emails.send(email(mark, **sender), key)["id"] == sent["id"]


def test_who_is_suppressed_gets_nothing_and_others_do(server: VendorsServer) -> None:
    mark = token()
    resend.Emails.send(email(mark, to=[SUPPRESSED, "b@example.net"]))
    server.mail(mark)
    assert server.recipients(mark) == {"b@example.net"}


@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_a_slash_too_many_is_none(
    server: VendorsServer, slash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resend, "api_url", server.url + slash)
    mark = token()
    resend.Emails.send(email(mark))
    server.mail(mark)


def test_what_is_scheduled_is_moved_or_cancelled(server: VendorsServer) -> None:
    moved, cancelled, other = token(), token(), token()
    first = resend.Emails.send(email(moved, scheduled_at="2035-01-01T00:00:00Z"))["id"]
    second = resend.Emails.send(email(cancelled, scheduled_at="in 2 hours"))["id"]
    assert resend.Emails.cancel(second)["id"] == second
    with pytest.raises(ResendError, match="cancel"):
        resend.Emails.cancel(second)
    later: Any = {"id": first, "scheduled_at": "2036-01-01T00:00:00Z"}
    assert resend.Emails.update(later)["id"] == first
    resend.Emails.send(email(other))
    server.mail(other)
    assert server.count(moved) == 0
    now: Any = {"id": first, "scheduled_at": "2026-01-01T00:00:00Z"}
    resend.Emails.update(now)
    server.mail(moved)
    with pytest.raises(ResendError) as caught:
        resend.Emails.cancel("00000000-0000-7000-8000-000000000000")
    assert (caught.value.code, caught.value.error_type) == (404, "not_found")
    assert server.count(cancelled) == 0
