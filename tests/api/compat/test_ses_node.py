"""Amazon's own client for Node, and nodemailer over it, against the SES dialect."""

from typing import Any

from angarium.intake.order import Fault, FaultKind, Order
from tests.api.compat.dialect_server import DialectServer
from tests.api.compat.node import octets, run_node


def run(server: DialectServer, *calls: tuple[str, Any], secret: str = "") -> list[Any]:
    credentials = {
        "accessKeyId": server.access_key("acme-ses"),
        "secretAccessKey": secret or server.secret("acme-ses"),
    }
    return run_node("ses.mjs", url=server.url, credentials=credentials, calls=calls)


def addresses(order: Order, kind: str) -> list[str]:
    return [each.mailbox.address.text for each in getattr(order, kind)]


SIMPLE = {
    "FromEmailAddress": "shop@example.com",
    "Destination": {"ToAddresses": ["user@dest.example"]},
    "Content": {
        "Simple": {
            "Subject": {"Data": "Grüße"},
            "Body": {"Text": {"Data": "text"}},
            "Attachments": [{"RawContent": octets(b"\0\xff"), "FileName": "a.bin"}],
        }
    },
}


def test_amazons_client_sends_asks_and_suppresses(dialects: DialectServer) -> None:
    sent, account, put, found, gone = run(
        dialects,
        ("SendEmail", SIMPLE),
        ("GetAccount", {}),
        (
            "PutSuppressedDestination",
            {"EmailAddress": "n+1/%@dest.example", "Reason": "BOUNCE"},
        ),
        ("GetSuppressedDestination", {"EmailAddress": "n+1/%@dest.example"}),
        ("DeleteSuppressedDestination", {"EmailAddress": "n+1/%@dest.example"}),
    )
    assert sent["answer"]["MessageId"].startswith("id-")
    order = dialects.sending.last
    assert order.subject == "Grüße"
    assert order.attachments[0].content == b"\0\xff"
    assert dialects.sending.keys[-1]
    assert account["answer"]["SendQuota"]["MaxSendRate"] == 100
    assert "error" not in put
    assert found["answer"]["SuppressedDestination"]["EmailAddress"] == "n+1/%@dest.example"
    assert "error" not in gone


def test_amazons_client_knows_our_errors_and_tries_again(dialects: DialectServer) -> None:
    busy = Fault(kind=FaultKind.BUSY, message="not now", retry_after_s=0)
    dialects.sending.answers = [busy, None, Fault(kind=FaultKind.DOMAIN, message="why")]
    good, rejected, missing = run(
        dialects,
        ("SendEmail", SIMPLE),
        ("SendEmail", SIMPLE),
        ("SendEmail", {**SIMPLE, "FromEmailAddress": ""}),
    )
    assert good["answer"]["$metadata"]["attempts"] == 2
    assert (rejected["error"], rejected["status"]) == ("MessageRejected", 400)
    assert (missing["error"], missing["attempts"]) == ("BadRequestException", 1)
    (wrong,) = run(dialects, ("GetAccount", {}), secret="wrong")
    assert (wrong["error"], wrong["status"]) == ("InvalidSignatureException", 403)


def test_nodemailer_verifies_and_sends_a_raw_mail(dialects: DialectServer) -> None:
    dialects.sending.answers = [Fault(kind=FaultKind.DOMAIN, message="why", field="from")]
    verified, sent = run(
        dialects,
        ("verify", None),
        (
            "sendMail",
            {
                "from": "Läden <shop@example.com>",
                "to": "to@dest.example",
                "cc": "cc@dest.example",
                "bcc": "hidden@dest.example",
                "subject": "Grüße",
                "text": "text",
                "html": "<b>html</b>",
                "attachments": [{"filename": "ä.pdf", "content": octets(b"%PDF")}],
                "headers": {"X-Order": "1"},
                "ses": {"EmailTags": [{"Name": "a", "Value": "b"}]},
            },
        ),
    )
    dialects.sending.answers = []
    assert verified == {"answer": True}
    assert sent["answer"]["response"].startswith("id-")
    order = dialects.sending.last
    assert order.raw is not None
    assert order.raw.reverse_path == "shop@example.com"
    envelope = [*addresses(order, "to"), *addresses(order, "cc"), *addresses(order, "bcc")]
    assert sorted(envelope) == ["cc@dest.example", "hidden@dest.example", "to@dest.example"]
    assert b"hidden@" not in order.raw.content
    assert b"To: to@dest.example\r\n" in order.raw.content
    assert order.tags == ("a:b",)
