"""boto3 and Mailgun's clients send through a running server, and what they sent arrives."""

import email
import email.policy
import json
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from tests.api.compat.sdks.vendors_server import DOMAIN, OTHER_DOMAIN, VendorsServer
from tests.e2e.product import token
from tests.e2e.recording_sink import Taken

boto3 = pytest.importorskip("boto3")
requests = pytest.importorskip("requests")
mailgun_client = pytest.importorskip("mailgun.client")
from botocore.exceptions import ClientError  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def ses(server: VendorsServer) -> Iterator[Any]:
    found = ses_client(server, server.ses_key.access_key_id, server.ses_key.text)
    yield found
    found.close()


@pytest.fixture(scope="module")
def other_ses(server: VendorsServer) -> Iterator[Any]:
    """Of another tenant."""
    found = ses_client(server, server.other_ses_key.access_key_id, server.other_ses_key.text)
    yield found
    found.close()


def ses_client(server: VendorsServer, access_key_id: str, secret: str) -> Any:
    return boto3.client(
        "sesv2",
        endpoint_url=server.url,
        region_name="eu-central-1",
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
    )


def post(server: VendorsServer, data: Any, files: Any = None, path: str = "messages") -> Any:
    """Ask as Mailgun's clients do, in ways that they do not lead to."""
    url = f"{server.url}/v3/{DOMAIN}/{path}"
    return requests.post(url, auth=("api", server.key), data=data, files=files, timeout=30)


def read(taken: Taken) -> EmailMessage:
    found = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def recipients(taken: Taken) -> set[str]:
    return {each.decode().partition("<")[2].partition(">")[0] for each in taken.rcpts}


def test_a_simple_mail_of_ses_arrives(server: VendorsServer, ses: Any) -> None:
    mark = token()
    answer = ses.send_email(
        FromEmailAddress="=?UTF-8?B?TMOkZGVu?= <orders@shop.example>",
        Destination={
            "ToAddresses": ["a@example.net"],
            "CcAddresses": ["c@example.net"],
            "BccAddresses": ["b@example.net"],
        },
        ReplyToAddresses=["help@shop.example"],
        Content={
            "Simple": {
                "Subject": {"Data": "Grüße"},
                "Body": {"Text": {"Data": mark}, "Html": {"Data": '<img src="cid:logo">'}},
                "Headers": [{"Name": "X-Order", "Value": "1"}],
                "Attachments": [
                    {"RawContent": b"%PDF\0\r\n", "FileName": "ä.pdf"},
                    {
                        "RawContent": b"png",
                        "FileName": "logo.png",
                        "ContentDisposition": "INLINE",
                        "ContentId": "logo",
                    },
                ],
            }
        },
        EmailTags=[{"Name": "campaign", "Value": "welcome"}],
    )
    taken = server.sink.wait_for_token(mark)
    mail = read(taken)
    assert (str(mail["subject"]), str(mail["from"])) == ("Grüße", "Läden <orders@shop.example>")
    assert mail["message-id"] == f"<{answer['MessageId']}@shop.example>"
    assert (mail["to"], mail["cc"], mail["bcc"]) == ("a@example.net", "c@example.net", None)
    assert (mail["reply-to"], mail["x-order"]) == ("help@shop.example", "1")
    files = {e.get_filename(): e for e in mail.walk() if e.get_filename()}
    assert files["ä.pdf"].get_content() == b"%PDF\0\r\n"
    assert files["ä.pdf"].get_content_type() == "application/pdf"
    assert files["logo.png"]["content-id"] == "<logo>"
    assert recipients(taken) == {"a@example.net", "b@example.net", "c@example.net"}
    accepted = server.product.wait_for_disposition(event="accepted", message=answer["MessageId"])
    assert accepted["tags"] == ["campaign:welcome"]


def test_blind_recipients_alone_get_a_simple_mail_of_ses(server: VendorsServer, ses: Any) -> None:
    mark = token()
    ses.send_email(
        FromEmailAddress="orders@shop.example",
        Destination={"BccAddresses": ["a@example.net", "b@example.net"]},
        Content={"Simple": {"Subject": {"Data": mark}, "Body": {"Text": {"Data": "t"}}}},
    )
    taken = server.sink.wait_for_token(mark)
    assert recipients(taken) == {"a@example.net", "b@example.net"}
    mail = read(taken)
    assert (str(mail["to"]), mail["cc"], mail["bcc"]) == ("undisclosed-recipients:;", None, None)


def test_a_raw_mail_of_ses_arrives_octet_for_octet(server: VendorsServer, ses: Any) -> None:
    mark = token()
    own = (
        b"X-First: one\r\nFrom: Shop <orders@shop.example>\r\nTo: shown@example.net\r\n"
        b"Date: Mon, 30 Nov 2026 00:00:00 +0000\r\nMessage-ID: <own@shop.example>\r\n"
        b"MIME-Version: 1.0\r\nX-Folded: a\r\n\tb\r\nSubject: " + mark.encode() + b"\r\n"
    )
    body = b".dot\r\n..two\r\n\r\ntrailing  \r\n\xe2\x82\xac\r\n" + b"x" * 997 + b"\r\n"
    answer = ses.send_email(
        Destination={"ToAddresses": ["one@example.net", "blind@example.net"]},
        Content={"Raw": {"Data": own + b"\r\n" + body}},
    )
    taken = server.sink.wait_for_token(mark)
    header, _, content = taken.content.partition(b"\r\n\r\n")
    assert content == body
    assert (header + b"\r\n").endswith(own)
    assert recipients(taken) == {"one@example.net", "blind@example.net"}
    assert b"<orders@shop.example>" in taken.mail
    assert answer["MessageId"]


def test_a_raw_mail_of_ses_gets_what_it_lacks_and_loses_its_bcc(
    server: VendorsServer, ses: Any
) -> None:
    mark = token()
    raw = (
        f"From: orders@shop.example\nTo: a@example.net\nBcc: b@example.net\nSubject: {mark}\n"
        "Content-Type: text/plain; charset=utf-8\n\nLF alone, and no end"
    )
    answer = ses.send_email(Content={"Raw": {"Data": raw.encode()}})
    taken = server.sink.wait_for_token(mark)
    mail = read(taken)
    assert recipients(taken) == {"a@example.net", "b@example.net"}
    assert mail["bcc"] is None
    assert mail["date"]
    assert mail["mime-version"] == "1.0"
    assert mail["message-id"] == f"<{answer['MessageId']}@shop.example>"
    assert taken.content.endswith(b"\r\n\r\nLF alone, and no end\r\n")


def test_what_ses_refuses(ses: Any) -> None:
    base = {
        "FromEmailAddress": "orders@shop.example",
        "Destination": {"ToAddresses": ["a@example.net"]},
        "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    }
    raw = {"Raw": {"Data": b"From: a@other.example\r\nSubject: s\r\n\r\nx\r\n"}}
    for change, code, word in (
        ({"FromEmailAddress": "a@unverified.example"}, "MessageRejected", "not verified"),
        ({"FromEmailAddress": "a@other.example"}, "MessageRejected", "not verified"),
        (
            {"FromEmailAddress": "bounce@other.example", "Content": raw},
            "MessageRejected",
            "not verified",
        ),
        ({"Content": raw, "FromEmailAddress": ""}, "MessageRejected", "not verified"),
        ({"FromEmailAddress": "invalid@invalid"}, "MessageRejected", ""),
        ({"ConfigurationSetName": "x"}, "NotFoundException", "ConfigurationSetName"),
        ({"Destination": {}}, "BadRequestException", "Destination.ToAddresses"),
        (
            {"ConfigurationOverrides": {"Tracking": {"OpenTrackingEnabled": "ENABLED"}}},
            "BadRequestException",
            "ConfigurationOverrides.Tracking",
        ),
    ):
        with pytest.raises(ClientError) as error:
            ses.send_email(**{**base, **change})
        found = error.value.response["Error"]
        assert found["Code"] == code, (change, found)
        assert word in found["Message"], (change, found)
    assert ses.send_email(**base, ConfigurationSetName="broadcasts")["MessageId"]


def test_a_suppressed_address_is_rejected_until_it_is_taken_off(ses: Any, other_ses: Any) -> None:
    other = other_ses
    ses.put_suppressed_destination(EmailAddress="gone+1@example.net", Reason="BOUNCE")
    mail = {
        "Destination": {"ToAddresses": ["gone+1@example.net"]},
        "Content": {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    }
    with pytest.raises(ses.exceptions.MessageRejected, match="suppressed"):
        ses.send_email(FromEmailAddress="orders@shop.example", **mail)
    assert other.send_email(FromEmailAddress="x@other.example", **mail)["MessageId"]
    with pytest.raises(other.exceptions.NotFoundException):
        other.get_suppressed_destination(EmailAddress="gone+1@example.net")
    found = ses.get_suppressed_destination(EmailAddress="gone+1@example.net")
    assert found["SuppressedDestination"]["Reason"] == "BOUNCE"
    ses.delete_suppressed_destination(EmailAddress="gone+1@example.net")
    assert ses.send_email(FromEmailAddress="orders@shop.example", **mail)["MessageId"]


def test_the_account_has_the_tenants_quotas(server: VendorsServer, other_ses: Any) -> None:
    server.product.postmaster(
        "tenant", "set", "other", "--quota-day", "5000", "--quota-second", "20"
    )
    before = other_ses.get_account()["SendQuota"]
    other_ses.send_email(
        FromEmailAddress="x@other.example",
        Destination={"ToAddresses": ["a@example.net", "b@example.net"]},
        Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    )
    quota = other_ses.get_account()["SendQuota"]
    assert (quota["Max24HourSend"], quota["MaxSendRate"]) == (5000.0, 20.0)
    # A day of UTC may begin between the two
    assert quota["SentLast24Hours"] in (before.get("SentLast24Hours", 0) + 2, 2)


def test_a_revoked_key_signs_for_nobody(server: VendorsServer) -> None:
    made = json.loads(server.product.postmaster("key", "create", "--kind", "ses", "--json"))
    ses = ses_client(server, made["accessKeyId"], made["secretAccessKey"])
    assert ses.get_account()["SendingEnabled"] is True
    server.product.postmaster("key", "revoke", made["id"])
    with pytest.raises(ClientError) as error:
        ses.get_account()
    assert error.value.response["Error"]["Code"] == "UnrecognizedClientException"
    ses.close()


def test_the_same_invocation_is_one_message(server: VendorsServer) -> None:
    mark = token()
    ses = ses_client(server, server.ses_key.access_key_id, server.ses_key.text)

    def fix_invocation(context: dict[str, Any], **_: Any) -> None:
        context.setdefault("retries", {})["invocation-id"] = mark

    ses.meta.events.register("before-call.sesv2.SendEmail", fix_invocation)
    ids = {
        ses.send_email(
            FromEmailAddress="orders@shop.example",
            Destination={"ToAddresses": ["a@example.net"]},
            Content={"Simple": {"Subject": {"Data": mark}, "Body": {"Text": {"Data": "t"}}}},
        )["MessageId"]
        for _ in range(3)
    }
    assert len(ids) == 1
    ses.close()


def test_nodemailer_verifies_and_sends(server: VendorsServer) -> None:
    mark = token()
    credentials = {
        "accessKeyId": server.ses_key.access_key_id,
        "secretAccessKey": server.ses_key.text,
    }
    mail = {
        "from": "Shop <orders@shop.example>",
        "to": "a@example.net",
        "bcc": "b@example.net",
        "subject": mark,
        "text": "text",
        "html": "<b>html</b>",
    }
    calls = [["verify", None], ["sendMail", mail]]
    verified, sent = server.node("ses.mjs", credentials=credentials, calls=calls)
    assert verified == {"answer": True}
    assert sent["answer"]["response"]
    taken = server.sink.wait_for_token(mark)
    assert recipients(taken) == {"a@example.net", "b@example.net"}
    assert b"b@example.net" not in taken.content


def test_a_mail_of_mailgun_arrives(server: VendorsServer) -> None:
    mark = token()
    with mailgun_client.Client(auth=("api", server.key), api_url=server.url) as client:
        answer = client.messages.create(
            domain=DOMAIN,
            data={
                "from": "Läden <orders@shop.example>",
                "to": ["a@example.net", "Bob <b@example.net>"],
                "cc": "c@example.net",
                "bcc": "d@example.net",
                "subject": "Grüße",
                "text": "text",
                "html": '<img src="cid:logo.png">',
                "o:tag": ["one", "two"],
                "h:X-Order": mark,
                "h:Reply-To": "help@shop.example",
                "v:user": "7",
            },
            files=[
                ("attachment", ("ä.pdf", b"%PDF\0\r\n")),
                ("inline", ("logo.png", b"png")),
            ],
        )
    assert answer.status_code == 200, answer.text
    mail = read(server.sink.wait_for_token(mark))
    assert str(mail["from"]) == "Läden <orders@shop.example>"
    assert str(mail["to"]) == "a@example.net, Bob <b@example.net>"
    assert mail["message-id"] == answer.json()["id"]
    assert (mail["reply-to"], mail["bcc"]) == ("help@shop.example", None)
    files = {e.get_filename(): e for e in mail.walk() if e.get_filename()}
    assert files["ä.pdf"].get_content() == b"%PDF\0\r\n"
    assert files["logo.png"]["content-id"] == "<logo.png>"
    email_id = answer.json()["id"][1:].partition("@")[0]
    accepted = server.product.wait_for_disposition(event="accepted", message=email_id)
    assert accepted["tags"] == ["one", "two"]


def test_a_batch_of_mailgun_is_a_mail_for_each(server: VendorsServer) -> None:
    mark = token()
    people = {f"u{at}@example.net": {"name": f"N{at}"} for at in range(20)}
    answer = post(
        server,
        {
            "from": "orders@shop.example",
            "to": list(people),
            "subject": f"%recipient.name% {mark}",
            "text": "Dear %recipient.name%",
            "recipient-variables": json.dumps(people),
        },
    )
    assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 30
    while len(found := [t for t in server.sink.taken if mark.encode() in t.content]) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for taken in found:
        mail = read(taken)
        name = people[str(mail["to"])]["name"]
        assert recipients(taken) == {str(mail["to"])}
        assert str(mail["subject"]) == f"{name} {mark}"
        assert mail.get_content().strip() == f"Dear {name}"


def test_a_mime_message_of_mailgun_arrives_octet_for_octet(server: VendorsServer) -> None:
    mark = token()
    own = f"From: orders@shop.example\r\nTo: x@example.net\r\nMIME-Version: 1.0\r\nSubject: {mark}\r\n"
    body = b".dot\r\n\xe2\x82\xac\r\n"
    answer = post(
        server,
        {"to": "a@example.net"},
        {"message": ("m.eml", own.encode() + b"\r\n" + body)},
        "messages.mime",
    )
    assert answer.status_code == 200, answer.text
    taken = server.sink.wait_for_token(mark)
    header, _, content = taken.content.partition(b"\r\n\r\n")
    assert content == body
    assert own.encode() in header + b"\r\n"
    assert recipients(taken) == {"a@example.net"}
    assert read(taken)["message-id"] == answer.json()["id"]


def test_mailguns_test_mode_and_times(server: VendorsServer) -> None:
    mark = token()
    base = {"from": "orders@shop.example", "to": "a@example.net", "subject": mark, "text": "t"}
    answer = post(server, {**base, "o:testmode": "yes"})
    assert answer.json()["message"] == "Queued. Thank you."
    later = post(server, {**base, "o:deliverytime": "Fri, 25 Oct 2030 23:10:10 +0000"})
    assert later.status_code == 200, later.text
    email_id = later.json()["id"][1:].partition("@")[0]
    assert [each for each in server.product.queued() if each["id"].startswith(email_id)]
    now = token()
    assert post(server, {**base, "subject": now}).status_code == 200
    server.sink.wait_for_token(now)
    assert not [each for each in server.sink.taken if mark.encode() in each.content]


def test_what_mailgun_refuses(server: VendorsServer) -> None:
    base = {"from": "orders@shop.example", "to": "a@example.net", "subject": "s", "text": "t"}
    for change, status, word in (
        ({"from": "a@other.example"}, 404, "Domain not found"),
        ({"to": ""}, 400, "to"),
        ({"to": "nonsense"}, 400, "nonsense"),
        ({"h:X-A": "b\r\nBcc: x@evil.example"}, 400, "h:X-A"),
        ({"h:Bcc": "x@evil.example"}, 400, "h:Bcc"),
        ({"o:tracking": "yes"}, 400, "o:tracking"),
        ({"template": "x"}, 400, "template"),
    ):
        answer = post(server, {**base, **change})
        assert answer.status_code == status, (change, answer.text)
        assert word in answer.json()["message"], (change, answer.text)
    url = f"{server.url}/v3/{OTHER_DOMAIN}/messages"
    answer = requests.post(url, auth=("api", server.key), data=base, timeout=30)
    assert answer.status_code == 404
    assert "Domain not found" in answer.json()["message"]


def test_mailguns_idempotency_key_is_one_message(server: VendorsServer) -> None:
    base = {
        "from": "orders@shop.example",
        "to": "a@example.net",
        "subject": "s",
        "text": "t",
        "h:X-Idempotency-Key": token(),
    }
    first, second = post(server, base), post(server, base, {"attachment": (None, b"")})
    assert first.json()["id"] == second.json()["id"]
    other = post(server, {**base, "text": "another"})
    assert other.status_code == 400
