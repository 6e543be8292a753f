"""Mirrors angarium/api/compat/sendgrid/orders.py and settings.py."""

from typing import Any

import msgspec
import pytest

from angarium.api.compat.sendgrid.faults import in_sendgrids_names
from angarium.api.compat.sendgrid.orders import to_orders
from angarium.api.compat.sendgrid.wire import WireMail
from angarium.api.json_body import decode_json
from angarium.content.letter import Attachment
from angarium.intake.order import Fault, FaultError, FaultKind, Order, TemplateUse

LEAST = {
    "personalizations": [{"to": [{"email": "b@example.net"}]}],
    "from": {"email": "a@example.com"},
    "subject": "S",
    "content": [{"type": "text/plain", "value": "T"}],
}
EMPTY: tuple[Any, ...] = (None, "", [], {})


def orders_of(**changes: Any) -> tuple[Order, ...]:
    octets = msgspec.json.encode({**LEAST, **changes})
    return to_orders(decode_json(octets, WireMail))


def order_of(**changes: Any) -> Order:
    (order,) = orders_of(**changes)
    return order


def person(**changes: Any) -> dict[str, Any]:
    return {"personalizations": [{"to": [{"email": "b@example.net"}], **changes}]}


def fault_of(**changes: Any) -> Fault:
    with pytest.raises(FaultError) as caught:
        orders_of(**changes)
    return caught.value.fault


def test_everything_that_sendgrid_sends_is_in_the_order() -> None:
    order = order_of(
        **person(
            cc=[{"email": "cc@example.net", "name": "Cc, X"}],
            bcc=[{"email": "bcc@example.net"}],
        ),
        reply_to={"email": "help@example.com", "name": "Help"},
        content=[
            {"type": "text/plain; charset=utf-8", "value": "T"},
            {"type": "text/html", "value": '<img src="cid:c">'},
            {"type": "text/x-amp-html", "value": "<html amp>"},
        ],
        attachments=[
            {"filename": "a.pdf", "content": "cGRm"},
            {"filename": "c.png", "content": "cGRm", "disposition": "inline", "content_id": "c"},
            {"filename": "d.png", "content": "cGRm", "disposition": "inline", "contentId": "d"},
            {"filename": "e.png", "content": "cGRm", "type": "image/x", "content_id": "e"},
            {"filename": "f.png", "content": "cGRm", "type": "image/x", "content_id": "c"},
        ],
        headers={"X-A": "1"},
        categories=["welcome", "news", "welcome"],
        custom_args={"user": 7, "empty": ""},
        send_at=1_900_000_000,
        ip_pool_name="marketing",
        tracking_settings={"open_tracking": {"enable": True}, "click_tracking": {"enable": False}},
    )
    assert order.author is not None
    assert order.author.address.text == "a@example.com"
    assert [each.mailbox.address.text for each in order.to + order.cc + order.bcc] == [
        "b@example.net",
        "cc@example.net",
        "bcc@example.net",
    ]
    assert order.cc[0].mailbox.name == "Cc, X"
    assert [(each.name, each.address.text) for each in order.reply_to] == [
        ("Help", "help@example.com")
    ]
    assert (order.subject, order.text, order.html) == ("S", "T", '<img src="cid:c">')
    assert order.amp == "<html amp>"
    assert order.attachments == (
        Attachment(content=b"pdf", content_type="application/pdf", filename="a.pdf"),
        Attachment(content=b"pdf", content_type="image/png", filename="c.png", content_id="c"),
        Attachment(content=b"pdf", content_type="image/png", filename="d.png", content_id="d"),
        # An attachment that no text refers to is one; what a text refers to is shown in it
        Attachment(content=b"pdf", content_type="image/x", filename="e.png"),
        Attachment(content=b"pdf", content_type="image/x", filename="f.png", content_id="c"),
    )
    assert order.fields == (("X-A", "1"),)
    assert order.tags == ("welcome", "news")
    assert order.metadata == {"user": 7, "empty": ""}
    assert order.send_at == 1_900_000_000_000
    assert order.stream == "marketing"
    assert (order.track_opens, order.track_clicks, order.sandbox) == (True, False, False)


def test_each_personalization_is_a_message_whose_own_words_win() -> None:
    first, second = orders_of(
        personalizations=[
            {"to": [{"email": "b@example.net"}]},
            {
                "from": {"email": "other@example.com", "name": "Other"},
                "to": [{"email": "c@example.net"}, {"email": "d@example.net"}],
                "subject": "Own",
                "headers": {"x-a": "own", "X-C": "3"},
                "custom_args": {"a": "own"},
                "send_at": 1_900_000_001,
            },
        ],
        headers={"X-A": "1", "X-B": "2"},
        custom_args={"a": "outer", "b": "outer"},
        send_at=1_900_000_000,
    )
    assert (first.subject, second.subject) == ("S", "Own")
    assert first.author is not None
    assert second.author is not None
    assert (first.author.address.text, second.author.address.text) == (
        "a@example.com",
        "other@example.com",
    )
    assert [each.mailbox.address.text for each in second.to] == ["c@example.net", "d@example.net"]
    assert first.fields == (("X-A", "1"), ("X-B", "2"))
    assert second.fields == (("X-B", "2"), ("x-a", "own"), ("X-C", "3"))
    assert first.metadata == {"a": "outer", "b": "outer"}
    assert second.metadata == {"a": "own", "b": "outer"}
    assert (first.send_at, second.send_at) == (1_900_000_000_000, 1_900_000_001_000)


def test_substitutions_and_sections_fill_in_subject_and_texts() -> None:
    order = order_of(
        **person(substitutions={"-greet-": "-section-", "-n-": "Ann", "-name-": "Bob", "%x%": 5}),
        subject="Hi -name-",
        content=[{"type": "text/plain", "value": "-greet- -n- %x% -other-"}],
        sections={"-section-": "Dear -name-,"},
    )
    assert order.subject == "Hi Bob"
    assert order.text == "Dear Bob, Ann 5 -other-"


def test_what_substitutions_make_too_long_is_refused() -> None:
    fault = fault_of(
        **person(substitutions={"a": "b" * 10_000}),
        content=[{"type": "text/plain", "value": "a" * 2_001}],
    )
    assert (fault.kind, fault.field) == (FaultKind.INVALID, "personalizations[0].substitutions")


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize(
    "name",
    [
        *("reply_to", "reply_to_list", "attachments", "template_id", "sections", "headers"),
        *("categories", "custom_args", "batch_id", "asm", "ip_pool_name", "mail_settings"),
        *("tracking_settings", "send_at"),
    ],
)
def test_an_empty_field_is_an_absent_one(name: str, empty: Any) -> None:
    assert order_of(**{name: empty}) == order_of()


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize(
    "name",
    [
        *("from", "cc", "bcc", "subject", "headers", "substitutions", "dynamic_template_data"),
        *("custom_args", "send_at"),
    ],
)
def test_so_it_is_in_a_personalization(name: str, empty: Any) -> None:
    assert order_of(**person(**{name: empty})) == order_of()


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": ...}, "personalizations"),
        ({"personalizations": [{"to": ...}]}, "personalizations[0].to"),
        ({"personalizations": [{"to": [{"email": ...}]}]}, "personalizations[0].to[0].email"),
        ({"from": ...}, "from.email"),
        ({"from": {"email": ..., "name": "A"}}, "from.email"),
        ({"subject": ...}, "subject"),
        ({"content": ...}, "content"),
        ({"content": [{"type": "text/plain", "value": ...}]}, "content"),
        ({"attachments": [{"filename": "a", "content": ...}]}, "attachments[0].content"),
        ({"attachments": [{"filename": ..., "content": "YQ=="}]}, "attachments[0].filename"),
        (
            {"attachments": [{"filename": "a", "content": "YQ==", "disposition": "inline"}]},
            "attachments[0].content_id",
        ),
    ],
)
def test_an_empty_field_that_is_required_is_missing(
    changes: dict[str, Any], field: str, empty: Any
) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return empty if value is ... else value

    fault = fault_of(**filled(changes))
    assert (fault.kind, fault.field) == (FaultKind.MISSING, field)


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        (
            {"template_id": "d-1", "sections": {"-a-": "b"}},
            FaultKind.INVALID,
            "sections",
        ),
        ({"batch_id": "x"}, FaultKind.UNSUPPORTED, "batch_id"),
        (
            {"asm": {"group_id": 1, "groups_to_display": [1]}},
            *(FaultKind.UNSUPPORTED, "asm.groups_to_display"),
        ),
        (
            person(dynamic_template_data={"a": 1}),
            FaultKind.INVALID,
            "personalizations[0].dynamic_template_data",
        ),
        *(
            (
                {"mail_settings": {name: {"enable": True}}},
                FaultKind.UNSUPPORTED,
                f"mail_settings.{name}",
            )
            for name in (
                *("bypass_list_management", "bypass_spam_management", "footer", "spam_check"),
                *("bypass_bounce_management", "bypass_unsubscribe_management", "bcc"),
            )
        ),
        *(
            (
                {"tracking_settings": {name: {"enable": True}}},
                FaultKind.UNSUPPORTED,
                f"tracking_settings.{name}",
            )
            for name in ("subscription_tracking", "ganalytics")
        ),
        (
            {"tracking_settings": {"open_tracking": {"enable": True, "substitution_tag": "%o%"}}},
            FaultKind.UNSUPPORTED,
            "tracking_settings.open_tracking.substitution_tag",
        ),
        (
            {"tracking_settings": {"click_tracking": {"enable": True, "enable_text": True}}},
            FaultKind.UNSUPPORTED,
            "tracking_settings.click_tracking.enable_text",
        ),
        (
            {"content": [{"type": "text/calendar", "value": "x"}]},
            FaultKind.UNSUPPORTED,
            "content[0].type",
        ),
        ({"content": [{"value": "x"}]}, FaultKind.MISSING, "content[0].type"),
        (
            {"content": [{"type": "text/plain", "value": "x"}] * 2},
            FaultKind.INVALID,
            "content[1].type",
        ),
        (
            {"reply_to": {"email": "a@b.example"}, "reply_to_list": [{"email": "a@b.example"}]},
            FaultKind.INVALID,
            "reply_to",
        ),
        ({"zz": 1}, FaultKind.UNKNOWN_FIELD, "zz"),
        (person(zz=1), FaultKind.UNKNOWN_FIELD, "personalizations[0].zz"),
        (
            {"mail_settings": {"sandbox_mode": {"enable": True, "zz": 1}}},
            FaultKind.UNKNOWN_FIELD,
            "mail_settings.sandbox_mode.zz",
        ),
        (person(cc=[{"email": "nobody"}]), FaultKind.INVALID, "personalizations[0].cc[0].email"),
        (person(send_at=-1), FaultKind.INVALID, "personalizations[0].send_at"),
        (person(headers={"X": []}), FaultKind.INVALID, "personalizations[0].headers.X"),
        (person(substitutions={"x": []}), FaultKind.INVALID, "personalizations[0].substitutions.x"),
        ({"send_at": "soon"}, FaultKind.INVALID, "send_at"),
        ({"categories": [str(each) for each in range(11)]}, FaultKind.INVALID, "categories"),
        (
            {"personalizations": [{"to": [{"email": "b@example.net"}]}] * 1001},
            FaultKind.INVALID,
            "personalizations",
        ),
        (
            {"attachments": [{"filename": "a", "content": "YQ==", "disposition": "x"}]},
            FaultKind.INVALID,
            "attachments[0].disposition",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(
    changes: dict[str, Any], kind: FaultKind, field: str
) -> None:
    fault = fault_of(**changes)
    assert (fault.kind, fault.field) == (kind, field)


def test_settings_that_are_off_are_not_there() -> None:
    off = {"enable": False}
    order = order_of(
        mail_settings={
            "bypass_list_management": off,
            "footer": {**off, "text": "x", "html": "y"},
            "sandbox_mode": off,
        },
        tracking_settings={
            "subscription_tracking": {**off, "substitution_tag": "x"},
            "ganalytics": {**off, "utm_source": "x"},
            "open_tracking": {**off, "substitution_tag": "x"},
            "click_tracking": {**off, "enable_text": True},
        },
    )
    assert (order.sandbox, order.track_opens, order.track_clicks) == (False, False, False)


def test_the_sandbox_delivers_nothing() -> None:
    assert order_of(mail_settings={"sandbox_mode": {"enable": True}}).sandbox


def test_a_dynamic_template_is_filled_by_each_personalization() -> None:
    first, second = orders_of(
        template_id="d-1",
        subject="",
        content=[],
        personalizations=[
            {
                "to": [{"email": "b@example.net"}],
                "dynamic_template_data": {"name": "Bea", "items": [{"n": 1}]},
            },
            {"to": [{"email": "c@example.net"}], "subject": "Mine"},
        ],
    )
    use = TemplateUse(name="d-1", data={"name": "Bea", "items": [{"n": 1}]}, wins=True)
    assert (first.template, first.subject, first.text, first.html) == (use, "", None, None)
    assert second.template == TemplateUse(name="d-1", wins=True)
    assert second.subject == "Mine"


@pytest.mark.parametrize("tag", ["name", "-name-", "{{name}}", "%name%", ":name", "<%name%>"])
def test_a_tag_of_the_older_kind_is_the_variable_between_its_delimiters(tag: str) -> None:
    order = order_of(template_id="welcome", **person(substitutions={tag: "Bea"}))
    assert order.template is not None
    assert order.template.data == {"name": "Bea"}


@pytest.mark.parametrize(
    ("native", "field"),
    [
        ("templateId", "template_id"),
        ("messages[2].templateId", "template_id"),
        ("templateData.name", "personalizations[0].dynamic_template_data.name"),
        ("messages[2].templateData.name", "personalizations[2].dynamic_template_data.name"),
    ],
)
def test_what_is_wrong_with_a_template_has_sendgrids_names(native: str, field: str) -> None:
    fault = Fault(kind=FaultKind.INVALID, message=f"{native}: why", field=native)
    assert in_sendgrids_names(fault).field == field
