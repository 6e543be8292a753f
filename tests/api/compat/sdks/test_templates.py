"""One template, as vendors' customers write theirs, sent by our own API and by each vendor's clients; it arrives."""

import asyncio
import json
from email.message import EmailMessage
from typing import Any

import dkim
import pytest
from django.conf import settings

if not settings.configured:  # before anything of anymail is imported
    settings.configure(DEFAULT_CHARSET="utf-8", USE_TZ=True, SECRET_KEY="tests")

import resend
import sendgrid
from anymail.message import AnymailMessage
from django.core.mail import get_connection
from postmark import ServerClient
from resend.exceptions import ResendError
from sendgrid.helpers import mail as helpers

from tests.api.compat.sdks.vendors_server import DOMAIN, SENDER, VendorsServer
from tests.e2e.api_client import ApiClient
from tests.e2e.product import token

boto3 = pytest.importorskip("boto3")
mailgun_client = pytest.importorskip("mailgun.client")
mailgun_builders = pytest.importorskip("mailgun.builders")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning",
        "ignore::ResourceWarning",
        "ignore:django-anymail has dropped official support",
    ),
]
# In the words that all vendors' mustaches have in common
PARTS = {
    "subject": "Hi {{name}}, order {{order.id}}",
    "html": (
        "<style>p { color: red }</style><p>Dear {{name}} ({{mark}})</p>"
        "{{#if order.items}}<ul>{{#each order.items}}<li>{{title}}: {{price}}</li>{{/each}}</ul>"
        "{{else}}<p>Nothing</p>{{/if}}{{{note}}}"
    ),
    "text": "Dear {{name}} ({{mark}})\n{{#each order.items}}* {{title}}\n{{/each}}",
}
ALIAS = "order-confirmation"
DYNAMIC = "d-order-confirmation"  # SendGrid's clients take others for templates of the older kind


def data(mark: str, name: str = "Bee & Co") -> dict[str, Any]:
    items = [{"title": "Tea", "price": 3}, {"title": "Honey", "price": 4.5}]
    order = {"id": 17, "items": items}
    return {"name": name, "mark": mark, "order": order, "note": "<b>Thanks</b>"}


@pytest.fixture(scope="module")
def api(server: VendorsServer) -> ApiClient:
    """With the template, and one that waits for its variables."""
    made = server.product.postmaster("key", "create", "--scopes", "*", "--json")
    found = ApiClient(server.product.http, json.loads(made)["key"])
    for alias, parts, more in (
        (ALIAS, PARTS, {"syntax": "mustache"}),
        ("1234", PARTS, {"syntax": "mustache"}),
        (DYNAMIC, PARTS, {"syntax": "mustache"}),
        ("strict", {"subject": "s", "text": "a\n{{ needed }}"}, {}),
        ("d-bare", {"text": "{{mark}} has no subject"}, {"syntax": "mustache"}),
    ):
        version = {"parts": parts, "publish": True, **more}
        found.right("POST", "/v1/templates", {"alias": alias, "version": version})
    return found


@pytest.fixture(scope="module")
def mailgun(server: VendorsServer) -> Any:
    with mailgun_client.Client(auth=("api", server.key), api_url=server.url) as found:
        yield found


@pytest.fixture(scope="module")
def ses(server: VendorsServer) -> Any:
    found = boto3.client(
        "sesv2",
        endpoint_url=server.url,
        region_name="eu-central-1",
        aws_access_key_id=server.ses_key.access_key_id,
        aws_secret_access_key=server.ses_key.text,
    )
    yield found
    found.close()


def assert_made(mail: EmailMessage, mark: str, name: str = "Bee & Co", subject: str = "") -> None:
    """As vendors' documentation says it is: two braces escape in HTML alone, three nowhere."""
    assert mail["Subject"] == (subject or f"Hi {name}, order 17")
    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    lines = text.get_content().rstrip().splitlines()
    assert lines == [f"Dear {name} ({mark})", "* Tea", "* Honey"]
    escaped = name.replace("&", "&amp;")
    content = html.get_content()
    assert f"Dear {escaped} ({mark})</p>" in content
    assert "<ul><li>Tea: 3</li><li>Honey: 4.5</li></ul>" in content
    assert "Nothing" not in content
    assert "<b>Thanks</b>" in content
    assert 'style="color: red' in content  # inlined


def assert_each(server: VendorsServer, marks: dict[str, str]) -> None:
    """Each name is greeted in a mail of its own."""
    for name, mark in marks.items():
        assert_made(server.mail(mark), mark, name)


def test_by_our_own_api(server: VendorsServer, api: ApiClient) -> None:
    mark = token()
    asked = {"from": SENDER, "to": "b@example.net", "templateId": ALIAS, "templateData": data(mark)}
    sent = api.right("POST", "/v1/send", {**asked, "sendId": mark})
    assert_made(server.mail(mark), mark)
    content = server.sink.wait_for_token(mark).content
    assert f"d={DOMAIN};".encode() in content
    records = json.loads(server.product.postmaster("domain", "show", DOMAIN, "--json"))["records"]
    keys = {each["name"]: each["value"] for each in records}

    def find(name: bytes, timeout: float = 5) -> bytes:
        return str(keys.get(name.decode().rstrip("."), "")).encode()

    assert dkim.verify(content, dnsfunc=find)
    template = api.right("GET", f"/v1/templates/{ALIAS}")
    told = api.right("GET", f"/v1/emails/{sent['emailId']}")
    assert told["template"] == {"id": template["id"], "alias": ALIAS, "version": 1}
    # The first answer comes again, though the template is another one now
    version = {"parts": {**PARTS, "subject": "New"}, "syntax": "mustache", "publish": True}
    api.right("POST", f"/v1/templates/{ALIAS}/versions", version)
    assert api.right("POST", "/v1/send", {**asked, "sendId": mark}) == sent
    mark = token()
    by_id = {**asked, "templateId": template["id"], "templateData": data(mark)}
    api.right("POST", "/v1/send", by_id)
    assert_made(server.mail(mark), mark, subject="New")
    api.right("POST", f"/v1/templates/{ALIAS}/rollback")
    mark = token()
    old = {**by_id, "templateVersion": 1, "subject": "Mine", "templateData": data(mark)}
    api.right("POST", "/v1/send", old)
    assert_made(server.mail(mark), mark, subject="Mine")


def test_recipients_with_variables_get_a_mail_each(server: VendorsServer, api: ApiClient) -> None:
    marks = {"Ann": token(), "Bob": token()}
    recipients = [
        {"address": f"{name}@example.net", "variables": {"name": name, "mark": mark}}
        for name, mark in marks.items()
    ]
    asked = {
        "from": SENDER,
        "templateId": ALIAS,
        "templateData": data(""),
        "recipients": recipients,
    }
    sent = api.right("POST", "/v1/send", asked)
    assert [each["to"] for each in sent["emails"]] == ["Ann@example.net", "Bob@example.net"]
    assert_each(server, marks)
    for each, (name, mark) in zip(sent["emails"], marks.items(), strict=True):
        told = api.right("GET", f"/v1/status/{each['emailId']}")
        assert told["messageId"] == each["messageId"] == server.mail(mark)["Message-ID"]
        assert told["recipient"] == f"{name}@example.net"


def test_what_cannot_be_made_is_refused_by_line(server: VendorsServer, api: ApiClient) -> None:
    asked = {"from": SENDER, "to": "b@example.net"}
    found = api.ask("POST", "/v1/send", {**asked, "templateId": "strict"})
    assert found.fault == (400, "VALIDATION_ERROR", "templateData.needed")
    assert "text, line 2" in found.json["message"]
    found = api.ask("POST", "/v1/send", {**asked, "templateId": "no-such"})
    assert found.fault == (400, "VALIDATION_ERROR", "templateId")
    found = api.ask("POST", "/v1/send", {**asked, "templateId": "d-bare"})
    assert found.fault == (400, "VALIDATION_ERROR", "subject")
    good = {**asked, "templateId": ALIAS, "templateData": data(token())}
    batch = {"messages": [good, {**asked, "templateId": "strict"}]}
    found = api.ask("POST", "/v1/batch_send", batch)
    assert found.fault == (400, "VALIDATION_ERROR", "messages[1].templateData.needed")
    permissive = api.right("POST", "/v1/batch_send", {**batch, "validation": "permissive"})
    assert [each["success"] for each in permissive["results"]] == [True, False]


def test_by_resends_clients(
    server: VendorsServer, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resend, "api_url", server.url)
    monkeypatch.setattr(resend, "api_key", server.key)
    marks = [token() for _ in range(3)]

    def email(mark: str, **more: Any) -> Any:
        template = {"id": ALIAS, "variables": data(mark)}
        return {"from": SENDER, "to": "b@example.net", "template": template, **more}

    resend.Emails.send(email(marks[0]))
    resend.Batch.send([email(marks[1])])
    (answer,) = server.node("resend.mjs", calls=[["emails.send", email(marks[2], subject="Mine")]])
    assert answer["error"] is None
    for mark, subject in zip(marks, ("", "", "Mine"), strict=True):
        assert_made(server.mail(mark), mark, subject=subject)
    with pytest.raises(ResendError, match="no-such") as unknown:
        resend.Emails.send(email("", template={"id": "no-such"}))
    assert (unknown.value.code, unknown.value.error_type) == (404, "not_found")
    with pytest.raises(ResendError, match=r"template\.variables\.needed"):
        resend.Emails.send(email("", template={"id": "strict"}))


def test_by_sendgrids_clients(server: VendorsServer, api: ApiClient) -> None:
    marks = {"Ann": token(), "Bob": token()}
    asked = helpers.Mail(from_email=SENDER)
    asked.template_id = ALIAS
    for name, mark in marks.items():
        person = helpers.Personalization()
        person.add_to(helpers.Email(f"{name}@example.net"))
        person.dynamic_template_data = data(mark, name)
        asked.add_personalization(person)
    client = sendgrid.SendGridAPIClient(server.key, host=server.url)
    assert client.send(asked).status_code == 202
    assert_each(server, marks)
    mark = token()
    by_node = {"from": SENDER, "to": "b@example.net", "templateId": DYNAMIC, "subject": "Not mine"}
    (answer,) = server.node(
        "sendgrid.mjs", calls=[[{**by_node, "dynamicTemplateData": data(mark)}]]
    )
    assert answer["statusCode"] == 202
    assert_made(server.mail(mark), mark)
    mark = token()
    bare = {**by_node, "templateId": "d-bare", "dynamicTemplateData": {"mark": mark}}
    server.node("sendgrid.mjs", calls=[[bare]])
    assert server.mail(mark)["Subject"] == "Not mine"
    (answer,) = server.node("sendgrid.mjs", calls=[[{**by_node, "templateId": "strict"}]])
    (error,) = answer["body"]["errors"]
    assert answer["code"] == 400
    assert error["field"] == "personalizations.0.dynamic_template_data.needed"


def test_by_postmarks_clients(server: VendorsServer, api: ApiClient) -> None:
    marks = {"Ann": token(), "Bob": token(), "Cid": token(), "Dan": token(), "Eve": token()}

    def email(name: str, **more: Any) -> dict[str, Any]:
        return {
            "From": SENDER,
            "To": f"{name}@example.net",
            "TemplateAlias": ALIAS,
            "TemplateModel": data(marks.get(name, ""), name),
            **more,
        }

    async def by_python() -> Any:
        async with ServerClient(server.key, base_url=server.url) as client:
            one = await client.outbound.send_with_template(email("Ann"))
            batch = [email("Bob"), email("Zoe", TemplateAlias="no-such"), email("Cid")]
            return one, await client.outbound.send_batch_with_template(batch)

    one, batch = asyncio.run(by_python())
    assert one.success
    assert [each.error_code for each in batch] == [0, 1101, 0]
    by_id = email("Dan", TemplateId=1234)
    del by_id["TemplateAlias"]
    first, second, third = server.node(
        "postmark.mjs",
        calls=[
            ["sendEmailWithTemplate", by_id],
            ["sendEmailBatchWithTemplates", [email("Eve"), email("Zoe", To="nobody")]],
            ["sendEmailWithTemplate", email("Zoe", TemplateAlias="strict", TemplateModel={})],
        ],
    )
    assert first["data"]["ErrorCode"] == 0
    assert [each["ErrorCode"] for each in second["data"]] == [0, 300]
    assert (third["name"], third["code"]) == ("InvalidEmailRequestError", 300)
    assert "TemplateModel.needed" in third["message"]
    assert_each(server, marks)


def test_by_mailguns_clients(server: VendorsServer, api: ApiClient, mailgun: Any) -> None:
    mark = token()
    builder = mailgun_builders.MailgunMessageBuilder(SENDER)
    builder.add_recipient("b@example.net").set_template(ALIAS)
    builder.set_template_variables(data(mark)).set_template_text(enable=True)
    payload, files = builder.build()
    answer = mailgun.messages.create(data=payload, files=files, domain=DOMAIN)
    assert answer.status_code == 200, answer.text
    assert_made(server.mail(mark), mark)
    marks = {"Ann": token(), "Bob": token()}
    people = {f"{name}@example.net": {"name": name, "mark": mark} for name, mark in marks.items()}
    (answer,) = server.node(
        "mailgun.mjs",
        calls=[
            [
                "package",
                DOMAIN,
                {
                    "from": SENDER,
                    "to": list(people),
                    "template": ALIAS,
                    "recipient-variables": json.dumps(people),
                    "t:version": "1",
                    "t:variables": json.dumps(
                        data("%recipient.mark%", "%recipient.name%"),
                    ),
                },
            ]
        ],
    )
    assert answer["answer"]["status"] == 200
    assert_each(server, marks)
    unknown = {"from": SENDER, "to": "b@example.net", "template": "no-such"}
    answer = mailgun.messages.create(data=unknown, domain=DOMAIN)
    assert (answer.status_code, answer.json()["message"][:9]) == (400, "template:")
    strict = {**unknown, "template": "strict"}
    answer = mailgun.messages.create(data=strict, domain=DOMAIN)
    assert (answer.status_code, "t:variables.needed" in answer.json()["message"]) == (400, True)


def test_by_amazons_clients(server: VendorsServer, api: ApiClient, ses: Any) -> None:
    mark = token()
    template = {"TemplateName": ALIAS, "TemplateData": json.dumps(data(mark))}
    asked = {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": ["b@example.net"]},
        "Content": {"Template": template},
    }
    answer = ses.send_email(**asked)
    mail = server.mail(mark)
    assert_made(mail, mark)
    assert mail["Message-ID"] == f"<{answer['MessageId']}@{DOMAIN}>"
    mark = token()
    content = {name.capitalize(): each for name, each in PARTS.items()}
    inline = {"TemplateContent": content, "TemplateData": json.dumps(data(mark))}
    ses.send_email(**{**asked, "Content": {"Template": inline}})
    assert_made(server.mail(mark), mark)
    for name, code, words in (
        ("no-such", "NotFoundException", "Template no-such does not exist"),
        ("strict", "BadRequestException", "Content.Template.TemplateData.needed"),
    ):
        with pytest.raises(ses.exceptions.ClientError, match=words) as caught:
            ses.send_email(**{**asked, "Content": {"Template": {"TemplateName": name}}})
        assert caught.value.response["Error"]["Code"] == code
    marks = {"Ann": token(), "Bob": token()}
    bulk = bulk_of({"TemplateName": ALIAS, "TemplateData": json.dumps(data(""))}, marks)
    results = ses.send_bulk_email(**bulk)["BulkEmailEntryResults"]
    assert [each["Status"] for each in results] == ["SUCCESS", "SUCCESS"]
    assert_each(server, marks)
    marks = {"Cid": token(), "Dan": token()}
    bulk = bulk_of({"TemplateName": ALIAS, "TemplateData": json.dumps(data(""))}, marks)
    credentials = {
        "accessKeyId": server.ses_key.access_key_id,
        "secretAccessKey": server.ses_key.text,
    }
    (answer,) = server.node("ses.mjs", credentials=credentials, calls=[["SendBulkEmail", bulk]])
    statuses = [each["Status"] for each in answer["answer"]["BulkEmailEntryResults"]]
    assert statuses == ["SUCCESS", "SUCCESS"]
    assert_each(server, marks)


def bulk_of(template: dict[str, Any], marks: dict[str, str]) -> dict[str, Any]:
    return {
        "FromEmailAddress": SENDER,
        "DefaultContent": {"Template": template},
        "BulkEmailEntries": [
            {
                "Destination": {"ToAddresses": [f"{name}@example.net"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {
                        "ReplacementTemplateData": json.dumps({"name": name, "mark": mark})
                    }
                },
            }
            for name, mark in marks.items()
        ],
    }


@pytest.mark.parametrize("name", ["sendgrid", "postmark", "mailgun", "amazon_ses"])
def test_by_django_anymail(server: VendorsServer, api: ApiClient, name: str) -> None:
    marks = {"Ann": token(), "Bob": token()}
    sent = AnymailMessage(
        from_email=SENDER,
        to=[f"{each}@example.net" for each in marks],
        connection=backend(server, name),
    )
    sent.subject = sent.body = None
    sent.template_id = DYNAMIC if name == "sendgrid" else ALIAS
    sent.merge_global_data = data("")
    sent.merge_data = {
        f"{each}@example.net": {"name": each, "mark": mark} for each, mark in marks.items()
    }
    assert sent.send() == 1
    assert set(sent.anymail_status.recipients) == {f"{each}@example.net" for each in marks}
    assert sent.anymail_status.status <= {"queued", "sent"}
    assert_each(server, marks)


def backend(server: VendorsServer, name: str) -> Any:
    given: dict[str, Any] = {
        "sendgrid": {"api_key": server.key, "api_url": f"{server.url}/v3/"},
        "postmark": {"server_token": server.key, "api_url": f"{server.url}/"},
        "mailgun": {"api_key": server.key, "api_url": f"{server.url}/v3"},
        "amazon_ses": {
            "client_params": {
                "endpoint_url": server.url,
                "region_name": "eu-west-1",
                "aws_access_key_id": server.ses_key.access_key_id,
                "aws_secret_access_key": server.ses_key.text,
            }
        },
    }[name]
    return get_connection(f"anymail.backends.{name}.EmailBackend", **given)
