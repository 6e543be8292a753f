"""Templates as Amazon's official clients keep them: they count at once, and are sent by."""

import json
from email import message_from_string, policy
from typing import Any

import pytest

from tests.api.compat.sdks.vendors_server import SENDER, VendorsServer
from tests.e2e.product import token

boto3 = pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
CONTENT = {
    "Subject": "Hi {{name}}",
    "Html": "<p>{{#if mark}}{{mark}} &amp; {{name}}{{/if}}</p>",
    "Text": "{{mark}} as text",
}


def client(server: VendorsServer, key: Any) -> Any:
    return boto3.client(
        "sesv2",
        endpoint_url=server.url,
        region_name="eu-central-1",
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.text,
    )


@pytest.fixture(scope="module")
def ses(server: VendorsServer) -> Any:
    found = client(server, server.ses_key)
    yield found
    found.close()


def send(ses: Any, name: str, mark: str) -> None:
    data = json.dumps({"name": "Bee", "mark": mark})
    ses.send_email(
        FromEmailAddress=SENDER,
        Destination={"ToAddresses": ["b@example.net"]},
        Content={"Template": {"TemplateName": name, "TemplateData": data}},
    )


def refused(call: Any, **given: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call(**given)
    answer = caught.value.response
    error = answer["Error"]
    return answer["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def test_a_template_is_made_sent_changed_and_deleted(server: VendorsServer, ses: Any) -> None:
    name, first, second = token(), token(), token()
    ses.create_email_template(TemplateName=name, TemplateContent=CONTENT)
    found = ses.get_email_template(TemplateName=name)
    assert (found["TemplateName"], found["TemplateContent"]) == (name, CONTENT)
    send(ses, name, first)
    assert server.mail(first)["Subject"] == "Hi Bee"
    changed = {"Subject": "Bye {{name}}", "Text": "{{mark}}"}
    ses.update_email_template(TemplateName=name, TemplateContent=changed)
    assert ses.get_email_template(TemplateName=name)["TemplateContent"] == changed
    send(ses, name, second)
    mail = server.mail(second)
    assert (mail["Subject"], mail.get_content_type()) == ("Bye Bee", "text/plain")
    ses.delete_email_template(TemplateName=name)
    gone = (404, "NotFoundException", f"Template {name} does not exist.")
    assert refused(ses.get_email_template, TemplateName=name) == gone
    assert refused(ses.delete_email_template, TemplateName=name) == gone
    assert refused(ses.update_email_template, TemplateName=name, TemplateContent=CONTENT) == gone
    assert refused(ses.test_render_email_template, TemplateName=name, TemplateData="{}") == gone


def test_a_template_is_rendered_to_be_looked_at(server: VendorsServer, ses: Any) -> None:
    name, mark = token(), token()
    ses.create_email_template(TemplateName=name, TemplateContent=CONTENT)
    data = json.dumps({"name": "Bée", "mark": mark})
    text = ses.test_render_email_template(TemplateName=name, TemplateData=data)["RenderedTemplate"]
    mail: Any = message_from_string(text, policy=policy.default)
    assert (mail["Subject"], mail["From"], mail["To"]) == ("Hi Bée", None, None)
    assert f"<p>{mark} &amp; Bée</p>" in mail.get_body(("html",)).get_content()
    assert mail.get_body(("plain",)).get_content().strip() == f"{mark} as text"
    assert server.count(mark) == 0
    wrong = refused(ses.test_render_email_template, TemplateName=name, TemplateData="[1]")
    assert wrong == (400, "BadRequestException", "TemplateData: is no JSON object")


def test_templates_are_listed_by_pages_of_their_tenant(server: VendorsServer) -> None:
    ses = client(server, server.other_ses_key)
    names = [token() for _ in range(3)]
    for each in names:
        ses.create_email_template(TemplateName=each, TemplateContent=CONTENT)
    first = ses.list_email_templates(PageSize=2)
    rest = ses.list_email_templates(PageSize=2, NextToken=first["NextToken"])
    found = [each["TemplateName"] for page in (first, rest) for each in page["TemplatesMetadata"]]
    assert found == names[::-1]
    assert "NextToken" not in rest
    assert first["TemplatesMetadata"][0]["CreatedTimestamp"].year >= 2025
    assert refused(ses.list_email_templates, PageSize=101)[1] == "BadRequestException"
    assert refused(ses.list_email_templates, NextToken="x")[1] == "BadRequestException"
    ses.close()


def test_a_variable_that_a_mail_writes_must_be_given(server: VendorsServer, ses: Any) -> None:
    name, mark = token(), token()
    content = {"Subject": "Hi {{name}}", "Text": "{{#if more}}{{more}}{{/if}}\n {{mark}}"}
    ses.create_email_template(TemplateName=name, TemplateContent=content)
    sending = {"FromEmailAddress": SENDER, "Destination": {"ToAddresses": ["b@example.net"]}}
    for template in ({"TemplateName": name}, {"TemplateContent": content}):
        given = {**template, "TemplateData": '{"name": "Bee"}'}
        status, code, message = refused(ses.send_email, **sending, Content={"Template": given})
        assert (status, code) == (400, "BadRequestException")
        assert "Content.Template.TemplateData.mark: mark is not given" in message
        assert "(text, line 2, column 4" in message
    results = ses.send_bulk_email(
        FromEmailAddress=SENDER,
        DefaultContent={"Template": {"TemplateName": name, "TemplateData": '{"name": "Bee"}'}},
        BulkEmailEntries=[
            {
                "Destination": {"ToAddresses": ["b@example.net"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {"ReplacementTemplateData": data}
                },
            }
            for data in ("{}", json.dumps({"mark": mark}))
        ],
    )["BulkEmailEntryResults"]
    assert [each["Status"] for each in results] == ["FAILED", "SUCCESS"]
    assert "ReplacementTemplateData.mark: mark is not given" in results[0]["Error"]
    server.mail(mark)
    shown = refused(ses.test_render_email_template, TemplateName=name, TemplateData="{}")
    assert shown[:2] == (400, "BadRequestException")
    assert "name is not given" in shown[2]


def test_what_is_wrong_with_a_template_is_said(ses: Any) -> None:
    name = token()
    ses.create_email_template(TemplateName=name, TemplateContent=CONTENT)
    again = refused(ses.create_email_template, TemplateName=name, TemplateContent=CONTENT)
    assert again == (400, "AlreadyExistsException", f"Template {name} already exists.")
    for given, words in (
        ({"TemplateContent": {"Subject": "x"}}, "TemplateContent must have Text or Html"),
        (
            {"TemplateContent": {"Subject": "x", "Html": "<p>\n{{#if x}}"}},
            "TemplateContent.Html: line 2, column 1: ",
        ),
        ({"TemplateContent": CONTENT, "Tags": [{"Key": "a", "Value": "b"}]}, "Tags: is not"),
        ({"TemplateContent": CONTENT, "TemplateName": "a b"}, "TemplateName: "),
    ):
        found = refused(ses.create_email_template, **{"TemplateName": token(), **given})
        assert (found[:2], words in found[2]) == ((400, "BadRequestException"), True), found
    broken = {"Subject": "{{#if", "Text": "x"}
    found = refused(ses.update_email_template, TemplateName=name, TemplateContent=broken)
    assert found[1] == "BadRequestException"
    assert "TemplateContent.Subject: line 1" in found[2]


def test_templates_as_node_keeps_them(server: VendorsServer) -> None:
    name = token()
    named = {"TemplateName": name}
    credentials = {
        "accessKeyId": server.ses_key.access_key_id,
        "secretAccessKey": server.ses_key.text,
    }
    made, found, again, changed, shown, listed, deleted, gone = server.node(
        "ses.mjs",
        credentials=credentials,
        calls=[
            ["CreateEmailTemplate", {**named, "TemplateContent": CONTENT}],
            ["GetEmailTemplate", named],
            ["CreateEmailTemplate", {**named, "TemplateContent": CONTENT}],
            ["UpdateEmailTemplate", {**named, "TemplateContent": {"Subject": "s", "Text": "t"}}],
            ["TestRenderEmailTemplate", {**named, "TemplateData": "{}"}],
            ["ListEmailTemplates", {"PageSize": 1}],
            ["DeleteEmailTemplate", named],
            ["GetEmailTemplate", named],
        ],
    )
    assert all("answer" in each for each in (made, changed, deleted))
    assert found["answer"]["TemplateContent"] == CONTENT
    assert again["error"] == "AlreadyExistsException"
    assert "Subject: s" in shown["answer"]["RenderedTemplate"]
    assert [each["TemplateName"] for each in listed["answer"]["TemplatesMetadata"]] == [name]
    assert gone["error"] == "NotFoundException"
