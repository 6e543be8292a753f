"""Mailgun's own client for Node against the Mailgun dialect, with the form of a package and that of Node itself."""

from typing import Any

import pytest

from tests.api.compat.dialect_server import DialectServer
from tests.api.compat.node import octets, run_node

MESSAGE = {
    "from": "Läden <shop@example.com>",
    "to": ["a@dest.example", "Bob <b@dest.example>"],
    "subject": "Grüße",
    "text": "text",
    "html": "<p>html</p>",
    "o:tag": ["one", "two"],
    "h:X-Order": "1",
    "v:user": "7",
    "attachment": {"data": octets(b"%PDF\r\n\0"), "filename": 'Bericht "ä".pdf'},
    "inline": [{"data": octets(b"png"), "filename": "logo.png"}],
}


def run(server: DialectServer, *calls: tuple[str, str, Any], key: str = "acme-api") -> list[Any]:
    return run_node("mailgun.mjs", url=server.url, key=server.keys[key].text, calls=calls)


@pytest.mark.parametrize("form", ["package", "native"])
def test_a_message_with_files_arrives_whole(dialects: DialectServer, form: str) -> None:
    (sent,) = run(dialects, (form, "example.com", MESSAGE))
    assert sent["answer"]["status"] == 200, sent
    assert sent["answer"]["message"] == "Queued. Thank you."
    assert sent["answer"]["id"].startswith("<id-")
    order = dialects.sending.last
    assert order.author is not None
    assert order.author.name == "Läden"
    assert [each.mailbox.address.text for each in order.to] == ["a@dest.example", "b@dest.example"]
    assert (order.subject, order.text, order.html) == ("Grüße", "text", "<p>html</p>")
    assert (order.tags, order.fields) == (("one", "two"), (("X-Order", "1"),))
    assert order.metadata == {"user": "7"}
    assert [(e.content, e.content_type, e.filename, e.content_id) for e in order.attachments] == [
        (b"%PDF\r\n\0", "application/pdf", 'Bericht "ä".pdf', ""),
        (b"png", "image/png", "logo.png", "logo.png"),
    ]


@pytest.mark.parametrize("form", ["package", "native"])
def test_a_message_that_is_written_and_what_is_refused(dialects: DialectServer, form: str) -> None:
    raw = b"From: shop@example.com\r\nTo: x@dest.example\r\nSubject: s\r\n\r\n.body\r\n"
    sent, domain, missing = run(
        dialects,
        (form, "example.com", {"to": "user@dest.example", "message": octets(raw)}),
        (form, "unknown.example", MESSAGE),
        (form, "example.com", {**MESSAGE, "to": ""}),
    )
    assert sent["answer"]["status"] == 200, sent
    order = dialects.sending.last
    assert order.raw is not None
    assert order.raw.content == b"MIME-Version: 1.0\r\n" + raw
    assert domain["status"] == 404
    assert domain["details"].startswith("Domain not found")
    assert missing["status"] == 400
    assert "to parameter is missing" in missing["details"]


def test_a_wrong_key_is_401(dialects: DialectServer) -> None:
    (found,) = run(
        dialects,
        ("package", "example.com", MESSAGE),
        key="acme-ses",
    )
    assert found["status"] == 401
