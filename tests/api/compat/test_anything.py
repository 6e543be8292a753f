"""Whatever is sent to a vendor's dialect: it is read, or refused with a fault that has the vendor's form."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.api.compat.postmark import words as postmark
from angarium.api.compat.postmark.orders import to_order as postmark_order
from angarium.api.compat.postmark.search import read_search
from angarium.api.compat.postmark.wire import WireEmail as PostmarkEmail
from angarium.api.compat.resend import faults as resend
from angarium.api.compat.resend.orders import to_order as resend_order
from angarium.api.compat.resend.paging import read_wanted
from angarium.api.compat.resend.wire import WireEmail as ResendEmail
from angarium.api.compat.sendgrid import faults as sendgrid
from angarium.api.compat.sendgrid.orders import to_orders as sendgrid_orders
from angarium.api.compat.sendgrid.wire import WireMail
from angarium.api.json_body import decode_json
from angarium.intake.order import Fault, FaultError, Order
from angarium.queue.model import UnixMs

NOW = UnixMs(1_900_000_000_000)
TEXT = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(
        [
            *("a@example.com", "A <a@example.com>", "YQ==", "in 5 minutes", "2030-01-01T00:00:00Z"),
            *(
                "\r\nBcc: x@example.net",
                "text/plain",
                "inline",
                "None",
                "cid:x",
                "<",
                '"',
                "a@b, c",
            ),
        ]
    ),
)
NAMES = st.sampled_from(
    [
        *("email", "name", "to", "cc", "from", "subject", "type", "value", "content", "filename"),
        *("enable", "disposition", "content_id", "contentId", "path", "id", "variables"),
        *("Name", "Value", "Content", "ContentID", "headers", "substitutions", "custom_args"),
        *("sandbox_mode", "click_tracking", "open_tracking", "substitution_tag"),
    ]
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(TEXT, NAMES), inner, max_size=3)
    ),
    max_leaves=12,
)


def requests(kind: type[msgspec.Struct], least: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A request that would do, with anything in some of its fields."""
    names = [each.encode_name for each in msgspec.structs.fields(kind)]
    changes = st.dictionaries(st.sampled_from(names), VALUES, max_size=4)
    return changes.map(lambda changed: msgspec.json.encode({**least, **changed}))


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except FaultError as error:
        return error.fault


def ordered(read: Callable[[], Sequence[Order]], told: Callable[[Fault], object]) -> None:
    found = outcome(read)
    if isinstance(found, Fault):
        assert found.message
        assert msgspec.json.encode(told(found))
        return
    assert found
    for each in found:
        assert each.author is not None
        assert each.subject
        assert each.text or each.html or each.amp


LEAST_RESEND = {"from": "a@example.com", "to": "b@example.net", "subject": "S", "text": "T"}
LEAST_POSTMARK = {"From": "a@example.com", "To": "b@c.example", "Subject": "S", "TextBody": "T"}
LEAST_SENDGRID = {
    "personalizations": [{"to": [{"email": "b@example.net"}]}],
    "from": {"email": "a@example.com"},
    "subject": "S",
    "content": [{"type": "text/plain", "value": "T"}],
}


@settings(max_examples=100, deadline=None)
@given(requests(ResendEmail, LEAST_RESEND))
def test_of_resend(octets: bytes) -> None:
    ordered(
        lambda: [resend_order(decode_json(octets, ResendEmail), NOW)],
        resend.fault_body,
    )


@settings(max_examples=100, deadline=None)
@given(requests(WireMail, LEAST_SENDGRID))
def test_of_sendgrid(octets: bytes) -> None:
    ordered(lambda: sendgrid_orders(decode_json(octets, WireMail)), sendgrid.fault_body)


@settings(max_examples=100, deadline=None)
@given(requests(PostmarkEmail, LEAST_POSTMARK))
def test_of_postmark(octets: bytes) -> None:
    ordered(
        lambda: [postmark_order(decode_json(octets, PostmarkEmail))],
        postmark.fault_body,
    )


QUERIES = st.dictionaries(
    st.sampled_from(
        [
            *("limit", "after", "before", "count", "offset", "fromdate", "todate", "status", "tag"),
            *("metadata_a", "subject", "zz"),
        ]
    ),
    st.one_of(
        TEXT, st.integers(-5, 20_000).map(str), st.sampled_from(["2030-01-31", "²", "1" * 9])
    ),
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(QUERIES)
def test_of_lists(query: dict[str, str]) -> None:
    for read in (read_wanted, read_search):
        found = outcome(lambda read=read: read(query))
        assert not isinstance(found, Fault) or found.field
