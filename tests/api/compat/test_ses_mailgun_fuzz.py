"""Whatever a request of SES's or Mailgun's clients says, it is an order or a fault with a text."""

import base64
import typing
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.api.compat.mailgun.fields import FormField
from angarium.api.compat.mailgun.orders import Request, read_message, read_mime_message
from angarium.api.compat.ses import wire
from angarium.api.compat.ses.bulk import read_entries
from angarium.api.compat.ses.orders import read_order
from angarium.intake.order import FaultError, Order
from angarium.queue.model import UnixMs

NOW = UnixMs(1_900_000_000_000)
NAMES = st.sampled_from(
    [
        *("from", "to", "cc", "bcc", "subject", "text", "html", "amp-html", "attachment", "inline"),
        *("message", "template", "recipient-variables", "o:tag", "o:deliverytime", "o:testmode"),
        *("o:tracking", "o:dkim", "o:require-tls", "h:X-A", "h:Reply-To", "h:X-Mailgun-Variables"),
        *("h:", "v:", "v:a", "to[1]", "attachment[0]", "o:nonsense", "nonsense", ""),
    ]
)
TEXTS = st.sampled_from(
    [
        *(
            "a@example.com",
            "Ann <a@b.example>, c@d.example",
            "yes",
            "no",
            "{}",
            '{"a@b.example": {"k": 1}}',
        ),
        *(
            "%recipient.k%",
            "Fri, 25 Oct 2030 23:10:10 +0000",
            "Fri, 32 Oct 99999 99:99:99 +9999",
            "[[[[",
        ),
    ]
) | st.text(max_size=30)
FIELDS = st.builds(
    FormField,
    name=NAMES,
    content=TEXTS.map(lambda each: each.encode("utf-8", "replace")) | st.binary(max_size=30),
    charset=st.sampled_from(["utf-8", "latin-1", "martian"]),
    filename=st.sampled_from(["", "a.png", "ä"]),
    content_type=st.sampled_from(["", "image/png", "message/rfc822", "\r\n"]),
)
BASE = [
    FormField(name=name, content=content)
    for name, content in (
        ("from", b"a@example.com"),
        ("to", b"b@dest.example"),
        ("subject", b"s"),
        ("text", b"t"),
    )
]


@settings(deadline=None)
@given(st.lists(FIELDS, max_size=6), st.booleans())
def test_a_form_of_mailgun(fields: list[FormField], has_base: bool) -> None:
    for read in (read_message, read_mime_message):
        try:
            found = read([*(BASE if has_base else []), *fields], NOW)
        except FaultError as error:
            assert error.fault.message  # noqa: PT017
        else:
            assert isinstance(found, Request)
            assert found.orders


WORDS = TEXTS | st.sampled_from(["", "INLINE", "ENABLED", "BASE64", "eA==", "utf-8"])


def struct(kind: Any) -> Any:
    """Of each field, something or nothing."""
    fields = {}
    for each in msgspec.structs.fields(kind):
        (inner,) = [found for found in typing.get_args(each.type) if found is not type(None)]
        if typing.get_origin(inner) is tuple:
            (item, _) = typing.get_args(inner)
            values = st.lists(WORDS if item is str else struct(item), max_size=2).map(tuple)
        else:
            values = WORDS if inner is str else struct(inner)
        fields[each.name] = st.none() | values
    return st.fixed_dictionaries(fields).map(lambda found: kind(**found))


@settings(deadline=None, max_examples=60)
@given(struct(wire.SendEmail))
def test_a_request_of_ses(request: wire.SendEmail) -> None:
    try:
        assert isinstance(read_order(request, "acme"), Order)
    except FaultError as error:
        assert error.fault.message  # noqa: PT017


@settings(deadline=None, max_examples=40)
@given(struct(wire.SendBulkEmail))
def test_a_bulk_request_of_ses(request: wire.SendBulkEmail) -> None:
    try:
        assert read_entries(request, "acme")
    except FaultError as error:
        assert error.fault.message  # noqa: PT017


@given(
    st.binary(max_size=80) | st.binary(max_size=60).map(lambda each: b"From: a@b.example\n" + each)
)
def test_a_raw_mail_of_ses(octets: bytes) -> None:
    data = base64.b64encode(octets).decode()
    request = wire.SendEmail(content=wire.Content(raw=wire.Raw(data=data)))
    try:
        order = read_order(request, "acme")
    except FaultError as error:
        assert error.fault.message  # noqa: PT017
    else:
        assert order.raw is not None
        assert b"\n" not in order.raw.content.replace(b"\r\n", b"")
