"""Amazon's own client for Python against the SES dialect."""

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from angarium.api.compat.ses.account import AccountFigures
from angarium.intake.order import Fault, FaultKind, Sent
from angarium.intake.template_filling import NO_TEMPLATE
from angarium.queue.model import UnixMs
from angarium.tenancy.model import KeySecret
from tests.api.compat.dialect_server import DialectServer

boto3 = pytest.importorskip("boto3")
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

REPLACEMENT = "BulkEmailEntries[1].ReplacementEmailContent.ReplacementTemplate"
SENT = Sent(
    email_id="id-0", message_id="<id-0@example.com>", status="pending", accepted_at=UnixMs(0)
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def client(server: DialectServer, key: str = "acme-ses", **more: Any) -> Any:
    return boto3.client(
        "sesv2",
        endpoint_url=server.url,
        region_name=more.pop("region", "eu-central-1"),
        aws_access_key_id=more.pop("access_key", server.access_key(key)),
        aws_secret_access_key=more.pop("secret", server.secret(key)),
        config=Config(retries={"mode": "standard", "total_max_attempts": more.pop("attempts", 3)}),
        **more,
    )


@pytest.fixture(scope="module")
def ses(dialects: DialectServer) -> Iterator[Any]:
    found = client(dialects)
    yield found
    found.close()


def simple(**more: Any) -> dict[str, Any]:
    return {
        "FromEmailAddress": "Shop <shop@example.com>",
        "Destination": {"ToAddresses": ["user@dest.example"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Hello"},
                "Body": {"Text": {"Data": "text"}},
            }
        },
        **more,
    }


def code_of(error: Any) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def outcome_of(call: Callable[[], Any]) -> str:
    """Return the code of the error; "": there was none."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_simple_mail_is_an_order(dialects: DialectServer, ses: Any) -> None:
    answer = ses.send_email(
        FromEmailAddress="=?UTF-8?B?TMOkZGVu?= <shop@example.com>",
        Destination={
            "ToAddresses": ["user@dest.example", "Ann <ann@dest.example>"],
            "CcAddresses": ["cc@dest.example"],
            "BccAddresses": ["bcc@dest.example"],
        },
        ReplyToAddresses=["help@example.com"],
        Content={
            "Simple": {
                "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "text", "Charset": "iso-8859-1"},
                    "Html": {"Data": "<p>html</p>"},
                },
                "Headers": [{"Name": "X-Order", "Value": "1"}],
                "Attachments": [
                    {"RawContent": b"\0pdf", "FileName": "a.pdf"},
                    {
                        "RawContent": b"png",
                        "FileName": "logo.png",
                        "ContentDisposition": "INLINE",
                        "ContentId": "logo",
                        "ContentType": "image/png",
                        "ContentTransferEncoding": "BASE64",
                    },
                ],
            }
        },
        EmailTags=[{"Name": "campaign", "Value": "welcome"}],
        ConfigurationSetName="bulk",
        ListManagementOptions={"ContactListName": "customers", "TopicName": "offers"},
        TenantName="acme",
        ConfigurationOverrides={
            "Tracking": {"OpenTrackingEnabled": "ENABLED", "ClickTrackingEnabled": "DISABLED"}
        },
    )
    assert answer["MessageId"].startswith("id-")
    assert answer["ResponseMetadata"]["RequestId"]
    order = dialects.sending.last
    assert order.author is not None
    assert (order.author.name, order.author.address.text) == ("Läden", "shop@example.com")
    assert [(e.mailbox.name, e.mailbox.address.text) for e in order.to] == [
        ("", "user@dest.example"),
        ("Ann", "ann@dest.example"),
    ]
    assert [each.mailbox.address.text for each in order.cc] == ["cc@dest.example"]
    assert [each.mailbox.address.text for each in order.bcc] == ["bcc@dest.example"]
    assert [each.address.text for each in order.reply_to] == ["help@example.com"]
    assert (order.subject, order.text, order.html) == ("Grüße", "text", "<p>html</p>")
    assert order.fields == (("X-Order", "1"),)
    files = [(e.content, e.content_type, e.filename, e.content_id) for e in order.attachments]
    assert files == [
        (b"\0pdf", "application/pdf", "a.pdf", ""),
        (b"png", "image/png", "logo.png", "logo"),
    ]
    assert (order.tags, order.campaign) == (("campaign:welcome",), "welcome")
    assert (order.stream, order.topic) == ("bulk", "offers")
    assert (order.track_opens, order.track_clicks) == (True, False)
    caller = dialects.sending.callers[-1]
    assert (caller.tenant, caller.dialect, caller.domains) == ("acme", "ses", ("example.com",))


def test_each_call_has_a_key_of_its_own_and_its_retry_the_same(
    dialects: DialectServer, ses: Any
) -> None:
    ses.send_email(**simple())
    busy = Fault(kind=FaultKind.BUSY, message="not now", retry_after_s=0)
    dialects.sending.answers = [busy, None]
    before = len(dialects.sending.keys)
    ses.send_email(**simple())
    assert len(dialects.sending.keys) == before + 1
    assert len(set(dialects.sending.keys[-2:])) == 2
    assert dialects.sending.keys[-1].startswith("amz-sdk-invocation-id:")


RAW = b"""From: Shop <shop@example.com>
To: user@dest.example, Team: ann@dest.example;
Cc: cc@dest.example
Bcc: hidden@dest.example
Subject: raw
X-Tag: one
X-Metadata: {"user": 1}
X-SES-MESSAGE-TAGS: campaign=x, kind=y
X-SES-CONFIGURATION-SET: bulk

.dot
--caf\xc3\xa9"""


def test_a_raw_mail_without_destination_has_the_envelope_of_its_header(
    dialects: DialectServer, ses: Any
) -> None:
    ses.send_email(Content={"Raw": {"Data": RAW}})
    order = dialects.sending.last
    assert order.author is None
    assert order.raw is not None
    assert order.raw.reverse_path == ""
    addresses = [
        [each.mailbox.address.text for each in kind] for kind in (order.to, order.cc, order.bcc)
    ]
    assert addresses == [
        ["user@dest.example", "ann@dest.example"],
        ["cc@dest.example"],
        ["hidden@dest.example"],
    ]
    lines = order.raw.content.split(b"\r\n")
    assert lines[0] == b"MIME-Version: 1.0"
    assert lines[-2:] == [b".dot", b"--caf\xc3\xa9"]
    assert b"\n" not in order.raw.content.replace(b"\r\n", b"")
    assert b"x-ses-" not in order.raw.content.lower()
    assert b"X-Tag: one" in lines
    assert (order.tags, order.campaign) == (("campaign:x", "kind:y", "one"), "x")
    assert order.metadata == {"user": 1}
    assert order.stream == "bulk"


def test_a_raw_mails_destination_is_its_envelope_and_its_header_stays(
    dialects: DialectServer, ses: Any
) -> None:
    content = b"MIME-Version: 1.0\r\nFrom: a@example.com\r\nTo: shown@dest.example\r\n\r\nx\r\n"
    ses.send_email(
        FromEmailAddress="bounce@example.com",
        Destination={"ToAddresses": ["one@dest.example", "blind@dest.example"]},
        Content={"Raw": {"Data": content}},
    )
    order = dialects.sending.last
    assert order.raw is not None
    assert order.raw.content == content
    assert order.raw.reverse_path == "bounce@example.com"
    assert [e.mailbox.address.text for e in order.to] == ["one@dest.example", "blind@dest.example"]
    assert (order.cc, order.bcc) == ((), ())


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        ({"FromEmailAddress": "no address"}, "MessageRejected", "FromEmailAddress"),
        ({"Destination": {"ToAddresses": ["x"]}}, "MessageRejected", "Destination.ToAddresses[0]"),
        ({"FromEmailAddress": ""}, "BadRequestException", "FromEmailAddress"),
        ({"Content": {}}, "BadRequestException", "Content"),
        (
            {"Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {}}}},
            "BadRequestException",
            "Content.Simple.Body",
        ),
        (
            {"Content": {"Simple": {"Subject": {"Data": ""}, "Body": {"Text": {"Data": "x"}}}}},
            "BadRequestException",
            "Content.Simple.Subject.Data",
        ),
        (
            {"Content": {"Simple": {"Subject": {"Data": "x", "Charset": "martian"}, "Body": {}}}},
            "BadRequestException",
            "Content.Simple.Subject.Charset",
        ),
        ({"Content": {"Raw": {"Data": b"no header at all"}}}, "BadRequestException", "Raw.Data"),
        (
            {"Content": {"Raw": {"Data": b"From: a\r\n: x\r\n\r\n"}}},
            "BadRequestException",
            "Raw.Data",
        ),
        (
            {"FromEmailAddressIdentityArn": "arn:x"},
            "BadRequestException",
            "FromEmailAddressIdentityArn",
        ),
        ({"FeedbackForwardingEmailAddress": "a@b.c"}, "BadRequestException", "FeedbackForwarding"),
        (
            {"ListManagementOptions": {"ContactListName": "x"}},
            "BadRequestException",
            "ListManagementOptions.TopicName",
        ),
        (
            {"ListManagementOptions": {"ContactListName": "", "TopicName": "offers"}},
            "BadRequestException",
            "ListManagementOptions.ContactListName",
        ),
        ({"TenantName": "other"}, "NotFoundException", "Tenant other"),
        ({"EmailTags": [{"Name": "", "Value": "x"}]}, "BadRequestException", "EmailTags[0].Name"),
        (
            {"EmailTags": [{"Name": "ses:x", "Value": "x"}]},
            "BadRequestException",
            "EmailTags[0].Name",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(
    dialects: DialectServer, ses: Any, change: dict[str, Any], code: str, word: str
) -> None:
    before = len(dialects.sending.orders)
    with pytest.raises(ClientError) as error:
        ses.send_email(**simple(**change))
    assert code_of(error)[0] == code
    assert word in error.value.response["Error"]["Message"]
    assert len(dialects.sending.orders) == before


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.DOMAIN, ("MessageRejected", 400)),
        (FaultKind.SUPPRESSED, ("MessageRejected", 400)),
        (FaultKind.INVALID, ("BadRequestException", 400)),
        (FaultKind.KEY_REUSED, ("BadRequestException", 400)),
        (FaultKind.TOO_LARGE, ("BadRequestException", 413)),
        (FaultKind.RATE, ("TooManyRequestsException", 429)),
        (FaultKind.QUOTA, ("TooManyRequestsException", 429)),
        (FaultKind.UNDER_WAY, ("TooManyRequestsException", 429)),
        (FaultKind.DISK_FULL, ("ServiceUnavailableException", 503)),
        (FaultKind.INTERNAL, ("InternalServiceErrorException", 500)),
    ],
)
def test_each_fault_has_its_type(
    dialects: DialectServer, kind: FaultKind, expected: tuple[str, int]
) -> None:
    ses = client(dialects, attempts=1)
    dialects.sending.answers = [Fault(kind=kind, message="why", retry_after_s=7)]
    with pytest.raises(ClientError) as error:
        ses.send_email(**simple())
    assert code_of(error) == expected
    assert error.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"
    assert isinstance(error.value, getattr(ses.exceptions, expected[0], ClientError))
    ses.close()


def test_a_wrong_secret_or_key_is_refused_and_nothing_is_said_of_it(
    dialects: DialectServer,
) -> None:
    # SIC1
    for given, code in (
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"access_key": "AKIAUNKNOWN"}, "UnrecognizedClientException"),
        # an api key is none of Amazon's
        ({"access_key": dialects.access_key("acme-api")}, "UnrecognizedClientException"),
        ({"access_key": dialects.access_key("acme-ses").lower()}, "UnrecognizedClientException"),
        ({"aws_session_token": "x"}, "UnrecognizedClientException"),
        ({"secret": dialects.secret("other-ses")}, "InvalidSignatureException"),
    ):
        ses = client(dialects, **given)
        with pytest.raises(ClientError) as error:
            ses.get_account()
        assert code_of(error) == (code, 403), given
        ses.close()


def test_a_request_that_is_too_old_is_refused(dialects: DialectServer) -> None:
    dialects.skew_s = 400
    ses = client(dialects)
    with pytest.raises(ClientError) as error:
        ses.get_account()
    dialects.skew_s = 0
    assert code_of(error) == ("InvalidSignatureException", 403)
    assert "expired" in error.value.response["Error"]["Message"]
    ses.close()


def test_during_a_rotation_two_secrets_are_right_and_then_one(dialects: DialectServer) -> None:
    now = dialects.clock()
    for name, expires, is_right in (("rot1", now + 60_000, True), ("rot2", now - 1, False)):
        old = KeySecret(version=1, digest=b"", created=UnixMs(0), expires=UnixMs(expires))
        new = KeySecret(version=2, digest=b"", created=UnixMs(0))
        dialects.add_key(name, "acme", "ses", secrets=(old, new))
        for version, should in ((1, is_right), (2, True)):
            ses = client(dialects, name, secret=dialects.secret(name, version))
            assert outcome_of(ses.get_account) == ("" if should else "InvalidSignatureException")
            ses.close()


def test_a_key_without_the_scope_or_revoked_may_not(dialects: DialectServer) -> None:
    dialects.add_key("reader", "acme", "ses", scopes="emails:read")
    dialects.add_key("gone", "acme", "ses", revoked=UnixMs(1))
    for name, code in (
        ("reader", "AccessDeniedException"),
        ("gone", "UnrecognizedClientException"),
    ):
        ses = client(dialects, name)
        with pytest.raises(ClientError) as error:
            ses.send_email(**simple())
        assert code_of(error) == (code, 403)
        ses.close()


def test_a_key_has_its_rate(dialects: DialectServer) -> None:
    dialects.add_key("slow", "acme", "ses", rate=1)
    ses = client(dialects, "slow", attempts=1)
    dialects.stopped = dialects.clock()
    outcomes = [outcome_of(ses.get_account) for _ in range(2)]
    dialects.stopped = None
    assert outcomes == ["", "TooManyRequestsException"]
    ses.close()


def test_in_bulk_each_entry_has_its_result(dialects: DialectServer, ses: Any) -> None:
    asked = {
        "FromEmailAddress": "shop@example.com",
        "DefaultContent": {
            "Template": {
                "TemplateName": "hello",
                "TemplateData": '{"a": 0, "b": 2}',
                "Headers": [{"Name": "X-A", "Value": "0"}, {"Name": "X-B", "Value": "2"}],
            }
        },
        "DefaultEmailTags": [{"Name": "a", "Value": "0"}, {"Name": "b", "Value": "2"}],
        "BulkEmailEntries": [
            {
                "Destination": {"ToAddresses": ["a@dest.example"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {"ReplacementTemplateData": '{"a": 1}'}
                },
                "ReplacementHeaders": [
                    {"Name": "x-a", "Value": "1"},
                    {"Name": "X-Metadata", "Value": '{"user": 7}'},
                    {"Name": "X-Tag", "Value": "word"},
                ],
                "ReplacementTags": [{"Name": "a", "Value": "1"}],
            },
            {"Destination": {"ToAddresses": ["nonsense"]}},
            {
                "Destination": {"ToAddresses": ["b@dest.example"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {"ReplacementTemplateData": "no object"}
                },
            },
        ],
    }
    results = ses.send_bulk_email(**asked)["BulkEmailEntryResults"]
    assert [each["Status"] for each in results] == ["SUCCESS", *["INVALID_PARAMETER"] * 2]
    assert results[0]["MessageId"].startswith("id-")
    assert "BulkEmailEntries[1].Destination.ToAddresses[0]" in results[1]["Error"]
    at = "BulkEmailEntries[2].ReplacementEmailContent.ReplacementTemplate"
    assert f"{at}.ReplacementTemplateData" in results[2]["Error"]
    order = dialects.sending.last
    assert order.template is not None
    assert (order.template.name, order.template.data) == ("hello", {"a": 1, "b": 2})
    names = [name for name, _ in order.fields]
    assert names == ["X-B", "x-a", "X-Metadata", "X-Tag"]
    assert order.tags == ("b:2", "a:1", "word")
    assert order.metadata == {"user": 7}
    with pytest.raises(ClientError) as error:
        ses.send_bulk_email(**{**asked, "BulkEmailEntries": []})
    assert code_of(error) == ("BadRequestException", 400)


def test_what_is_wrong_with_an_entry_is_said_in_sess_words(
    dialects: DialectServer, ses: Any
) -> None:
    entry = {"Destination": {"ToAddresses": ["a@dest.example"]}}
    faults = (
        (unknown_template(), "TEMPLATE_NOT_FOUND", "Template hello does not exist. "),
        (
            Fault(kind=FaultKind.INVALID, field="templateData.a", message="templateData.a: why"),
            "INVALID_PARAMETER",
            f"{REPLACEMENT}.ReplacementTemplateData.a: why",
        ),
        (
            Fault(kind=FaultKind.INVALID, field="stream", message="stream: why"),
            "CONFIGURATION_SET_NOT_FOUND",
            "ConfigurationSetName: why",
        ),
        (Fault(kind=FaultKind.BUSY, message="later"), "TRANSIENT_FAILURE", "later"),
        (Fault(kind=FaultKind.DOMAIN, message="x"), "MAIL_FROM_DOMAIN_NOT_VERIFIED", "x"),
    )
    for fault, status, words in faults:
        dialects.sending.answers = [(SENT, fault)]
        answer = ses.send_bulk_email(
            FromEmailAddress="shop@example.com",
            DefaultContent={"Template": {"TemplateName": "hello"}},
            BulkEmailEntries=[entry, entry],
        )
        first, second = answer["BulkEmailEntryResults"]
        assert first == {"Status": "SUCCESS", "MessageId": "id-0"}
        assert second["Status"] == status
        assert second["Error"].startswith(words)


def test_a_template_is_filled_with_an_object_in_a_text(dialects: DialectServer, ses: Any) -> None:
    template = {
        "TemplateArn": "arn:aws:ses:eu-west-1:123456789012:template/hello",
        "TemplateData": '{"name": "Ann", "items": [1]}',
        "Headers": [{"Name": "X-A", "Value": "1"}],
        "Attachments": [{"RawContent": b"%PDF", "FileName": "a.pdf"}],
    }
    asked: dict[str, Any] = {
        "FromEmailAddress": "shop@example.com",
        "Destination": {"ToAddresses": ["a@dest.example"]},
        "Content": {"Template": template},
    }
    assert ses.send_email(**asked)["MessageId"]
    order = dialects.sending.last
    assert order.template is not None
    assert (order.template.name, order.template.wins) == ("hello", False)
    assert order.template.data == {"name": "Ann", "items": [1]}
    assert order.fields == (("X-A", "1"),)
    assert [each.filename for each in order.attachments] == ["a.pdf"]
    for wrong in ("[]", "{", "1"):
        with pytest.raises(ClientError) as error:
            ses.send_email(
                **{**asked, "Content": {"Template": {**template, "TemplateData": wrong}}}
            )
        assert code_of(error) == ("BadRequestException", 400)
        assert "Content.Template.TemplateData" in str(error.value)
    dialects.sending.answers = [unknown_template()]
    with pytest.raises(ses.exceptions.NotFoundException, match="Template hello does not exist"):
        ses.send_email(**asked)


def test_a_template_may_come_with_the_request(dialects: DialectServer, ses: Any) -> None:
    content = {"Subject": "Hi {{name}}", "Html": "<p>{{name}}</p>", "Text": "{{{name}}}"}
    template = {"TemplateContent": content, "TemplateData": '{"name": "Ann"}'}
    asked: dict[str, Any] = {
        "FromEmailAddress": "shop@example.com",
        "Destination": {"ToAddresses": ["a@dest.example"]},
        "Content": {"Template": template},
    }
    assert ses.send_email(**asked)["MessageId"]
    use = dialects.sending.last.template
    assert use is not None
    assert (use.name, use.data) == ("", {"name": "Ann"})
    assert use.inline is not None
    assert use.inline.syntax == "mustache"
    assert use.inline.locales["en"].html is not None
    for wrong, word in (
        ({"Subject": "s"}, "must have Text or Html"),
        ({"Html": "x"}, "TemplateContent.Subject"),
        ({"Subject": "s", "Html": "a\n{{#if}"}, "TemplateContent.Html: "),
        ({"Subject": "s", "Html": "a\n{{#if}"}, "(line 2, column 1)"),
        ({"Subject": "x" * 5000, "Html": "x"}, "TemplateContent.Subject: has more than"),
    ):
        with pytest.raises(ClientError) as error:
            ses.send_email(**{**asked, "Content": {"Template": {"TemplateContent": wrong}}})
        assert code_of(error) == ("BadRequestException", 400)
        assert word in str(error.value)
    with pytest.raises(ClientError, match="beside a name"):
        ses.send_email(**{**asked, "Content": {"Template": {**template, "TemplateName": "hello"}}})


def unknown_template() -> Fault:
    return Fault(
        kind=FaultKind.INVALID,
        field="templateId",
        message="templateId: there is none",
        constraint=NO_TEMPLATE,
    )


def test_the_account_says_what_may_be_sent(dialects: DialectServer, ses: Any) -> None:
    answer = ses.get_account()
    assert answer["SendQuota"] == {"Max24HourSend": -1.0, "MaxSendRate": 100.0}
    assert answer["SendingEnabled"] is True
    before, dialects.figures = (
        dialects.figures,
        AccountFigures(per_second=14, per_day=50_000, used_today=7),
    )
    answer = ses.get_account()
    dialects.figures = before
    assert answer["SendQuota"] == {
        "Max24HourSend": 50_000.0,
        "MaxSendRate": 14.0,
        "SentLast24Hours": 7.0,
    }


def test_p7_each_tenant_has_suppressions_of_its_own(dialects: DialectServer, ses: Any) -> None:
    other = client(dialects, "other-ses", region="us-east-1")
    ses.put_suppressed_destination(EmailAddress="x+1@dest.example", Reason="BOUNCE")
    ses.put_suppressed_destination(
        EmailAddress="Y@dest.example", Reason="COMPLAINT", TenantName="acme"
    )
    found = ses.get_suppressed_destination(EmailAddress="X+1@dest.example")["SuppressedDestination"]
    assert (found["EmailAddress"], found["Reason"]) == ("x+1@dest.example", "BOUNCE")
    assert abs(found["LastUpdateTime"].timestamp() - dialects.clock() / 1000) < 300
    listed = ses.list_suppressed_destinations(Reasons=["COMPLAINT"])
    assert [e["EmailAddress"] for e in listed["SuppressedDestinationSummaries"]] == [
        "Y@dest.example"
    ]
    pages = []
    token: dict[str, str] = {}
    while True:
        page = ses.list_suppressed_destinations(PageSize=1, **token)
        pages += [e["EmailAddress"] for e in page["SuppressedDestinationSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == ["x+1@dest.example", "Y@dest.example"]
    assert other.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
    for call in (other.get_suppressed_destination, other.delete_suppressed_destination):
        with pytest.raises(other.exceptions.NotFoundException):
            call(EmailAddress="x+1@dest.example")
    with pytest.raises(other.exceptions.NotFoundException):
        other.list_suppressed_destinations(TenantName="acme")
    # another reason takes the place of the first
    ses.put_suppressed_destination(EmailAddress="x+1@dest.example", Reason="COMPLAINT")
    found = ses.get_suppressed_destination(EmailAddress="x+1@dest.example")["SuppressedDestination"]
    assert found["Reason"] == "COMPLAINT"
    ses.delete_suppressed_destination(EmailAddress="x+1@dest.example")
    with pytest.raises(ses.exceptions.NotFoundException):
        ses.get_suppressed_destination(EmailAddress="x+1@dest.example")
    assert dialects.audited[-2:] == [
        ("acme", "suppression.added", "x+1@dest.example"),
        ("acme", "suppression.removed", "x+1@dest.example"),
    ]
    later = ses.list_suppressed_destinations(StartDate=dialects.clock() / 1000 + 1000)
    assert later["SuppressedDestinationSummaries"] == []
    earlier = ses.list_suppressed_destinations(EndDate=dialects.clock() / 1000 + 1000)
    assert len(earlier["SuppressedDestinationSummaries"]) == 1
    for wrong in ({"PageSize": 0}, {"NextToken": "ä"}):
        with pytest.raises(ses.exceptions.BadRequestException):
            ses.list_suppressed_destinations(**wrong)
    other.close()


def test_a_body_that_is_encoded_is_refused_by_name(dialects: DialectServer) -> None:
    ses = client(dialects)

    def encode(request: Any, **_: Any) -> None:
        request.headers["Content-Encoding"] = "gzip"

    ses.meta.events.register("before-sign.sesv2", encode)
    with pytest.raises(ClientError) as error:
        ses.get_account()
    assert code_of(error) == ("BadRequestException", 415)
    assert "Content-Encoding" in error.value.response["Error"]["Message"]
    ses.close()


def test_a_path_that_is_not_there_is_answered_in_sess_form(
    dialects: DialectServer, ses: Any
) -> None:
    with pytest.raises(ClientError) as error:
        ses.list_email_identities()
    assert code_of(error) == ("NotFoundException", 404)
    gc.collect()
