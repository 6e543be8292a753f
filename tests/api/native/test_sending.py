"""Mirrors angarium/api/native/sending.py, send_orders.py: whatever is asked, it is sent as it is meant, or refused."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from angarium.api.json_body import decode_json
from angarium.api.native.answers import STATUSES
from angarium.api.native.send_orders import send_order
from angarium.api.native.send_wire import SendAsked
from angarium.content.letter import LetterError
from angarium.intake.faults import fault_of
from angarium.intake.order import Caller, Fault, FaultError, FaultKind, Sent
from angarium.intake.order_letter import received_of
from angarium.templates.bundle import Parts
from tests.intake.order_fixture import Fixture

CALLER = Caller(
    tenant="acme", key_id="k1", domains=("acme.test",), address="192.0.2.9", listener="here:1"
)
GOOD: dict[str, Any] = {
    "from": "Shop <a@acme.test>",
    "to": ["b@c.test"],
    "subject": "s",
    "bodyText": "t",
}
TEXTS = st.text(max_size=30) | st.sampled_from(
    ["\r\nBcc: x@y.test", "a\x00", "\u2028", "=?utf-8?q?x?=", "x" * 1200, "\ud800", "<>", '"', "@"]
)
ADDRESSES = TEXTS | st.sampled_from(
    ["b@c.test", "B <b@c.test>", '"B, C" <b@c.test>', "b@bücher.example", '"b c"@d.test', "b@[::1]"]
)
ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "from": ADDRESSES,
    "to": ADDRESSES | st.lists(ADDRESSES, max_size=4),
    "cc": ADDRESSES | st.lists(ADDRESSES, max_size=4),
    "bcc": st.lists(ADDRESSES, max_size=4),
    "replyTo": ADDRESSES | st.lists(ADDRESSES, max_size=2),
    "recipients": st.lists(
        st.fixed_dictionaries({"address": ADDRESSES}, optional={"metadata": ANY, "variables": ANY}),
        max_size=3,
    ),
    "subject": TEXTS,
    "preheader": TEXTS,
    "bodyText": TEXTS,
    "bodyHtml": TEXTS,
    "bodyAmp": TEXTS,
    "headers": st.dictionaries(TEXTS | st.sampled_from(["X-A", "Message-ID", "To"]), TEXTS),
    "metadata": st.dictionaries(TEXTS, ANY, max_size=3),
    "tags": st.dictionaries(TEXTS, TEXTS, max_size=3) | st.lists(TEXTS, max_size=3),
    "attachments": st.lists(
        st.fixed_dictionaries(
            {"content": st.sampled_from(["", "YQ==", "YQ", "%"])},
            optional={
                "filename": TEXTS,
                "contentType": TEXTS
                | st.sampled_from(["text/plain", "a/b; c=d", "message/rfc822"]),
                "contentId": TEXTS,
                "disposition": st.sampled_from(["", "inline", "attachment", "x"]),
            },
        ),
        max_size=2,
    ),
    "sendAt": TEXTS | st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    "expiresAt": TEXTS | st.datetimes().map(lambda at: f"{at.isoformat()}+05:30"),
    "stream": TEXTS | st.sampled_from(["bulk", "default"]),
    "campaign": TEXTS,
    "callbackUrl": TEXTS | st.sampled_from(["http://[", "https://a.test/", "//a"]),
    "unsubscribeUrl": TEXTS | st.sampled_from(["https://a.test/", "mailto:a@b.test"]),
    "tracking": st.dictionaries(st.sampled_from(["opens", "clicks"]), st.none() | st.booleans()),
    "sandbox": st.none() | st.booleans(),
    "ifMissed": st.sampled_from(["send", "skip", "hold", "x", ""]),
    "templateId": TEXTS | st.just("any"),
    "templateVersion": st.none() | st.integers(0, 2),
    "templateData": st.dictionaries(TEXTS | st.just("name"), ANY, max_size=3),
    "locale": TEXTS | st.sampled_from(["de", ""]),
}
BODIES = st.fixed_dictionaries({}, optional=FIELDS).map(lambda more: {**GOOD, **more})


def encoded(body: Any) -> bytes:
    """As a program may write it that knows nothing of surrogates."""
    import json

    return json.dumps(body).encode()


async def ask(fixture: Fixture, octets: bytes) -> Sent | Fault:
    try:
        order = send_order(decode_json(octets, SendAsked))
    except FaultError as error:
        return error.fault
    except LetterError as error:
        return fault_of(error)
    found = await fixture.desk.send(CALLER, (order,))
    return found if isinstance(found, Fault) else found[0]


@settings(max_examples=150, deadline=None)
@given(BODIES)
@example({**GOOD, "to": "", "expiresAt": "\ud800"})
async def test_any_field_is_sent_or_refused_by_name(body: dict[str, Any]) -> None:
    """C1"""
    fixture = Fixture()
    fixture.templates.add("any", Parts(subject="{{ name }}", text="{{ name }}"))
    found = await ask(fixture, encoded(body))
    assert not fixture.errors
    if isinstance(found, Fault):
        status, _ = STATUSES[found.kind]
        assert status in (400, 403, 413)
        assert found.field.partition("[")[0].partition(".")[0] in (*FIELDS, "body", "type")
        return
    for submission in fixture.spool.state.messages.values():
        head, _, rest = submission.content.partition(b"\r\n\r\n")
        assert head.isascii()
        assert rest.isascii()
        read = email.message_from_bytes(submission.content, policy=email.policy.compat32)
        assert isinstance(read, email.message.Message)
        assert read["bcc"] is None
        names = {name.lower() for name in read}
        given_names = {name.lower() for name in body.get("headers", {})}
        ours = {"received", "from", "to", "cc", "reply-to", "subject", "date", "message-id"}
        mime = {"mime-version", "content-type", "content-transfer-encoding"}
        lists = {"list-unsubscribe", "list-unsubscribe-post"}
        assert names <= ours | mime | lists | given_names


@pytest.mark.parametrize(
    ("more", "addresses", "campaign", "tags"),
    [
        ({"to": "b@c.test", "cc": "d@e.test"}, ["b@c.test", "d@e.test"], "", ()),
        (
            {"tags": {"campaign": "welcome", "a": "b"}},
            ["b@c.test"],
            "welcome",
            ("campaign:welcome", "a:b"),
        ),
        ({"tags": ["x", "y", "x"], "campaign": "c"}, ["b@c.test"], "c", ("x", "y")),
        ({"recipients": [{"address": "r@s.test"}]}, ["r@s.test", "b@c.test"], "", ()),
    ],
)
def test_fields_mean_what_they_say(
    more: dict[str, Any], addresses: list[str], campaign: str, tags: tuple[str, ...]
) -> None:
    order = send_order(decode_json(msgspec.json.encode({**GOOD, **more}), SendAsked))
    received = received_of(order, CALLER, email_id="i", date="d", boundary="=_b")
    assert [each.forward_path for each in received.envelope.recipients] == addresses
    assert (order.campaign, order.tags) == (campaign, tags)


def test_a_file_has_the_type_of_its_name_and_the_place_it_is_given() -> None:
    files = [
        {"filename": "a.pdf", "content": "YQ=="},
        {"filename": "logo.PNG", "content": "YQ==", "contentId": "<logo>"},
        {"filename": "x.docx", "content": "YQ==", "contentId": "d", "disposition": "attachment"},
        {"content": "YQ==", "contentType": "text/csv; charset=utf-8", "disposition": "inline"},
    ]
    body = {**GOOD, "bodyHtml": "<img src=cid:logo>", "attachments": files}
    order = send_order(decode_json(msgspec.json.encode(body), SendAsked))
    received = received_of(order, CALLER, email_id="i", date="d", boundary="=_b")
    read = email.message_from_bytes(received.content, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    found = [
        (each.get_content_type(), each.get_content_disposition(), each["content-id"])
        for each in read.walk()
        if each.get_filename() or each.get_content_type() == "text/csv"
    ]
    assert sorted(found, key=str) == [
        ("application/pdf", "attachment", None),
        (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "attachment",
            "<d>",
        ),
        ("image/png", "inline", "<logo>"),
        ("text/csv", "inline", None),
    ]


async def test_what_lacks_is_missing() -> None:
    for name, field in (
        ("from", "from"),
        ("to", "to"),
        ("subject", "subject"),
        ("bodyText", "bodyText"),
    ):
        body = {key: value for key, value in GOOD.items() if key != name}
        found = await ask(Fixture(), encoded(body))
        assert isinstance(found, Fault)
        assert (found.kind, found.field) == (FaultKind.MISSING, field)


async def test_a_template_is_named_with_what_fills_it() -> None:
    fixture = Fixture()
    fixture.templates.add("hello", Parts(subject="Hi {{ name }}", text="t"))
    asked = {
        "from": "a@acme.test",
        "recipients": [
            {"address": "b@c.test", "variables": {"name": "Bea"}},
            {"address": "d@c.test"},
        ],
        "templateId": "hello",
        "templateVersion": 1,
        "templateData": {"name": "you"},
        "locale": "de",
    }
    found = await ask(fixture, encoded(asked))
    assert isinstance(found, Sent)
    assert [each.address for each in found.mails] == ["b@c.test", "d@c.test"]
    subjects = [b"Subject: Hi Bea", b"Subject: Hi you"]
    contents = [each.content for each in fixture.spool.state.messages.values()]
    assert all(subject in content for subject, content in zip(subjects, contents, strict=True))


@pytest.mark.parametrize(
    ("more", "field", "constraint"),
    [
        ({"templateData": {"a": 1}}, "templateData", "requires"),
        ({"templateVersion": 2}, "templateVersion", "requires"),
        ({"locale": "de"}, "locale", "requires"),
        ({"templateId": "hello"}, "templateId", "template"),
        ({"to": "", "cc": "b@c.test"}, "to", "required"),
    ],
)
async def test_what_a_template_cannot_be_is_said_by_field(
    more: dict[str, Any], field: str, constraint: str
) -> None:
    found = await ask(Fixture(), encoded({**GOOD, **more}))
    assert isinstance(found, Fault)
    assert (found.field, found.constraint) == (field, constraint)
