"""Templates as SendGrid's official clients keep them: the active version is what mail gets."""

import json
from typing import Any

import pytest
import sendgrid
from python_http_client import exceptions
from sendgrid.helpers import mail as helpers

from tests.api.compat.sdks.vendors_server import SENDER, VendorsServer
from tests.e2e.api_client import ApiClient
from tests.e2e.product import token

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
VERSION = {
    "name": "first",
    "subject": "Hi {{name}}",
    "html_content": "<p>{{#if mark}}{{mark}} &amp; {{name}}{{/if}}</p>",
    "plain_content": "{{mark}} as text",
    "test_data": json.dumps({"name": "Bee", "mark": "m"}),
}


@pytest.fixture(scope="module")
def client(server: VendorsServer) -> Any:
    return sendgrid.SendGridAPIClient(server.key, host=server.url).client


@pytest.fixture(scope="module")
def api(server: VendorsServer) -> ApiClient:
    made = server.product.postmaster("key", "create", "--scopes", "*", "--json")
    return ApiClient(server.product.http, json.loads(made)["key"])


def done(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.body
    return json.loads(answer.body) if answer.body else None


def made(client: Any, name: str = "") -> Any:
    body = {"name": name or token(), "generation": "dynamic"}
    return done(client.templates.post(request_body=body), 201)


def versions(client: Any, template: str) -> Any:
    return client.templates._(template).versions


def refused(call: Any, body: Any = None) -> tuple[int, str, str]:
    with pytest.raises(exceptions.HTTPError) as caught:
        call() if body is None else call(request_body=body)
    (error,) = json.loads(caught.value.body)["errors"]
    return caught.value.status_code, error["field"] or "", error["message"]


def send(server: VendorsServer, template: str, mark: str) -> Any:
    message = helpers.Mail(from_email=SENDER, to_emails="b@example.net")
    message.template_id = template
    message.dynamic_template_data = {"name": "Bee", "mark": mark}
    return sendgrid.SendGridAPIClient(server.key, host=server.url).send(message)


def test_a_template_is_made_sent_changed_and_deleted(server: VendorsServer, client: Any) -> None:
    template = made(client, "Order sent")
    assert (template["name"], template["generation"]) == ("Order sent", "dynamic")
    assert (template["versions"], template["id"][:2]) == ([], "d-")
    one = versions(client, template["id"])
    # The first version is the active one, whatever was asked for
    first = done(one.post(request_body={**VERSION, "active": 0}), 201)
    assert {name: first[name] for name in VERSION if name != "test_data"} == {
        name: value for name, value in VERSION.items() if name != "test_data"
    }
    assert (first["active"], first["template_id"]) == (1, template["id"])
    assert (first["generate_plain_content"], first["editor"]) == (False, "code")
    assert json.loads(first["test_data"]) == {"name": "Bee", "mark": "m"}
    mark = token()
    send(server, template["id"], mark)
    mail = server.mail(mark)
    assert mail["Subject"] == "Hi Bee"
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().strip() == f"{mark} as text"
    # What is active is changed in place: its id stays, and mail gets it at once
    change = {"subject": "Bye {{name}}", "generate_plain_content": True}
    changed = done(one._(first["id"]).patch(request_body=change))
    assert (changed["id"], changed["active"], changed["subject"]) == (
        first["id"],
        1,
        "Bye {{name}}",
    )
    assert (changed["plain_content"], changed["generate_plain_content"]) == ("", True)
    mark = token()
    send(server, template["id"], mark)
    mail = server.mail(mark)
    text = mail.get_body(("plain",))
    assert text is not None
    assert (mail["Subject"], text.get_content().strip()) == ("Bye Bee", f"{mark} & Bee")
    assert [each["id"] for each in done(client.templates._(template["id"]).get())["versions"]] == [
        first["id"]
    ]
    renamed = done(client.templates._(template["id"]).patch(request_body={"name": "Other"}))
    assert (renamed["name"], renamed["versions"][0]["html_content"]) == (
        "Other",
        VERSION["html_content"],
    )
    done(client.templates._(template["id"]).delete(), 204)
    assert refused(client.templates._(template["id"]).get)[0] == 404
    assert refused(lambda: send(server, template["id"], "x"))[1] == "template_id"


def test_another_version_is_activated_changed_and_deleted(
    server: VendorsServer, client: Any
) -> None:
    template = made(client)["id"]
    one = versions(client, template)
    first = done(one.post(request_body=VERSION), 201)["id"]
    second = done(one.post(request_body={**VERSION, "name": "second", "subject": "2"}), 201)
    assert second["active"] == 0
    second = second["id"]
    # A draft is changed; what was active before is no draft, and changed as well
    done(one._(second).patch(request_body={"subject": "Two"}))
    assert done(one._(second).activate.post())["active"] == 1
    assert done(one._(first).get())["active"] == 0
    done(one._(first).patch(request_body={"name": "renamed", "subject": "One"}))
    found = done(client.templates._(template).get())["versions"]
    assert [(each["id"], each["name"], each["active"], each["subject"]) for each in found] == [
        (second, "second", 1, "Two"),
        (first, "renamed", 0, "One"),
    ]
    mark = token()
    send(server, template, mark)
    assert server.mail(mark)["Subject"] == "Two"
    assert done(one._(first).patch(request_body={"active": 1}))["subject"] == "One"
    assert refused(one._(first).patch, {"active": 0})[:2] == (400, "active")
    done(one._(second).delete(), 204)
    assert refused(one._(second).get)[0] == 404
    # Nothing is active any more
    done(one._(first).delete(), 204)
    assert done(client.templates._(template).get())["versions"] == []
    status, field, message = refused(lambda: send(server, template, "x"))
    assert (status, field, "is published" in message) == (400, "template_id", True)


def test_templates_are_listed_by_pages(server: VendorsServer, client: Any) -> None:
    names = [token() for _ in range(3)]
    ids = [made(client, each)["id"] for each in names]
    done(versions(client, ids[0]).post(request_body=VERSION), 201)
    query = {"generations": "legacy,dynamic", "page_size": 2}
    first = done(client.templates.get(query_params=query))
    assert [each["id"] for each in first["result"]] == [ids[2], ids[1]]
    following = first["_metadata"]["next"].rpartition("page_token=")[2]
    rest = done(client.templates.get(query_params={**query, "page_token": following}))
    assert rest["result"][0]["id"] == ids[0]
    (version,) = rest["result"][0]["versions"]
    assert (version["name"], version["active"], "html_content" in version) == ("first", 1, False)
    assert first["_metadata"]["count"] == rest["_metadata"]["count"] >= 3
    every = done(client.templates.get())["templates"]
    assert {*ids} <= {each["id"] for each in every}
    legacy = done(client.templates.get(query_params={"generations": "legacy", "page_size": 5}))
    assert legacy["result"] == []
    for given in ({"page_size": 201}, {"page_token": "x"}, {"generations": "x"}, {"limit": 1}):
        status, field, _ = refused(lambda: client.templates.get(query_params=given))  # noqa: B023
        assert (status, field) == (400, next(iter(given)))


def test_a_template_is_duplicated_and_found_by_its_alias(
    server: VendorsServer, client: Any, api: ApiClient
) -> None:
    alias = f"d-{token()}"
    version = {
        "parts": {"subject": "Native", "text": "{{mark}}"},
        "syntax": "mustache",
        "publish": True,
    }
    api.right("POST", "/v1/templates", {"alias": alias, "version": version})
    found = done(client.templates._(alias).get())
    assert (found["id"], found["versions"][0]["subject"]) == (alias, "Native")
    # A version that our own API made keeps the id that it has had from the first
    native = found["versions"][0]["id"]
    done(versions(client, alias)._(native).patch(request_body={"subject": "Theirs"}))
    assert done(versions(client, alias)._(native).get())["subject"] == "Theirs"
    copied = done(client.templates._(alias).post(request_body={"name": "Copy"}), 201)
    assert copied["id"] not in ("", alias)
    assert (copied["name"], copied["versions"][0]["subject"]) == ("Copy", "Theirs")
    mark = token()
    send(server, copied["id"], mark)
    assert server.mail(mark)["Subject"] == "Theirs"
    assert (
        done(client.templates._(made(client, "x")["id"]).post(request_body={}), 201)["name"]
        == "Duplicate: x"
    )
    jinja = {"parts": {"subject": "s", "text": "{{ x }}"}, "publish": True}
    api.right("POST", "/v1/templates", {"alias": "d-jinja", "version": jinja})
    own = done(client.templates._("d-jinja").get())["versions"][0]["id"]
    status, _, message = refused(versions(client, "d-jinja")._(own).patch, {"subject": "x"})
    assert (status, "written in jinja" in message) == (400, True)


def test_what_is_wrong_with_a_template_is_said(server: VendorsServer, client: Any) -> None:
    for body, field in (
        ({"generation": "dynamic"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "generation": "legacy"}, "generation"),
        ({"name": "x", "other": 1}, "other"),
    ):
        assert refused(client.templates.post, body)[:2] == (400, field)
    template = made(client)["id"]
    one = versions(client, template)
    for change, field, words in (
        ({"name": None}, "name", ""),
        ({"subject": ""}, "subject", ""),
        ({"subject": "x" * 256}, "subject", "255"),
        ({"html_content": "<p>\n{{#if (x)}}"}, "html_content", "line 2, column 8"),
        ({"html_content": "<%body%>"}, "html_content", "legacy"),
        ({"html_content": "", "plain_content": ""}, "html_content", ""),
        ({"editor": "design"}, "editor", "design editor"),
        ({"active": 2}, "active", "0 or 1"),
        ({"test_data": "[1]"}, "test_data", "no JSON object"),
        ({"template_id": "x"}, "template_id", "path"),
        ({"plain_content": None, "generate_plain_content": False}, "plain_content", ""),
    ):
        found = refused(one.post, {**VERSION, **change})
        assert (found[:2], words in found[2]) == ((400, field), True), found
    assert refused(one._("nonesuch").get)[0] == 404
    other = sendgrid.SendGridAPIClient(server.small_key, host=server.url).client
    assert refused(other.templates._(template).get)[0] == 404
    reader = sendgrid.SendGridAPIClient(server.reading_key, host=server.url).client
    assert refused(reader.templates.get)[0] == 403


def test_templates_as_node_keeps_them(server: VendorsServer) -> None:
    def ask(method: str, url: str, body: Any = None) -> Any:
        asked = {"method": method, "url": f"/v3/templates{url}"}
        return [asked if body is None else {**asked, "body": body}]

    (answer,) = server.node("sendgrid.mjs", calls=[ask("POST", "", {"name": token()})])
    assert answer["statusCode"] == 201
    template = answer["body"]["id"]
    mark = token()
    added, found, sent = server.node(
        "sendgrid.mjs",
        calls=[
            ask("POST", f"/{template}/versions", VERSION),
            ask("GET", f"/{template}"),
            [
                {
                    "to": "b@example.net",
                    "from": SENDER,
                    "templateId": template,
                    "dynamicTemplateData": {"name": "Bee", "mark": mark},
                }
            ],
        ],
    )
    assert (added["statusCode"], added["body"]["active"], sent["statusCode"]) == (201, 1, 202)
    assert found["body"]["versions"][0]["subject"] == VERSION["subject"]
    assert server.mail(mark)["Subject"] == "Hi Bee"
    version = added["body"]["id"]
    changed, active, gone, wrong = server.node(
        "sendgrid.mjs",
        calls=[
            ask("PATCH", f"/{template}/versions/{version}", {"subject": "New"}),
            ask("POST", f"/{template}/versions/{version}/activate"),
            ask("DELETE", f"/{template}"),
            ask("GET", f"/{template}"),
        ],
    )
    assert (changed["body"]["subject"], active["body"]["active"]) == ("New", 1)
    assert (gone["statusCode"], wrong["code"]) == (204, 404)
    assert wrong["body"]["errors"][0]["message"].startswith("there is no template")
