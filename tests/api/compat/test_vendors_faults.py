"""How faults look to each vendor's clients: mirrors resend/faults.py, sendgrid/faults.py, postmark/words.py."""

import re
from typing import Any

import pytest

from angarium.api.compat.faults import renamed
from angarium.api.compat.postmark import words as postmark
from angarium.api.compat.resend import faults as resend
from angarium.api.compat.sendgrid import faults as sendgrid
from angarium.intake.order import Fault, FaultKind

# Resend's status and name, SendGrid's status, Postmark's status and ErrorCode
EXPECTED = [
    (FaultKind.NO_KEY, 401, "missing_api_key", 401, 401, 10),
    (FaultKind.WRONG_KEY, 403, "invalid_api_key", 401, 401, 10),
    (FaultKind.MISSING, 422, "missing_required_field", 400, 422, 300),
    (FaultKind.INVALID, 422, "validation_error", 400, 422, 300),
    (FaultKind.UNKNOWN_FIELD, 422, "validation_error", 400, 422, 300),
    (FaultKind.UNSUPPORTED, 422, "validation_error", 400, 422, 300),
    (FaultKind.DOMAIN, 403, "validation_error", 403, 422, 400),
    (FaultKind.SUPPRESSED, 422, "validation_error", 400, 422, 406),
    (FaultKind.RATE, 429, "rate_limit_exceeded", 429, 429, 429),
    (FaultKind.QUOTA, 429, "rate_limit_exceeded", 429, 429, 429),
    (FaultKind.KEY_REUSED, 409, "invalid_idempotent_request", 400, 422, 300),
    (FaultKind.UNDER_WAY, 409, "concurrent_idempotent_requests", 429, 429, 429),
    (FaultKind.BUSY, 503, "application_error", 503, 503, 100),
    (FaultKind.DISK_FULL, 503, "application_error", 503, 503, 100),
    (FaultKind.INTERNAL, 500, "application_error", 500, 500, 500),
    (FaultKind.NOT_FOUND, 404, "not_found", 404, 404, 404),
    (FaultKind.METHOD, 405, "method_not_allowed", 405, 405, 405),
    (FaultKind.TOO_LARGE, 413, "validation_error", 413, 413, 300),
    (FaultKind.MEDIA_TYPE, 415, "validation_error", 415, 415, 409),
    (FaultKind.MALFORMED, 400, "validation_error", 400, 422, 402),
    (FaultKind.NO_SCOPE, 401, "restricted_api_key", 403, 403, 10),
    (FaultKind.CONFLICT, 422, "validation_error", 400, 422, 300),
]


@pytest.mark.parametrize("row", EXPECTED, ids=lambda row: row[0].name)
def test_each_kind_has_its_status_and_word(row: tuple[FaultKind, int, str, int, int, int]) -> None:
    kind, resend_status, name, sendgrid_status, postmark_status, code = row
    fault = Fault(kind=kind, message="M", field="f")
    assert resend.fault_body(fault) == {
        "statusCode": resend_status,
        "name": name,
        "message": "M",
    }
    assert sendgrid.status_of(fault) == sendgrid_status
    assert postmark.status_of(fault) == postmark_status
    assert postmark.fault_body(fault)["ErrorCode"] == code


def test_each_kind_is_in_the_table() -> None:
    assert {row[0] for row in EXPECTED} == set(FaultKind)


def test_resend_tells_a_months_quota_from_a_days_and_a_wrong_key_for_once() -> None:
    for period, name in (
        ("hour", "rate_limit_exceeded"),
        ("day", "daily_quota_exceeded"),
        ("month", "monthly_quota_exceeded"),
    ):
        quota = Fault(kind=FaultKind.QUOTA, message="M", constraint=period)
        assert resend.fault_body(quota)["name"] == name
    once = Fault(kind=FaultKind.INVALID, message="M", field="Idempotency-Key")
    body = resend.fault_body(once)
    assert (body["statusCode"], body["name"]) == (400, "invalid_idempotency_key")


@pytest.mark.parametrize(
    ("native", "field"),
    [
        ("to[1]", "personalizations.0.to.1.email"),
        ("to", "personalizations.0.to.0.email"),
        ("messages[2].bcc[0]", "personalizations.2.bcc.0.email"),
        ("messages[2].subject", "subject"),
        ("messages[2]", "personalizations.2"),
        ("cc[1].name", "personalizations.0.cc.1.name"),
        ("tracking.clicks", "tracking_settings.click_tracking.enable"),
        ("from", "from"),
        ("headers.X-A", "headers.X-A"),
        ("tags[3]", "categories.3"),
        ("bodyHtml", "content"),
        ("attachments[1].contentType", "attachments.1.type"),
        ("sendAt", "send_at"),
        ("stream", "ip_pool_name"),
        ("Idempotency-Key", "Idempotency-Key"),
        ("", None),
    ],
)
def test_sendgrid_has_its_own_fields_with_dots(native: str, field: str | None) -> None:
    fault = sendgrid.in_sendgrids_names(Fault(kind=FaultKind.INVALID, message="M", field=native))
    (error,) = sendgrid.fault_body(fault)["errors"]
    assert (error["field"], error["help"]) == (field, None)
    assert error["message"].endswith("M")


def sentence(**fault: Any) -> str:
    return str(postmark.fault_body(Fault(**fault))["Message"])


def test_postmark_names_an_address_where_its_clients_look_for_it() -> None:
    found = sentence(
        kind=FaultKind.INVALID, message="To[1]: is none", field="To[1]", addresses=("a@",)
    )
    assert found == "Invalid 'To' address: 'a@'. To[1]: is none"
    # What django-anymail takes for the address
    assert re.search(r"address:?\s*'(.*)'", found)[1] == "a@"  # type: ignore[index]
    quoting = sentence(
        kind=FaultKind.INVALID, message=r"has '\n'", field="Cc", addresses=("a@", "b@")
    )
    assert quoting == "Invalid 'Cc' address: 'a@'."
    assert sentence(kind=FaultKind.INVALID, message="M", field="Tag", addresses=("a",)) == "M"


def test_postmark_names_suppressed_addresses_where_its_clients_look_for_them() -> None:
    refused = sentence(
        kind=FaultKind.SUPPRESSED, message="M", addresses=("a@b.example", "c@d.example")
    )
    left = postmark.not_delivered_to(["a@b.example", "c@d.example"])
    for words in (refused, left):
        found = re.search(r"inactive addresses:\s*(.*)\.\s*Inactive recipients", words)
        assert found is not None
        assert found[1] == "a@b.example, c@d.example"
    assert re.search(r"Found inactive addresses:\s*(.+?)\.(?:\s|$)", refused)
    assert left.startswith("Message OK, but will not deliver to these inactive addresses: ")


def test_a_native_field_gets_the_vendors_name() -> None:
    names = {"bodyText": "text", "tracking.opens": "open", ".contentId": ".cid"}

    def told(field: str, message: str) -> tuple[str, str]:
        fault = Fault(kind=FaultKind.INVALID, message=message, field=field)
        found = renamed(fault, names, "emails")
        return found.field, found.message

    assert told("bodyText", "bodyText: has a NUL") == ("text", "text: has a NUL")
    assert told("messages[2].bodyText", "messages[2]: Missing required field: bodyText") == (
        "emails[2].text",
        "emails[2]: Missing required field: text",
    )
    assert told("messages[2].bodyText", "messages[2]: bodyText: why") == (
        "emails[2].text",
        "emails[2]: text: why",
    )
    assert told("messages[2]", "messages[2]: The server failed") == (
        "emails[2]",
        "emails[2]: The server failed",
    )
    assert told("tracking.opens", "tracking.opens: why") == ("open", "open: why")
    assert told("attachments[1].contentId", "attachments[1].contentId: M") == (
        "attachments[1].cid",
        "attachments[1].cid: M",
    )
    assert told("headers.bodyText", "M") == ("headers.bodyText", "M")
    assert told("subject", "subject: is long") == ("subject", "subject: is long")
    assert told("", "busy") == ("", "busy")
