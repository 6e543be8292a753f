"""Mirrors angarium/webhooks/formats/: what the vendors' own helpers, and django-anymail, read of each form."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from angarium.queue.model import UnixMs
from angarium.tenancy.webhook import FORMATS, WebhookFormat
from angarium.webhooks.formats import FORMS, Sealing, Written, postmark, sendgrid
from angarium.webhooks.formats.sendgrid import SIGNATURE, TIMESTAMP, public_key
from angarium.webhooks.happening import Happening, trial_happening
from angarium.webhooks.signing import signature_headers
from tests.webhooks.samples import Sample

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
OTHER = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
NOW = UnixMs(0)
EVENTS = {
    "accepted": {},
    "relayed": {},
    "delivered": {},
    "deferred": {},
    "bounced": {},
    "expired": {},
    "complained": {},
    "unsubscribed": {},
    "recipient_suppressed": {"cause": "user_unknown"},
    "opened": {"client": "192.0.2.9 Mozilla/5.0 (X)"},
    "clicked": {"client": "192.0.2.9 Mozilla/5.0 (X)", "link": "https://shop.example/x"},
}


@pytest.fixture(autouse=True)
def _now() -> None:
    """Verifiers take nothing that is older than five minutes, and a suite runs for longer."""
    global NOW
    NOW = UnixMs(int(time.time() * 1000))


def happening(name: str) -> Happening:
    sample = Sample()
    if name == "accepted":
        return sample.accepted[0]
    return sample.happen(name, **EVENTS[name])


def write(name: str, form: WebhookFormat) -> tuple[Happening, Written, dict[str, str]]:
    told = happening(name)
    written = FORMS[form].write(told, Sealing(secret=SECRET, now=NOW))
    headers = {**signature_headers(told.id, written.body, [SECRET], NOW), **written.headers}
    return told, written, headers


def body(name: str, form: WebhookFormat) -> Any:
    return json.loads(write(name, form)[1].body)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", EVENTS)
def test_the_signature_is_what_verifiers_of_standard_webhooks_take(
    name: str, form: WebhookFormat
) -> None:
    svix = pytest.importorskip("svix.webhooks")
    from standardwebhooks import Webhook, WebhookVerificationError

    if not FORMS[form].names(happening(name)):
        return  # the form has no word for it
    told, written, headers = write(name, form)
    assert headers["webhook-id"] == headers["svix-id"] == told.id
    assert Webhook(SECRET).verify(written.body, headers) == json.loads(written.body)
    svix.Webhook(SECRET).verify(written.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(written.body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(written.body, headers)


def test_while_a_secret_is_rotated_both_verify() -> None:
    from standardwebhooks import Webhook

    headers = signature_headers("id", b'{"a":"\xc3\xa4"}', [SECRET, OTHER], NOW)
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(b'{"a":"\xc3\xa4"}', headers) == {"a": "ä"}


def test_the_native_form_is_the_published_one() -> None:
    found = body("delivered", "native")
    told = happening("delivered")
    assert found["type"] == "email.delivered"
    assert found["event"] == "delivery"
    assert found["emailId"] == told.email_id
    assert uuid.UUID(found["id"]) == uuid.UUID(told.id)
    assert found["recipient"] == "ann@example.net"
    assert found["metadata"] == {"userId": "ann", "n": 7}
    assert found["variables"] == {"name": "Ann"}
    assert found["tags"] == ["campaign:welcome", "plain"]
    assert found["subject"] == "Grüße"
    assert found["timestamp"].endswith("Z")
    assert found["details"]["smtpResponse"].startswith("250 ")
    assert found["details"]["reportingMTA"] == "mx.example.net"


def test_what_is_about_no_message_has_no_email_id() -> None:
    told = trial_happening("w1", "shop", "id1", NOW)
    written = FORMS["native"].write(told, Sealing(secret=SECRET, now=NOW))
    found = json.loads(written.body)
    assert (found["type"], found["details"]) == ("webhook.test", {"webhookId": "w1"})
    assert "emailId" not in found


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("resend", "email.sent email.delivered email.delivered email.delivery_delayed"),
        ("sendgrid", "processed delivered delivered deferred"),
        ("mailgun", "accepted delivered delivered temporary_fail"),
    ],
)
def test_a_next_hops_250_is_delivered_to_vendors(form: WebhookFormat, words: str) -> None:
    names = [FORMS[form].names(happening(each)) for each in list(EVENTS)[:4]]
    assert [each[1] if len(each) > 1 else each[0] for each in names] == words.split()
    assert "email.delivered" in names[1]  # who asked for it by our name
    assert "email.sent" not in names[1]
    told_by_ses = Sample().happen("ses_told")
    assert FORMS[form].names(told_by_ses) == ()  # a second delivery to them
    assert FORMS["native"].names(told_by_ses) == ("email.delivered",)


def test_resends_own_verify_takes_it() -> None:
    resend = pytest.importorskip("resend")
    for name in ("delivered", "bounced", "clicked"):
        _, written, headers = write(name, "resend")
        options = {
            "payload": written.body.decode(),
            "headers": {key: headers[f"svix-{key}"] for key in ("id", "timestamp", "signature")},
            "webhook_secret": SECRET,
        }
        resend.Webhooks.verify(options)
        with pytest.raises(ValueError, match="signature"):
            resend.Webhooks.verify({**options, "webhook_secret": OTHER})
    data = body("clicked", "resend")["data"]
    assert data["to"] == ["ann@example.net"]
    assert data["tags"] == {"campaign": "welcome", "plain": "plain"}
    assert data["click"]["link"] == "https://shop.example/x"
    assert data["click"]["ipAddress"] == "192.0.2.9"
    assert data["click"]["userAgent"] == "Mozilla/5.0 (X)"
    bounce = body("bounced", "resend")["data"]["bounce"]
    assert set(bounce) == {"diagnosticCode", "message", "subType", "type"}
    assert bounce["type"] == "Permanent"


def test_sendgrids_own_verify_takes_it() -> None:
    helper = pytest.importorskip("sendgrid.helpers.eventwebhook").EventWebhook()
    _, written, headers = write("bounced", "sendgrid")
    key = helper.convert_public_key_to_ecdsa(public_key(SECRET))
    payload, signed = written.body.decode(), headers[SIGNATURE]
    assert helper.verify_signature(payload, signed, headers[TIMESTAMP], key)
    assert not helper.verify_signature(payload + " ", signed, headers[TIMESTAMP], key)
    wrong = helper.convert_public_key_to_ecdsa(public_key(OTHER))
    assert not helper.verify_signature(payload, signed, headers[TIMESTAMP], wrong)
    (event,) = json.loads(payload)
    assert (event["event"], event["email"]) == ("bounce", "ann@example.net")
    assert (event["userId"], event["n"]) == ("ann", 7)  # what the sender gave along, flat


def test_mailguns_own_verify_takes_it() -> None:
    security = pytest.importorskip("mailgun.security")
    block = body("bounced", "mailgun")["signature"]
    verify = security.SecurityGuard.verify_webhook
    assert verify(SECRET, block["token"], block["timestamp"], block["signature"])
    assert not verify(OTHER, block["token"], block["timestamp"], block["signature"])
    assert len(block["token"]) == 50
    event = body("bounced", "mailgun")["event-data"]
    assert (event["event"], event["severity"]) == ("failed", "permanent")
    assert event["delivery-status"]["code"] == 550
    assert "<" not in event["message"]["headers"]["message-id"]


@pytest.fixture(scope="module")
def anymail() -> Iterator[Any]:
    """Django's request factory, with django-anymail's views ready."""
    pytest.importorskip("anymail")
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            ALLOWED_HOSTS=["*"],
            ANYMAIL={},
            INSTALLED_APPS=["anymail"],
            SECRET_KEY="x",
            USE_TZ=True,
        )
        django.setup()
    from django.test import RequestFactory

    return RequestFactory()


def told_to_anymail(anymail: Any, name: str, form: WebhookFormat) -> Any:
    """Return the tracking event that a receiver of its signal gets."""
    import warnings

    from anymail.signals import tracking
    from anymail.webhooks.mailgun import MailgunTrackingWebhookView
    from anymail.webhooks.postmark import PostmarkTrackingWebhookView
    from anymail.webhooks.resend import ResendTrackingWebhookView
    from anymail.webhooks.sendgrid import SendGridTrackingWebhookView

    views = {
        "resend": lambda: ResendTrackingWebhookView.as_view(signing_secret=SECRET),
        "sendgrid": lambda: SendGridTrackingWebhookView.as_view(
            tracking_webhook_verification_key=public_key(SECRET)
        ),
        "postmark": PostmarkTrackingWebhookView.as_view,
        "mailgun": lambda: MailgunTrackingWebhookView.as_view(webhook_signing_key=SECRET),
    }
    events: list[Any] = []

    def take(event: Any, **_: object) -> None:
        events.append(event)

    _, written, headers = write(name, form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tracking.connect(take)
        try:
            request = anymail.post(
                "/hook", written.body, content_type="application/json", headers=headers
            )
            assert views[form]()(request).status_code == 200
        finally:
            tracking.disconnect(take)
    (event,) = events
    return event


ANYMAIL = {
    "resend": {
        "accepted": "sent",
        "relayed": "delivered",
        "delivered": "delivered",
        "deferred": "deferred",
        "bounced": "bounced",
        "expired": "bounced",
        "complained": "complained",
        "opened": "opened",
        "clicked": "clicked",
    },
    "sendgrid": {
        "accepted": "queued",
        "relayed": "delivered",
        "delivered": "delivered",
        "deferred": "deferred",
        "bounced": "bounced",
        "recipient_suppressed": "rejected",
        "complained": "complained",
        "unsubscribed": "unsubscribed",
        "opened": "opened",
        "clicked": "clicked",
    },
    "postmark": {
        "relayed": "delivered",
        "delivered": "delivered",
        "deferred": "deferred",
        "bounced": "bounced",
        "expired": "bounced",
        "complained": "complained",
        "unsubscribed": "unsubscribed",
        "opened": "opened",
        "clicked": "clicked",
    },
    "mailgun": {
        "accepted": "queued",
        "relayed": "delivered",
        "delivered": "delivered",
        "deferred": "deferred",
        "bounced": "bounced",
        "complained": "complained",
        "unsubscribed": "unsubscribed",
        "opened": "opened",
        "clicked": "clicked",
    },
}


@pytest.mark.parametrize(
    ("event", "scope", "name", "group"),
    [
        ("unsubscribed", "tenant:acme/topic:17", "group_unsubscribe", 17),
        ("resubscribed", "tenant:acme/topic:17", "group_resubscribe", 17),
        ("unsubscribed", "tenant:acme/topic:offers", "unsubscribe", None),
        ("unsubscribed", "tenant:acme/stream:17", "unsubscribe", None),
        ("resubscribed", "tenant:acme/topic:offers", None, None),
    ],
)
def test_a_topic_that_is_a_number_is_a_group_of_sendgrids(
    event: str, scope: str, name: str | None, group: int | None
) -> None:
    told = Sample().happen(event, 0, scope=scope)
    assert sendgrid.name_of(told) == name
    if name is not None:
        (body,) = json.loads(sendgrid.write(told, Sealing(secret=SECRET, now=NOW)).body)
        assert (body["event"], body.get("asm_group_id")) == (name, group)


@pytest.mark.parametrize(("event", "suppresses"), [("unsubscribed", True), ("resubscribed", False)])
def test_postmark_is_told_whether_it_is_still_sent_to(event: str, suppresses: bool) -> None:
    told = Sample().happen(event, 0)
    body = json.loads(postmark.write(told, Sealing(secret=SECRET, now=NOW)).body)
    assert (body["RecordType"], body["SuppressSending"]) == ("SubscriptionChange", suppresses)


@pytest.mark.parametrize("form", ANYMAIL)
def test_django_anymail_reads_it(anymail: Any, form: WebhookFormat) -> None:
    for name, expected in ANYMAIL[form].items():
        told = happening(name)
        event = told_to_anymail(anymail, name, form)
        assert (name, event.event_type) == (name, expected)
        assert event.recipient == "ann@example.net"
        assert event.message_id in (told.email_id, told.message_id)
        at = int(event.timestamp.timestamp() * 1000)
        assert at == (told.at // 1000 * 1000 if form == "sendgrid" else told.at)
        assert event.metadata["userId"] == "ann"
        if name == "clicked":
            assert event.click_url == "https://shop.example/x"
            assert event.user_agent == "Mozilla/5.0 (X)"
        if name == "bounced":
            assert event.reject_reason in ("bounced", None)
            assert "550" in (event.mta_response or event.description)


READER = "192.0.2.0 Chrome 126, Windows"
PHONE = "192.0.2.0 Apple Mail, iPhone"
MACHINE = {"client": READER, "verdict": "machine", "reasons": ("apple_mpp",)}
HUMAN = {"client": PHONE, "verdict": "human", "reasons": ()}


def told(name: str, form: WebhookFormat, **fields: Any) -> Any:
    written = FORMS[form].write(Sample().happen(name, **fields), Sealing(secret=SECRET, now=NOW))
    found = json.loads(written.body)
    return found[0] if isinstance(found, list) else found


def test_our_form_says_whether_a_person_did_it_and_why_not() -> None:
    machine = told("clicked", "native", **MACHINE, link="https://shop.example/x", link_number=4)
    assert (machine["details"]["human"], machine["details"]["reasons"]) == (False, ["apple_mpp"])
    assert machine["details"]["linkNumber"] == 4
    assert told("opened", "native", **HUMAN)["details"]["human"] is True
    assert "human" not in told("opened", "native", client=READER)["details"]


def test_sendgrids_form_calls_a_machines_open_by_its_name() -> None:
    assert told("opened", "sendgrid", **MACHINE)["sg_machine_open"] is True
    human = told("opened", "sendgrid", **HUMAN)
    assert human["sg_machine_open"] is False
    assert (human["ip"], human["useragent"]) == ("192.0.2.0", "Apple Mail, iPhone")
    assert "sg_machine_open" not in told("opened", "sendgrid", client=READER)
    assert "sg_machine_open" not in told("clicked", "sendgrid", **MACHINE, link="https://x/")


def test_mailguns_form_has_its_word_for_each_machine() -> None:
    def bot(**fields: Any) -> Any:
        return told("opened", "mailgun", **fields)["event-data"]["client-info"].get("bot")

    assert bot(**MACHINE) == "apple"
    assert bot(**{**MACHINE, "reasons": ("gmail_prefetch",)}) == "gmail"
    assert bot(**{**MACHINE, "reasons": ("head", "no_agent")}) == "generic"
    assert bot(**HUMAN) == ""
    assert bot(client=READER) is None


def test_postmarks_form_names_program_and_platform() -> None:
    human = told("opened", "postmark", **HUMAN)
    assert (human["Platform"], human["Client"], human["OS"]) == (
        "Mobile",
        {"Name": "Apple Mail"},
        {"Name": "iPhone"},
    )
    assert told("opened", "postmark", **MACHINE)["Platform"] == "Unknown"
    raw = "192.0.2.9 Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
    assert told("opened", "postmark", client=raw)["Client"] == {"Name": "Chrome 126"}
