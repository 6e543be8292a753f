"""Templates as Mailgun's official clients keep them: the active version is what mail gets."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.compat.sdks.vendors_server import DOMAIN, OTHER_DOMAIN, SENDER, VendorsServer
from tests.e2e.api_client import ApiClient
from tests.e2e.product import token

mailgun_client = pytest.importorskip("mailgun.client")
mailgun_builders = pytest.importorskip("mailgun.builders")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
HTML = "<p>{{#if mark}}{{mark}} &amp; {{name}}{{/if}} for %recipient.nick%</p>"
SUBJECT = json.dumps({"Subject": "Hi {{name}}", "From": "", "Reply-To": ""})


@pytest.fixture(scope="module")
def client(server: VendorsServer) -> Iterator[Any]:
    with mailgun_client.Client(auth=("api", server.key), api_url=server.url) as found:
        yield found


@pytest.fixture(scope="module")
def api(server: VendorsServer) -> ApiClient:
    made = server.product.postmaster("key", "create", "--scopes", "*", "--json")
    return ApiClient(server.product.http, json.loads(made)["key"])


def done(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


def create(client: Any, name: str, **more: Any) -> Any:
    data = {"name": name, "template": HTML, "headers": SUBJECT, **more}
    return client.templates.create(data=data, domain=DOMAIN)


def get(client: Any, name: str, **filters: str) -> Any:
    answer = client.templates.get(domain=DOMAIN, template_name=name, filters=filters)
    return done(answer)["template"]


def version(client: Any, method: str, name: str, tag: str = "", **more: Any) -> Any:
    given = {"domain": DOMAIN, "template_name": name, "versions": True, **more}
    return getattr(client.templates, method)(**given, **({"tag": tag} if tag else {}))


def send(client: Any, name: str, mark: str, **more: Any) -> Any:
    data = {
        "from": SENDER,
        "to": ["b@example.net"],
        "template": name,
        "t:variables": json.dumps({"name": "Bee", "mark": mark}),
        **more,
    }
    return client.messages.create(data=data, domain=DOMAIN)


def html(server: VendorsServer, mark: str) -> str:
    part = server.mail(mark).get_body(("html",))
    assert part is not None
    return str(part.get_content()).strip()


def test_a_template_is_made_sent_changed_and_deleted(server: VendorsServer, client: Any) -> None:
    name = f"Order-{token()}"
    built = (
        mailgun_builders.MailgunTemplateBuilder(name)
        .set_description("What was ordered")
        .set_template_content(HTML)
        .set_engine()
        .set_tag("V1")
        .set_version_comment("the first")
        .set_headers({"Subject": "Hi {{name}}"})
        .build()
    )
    stored = done(client.templates.create(data=built, domain=DOMAIN))
    assert stored["message"] == "template has been stored"
    made = stored["template"]
    assert (made["name"], made["description"]) == (name.lower(), "What was ordered")
    first = made["version"]
    assert {each: first[each] for each in ("tag", "template", "engine", "comment", "active")} == {
        "tag": "v1",
        "template": HTML,
        "engine": "handlebars",
        "comment": "the first",
        "active": True,
    }
    assert (first["headers"], first["createdAt"][-3:]) == ({"Subject": "Hi {{name}}"}, "GMT")
    assert "version" not in get(client, name)
    assert get(client, name, active="yes")["version"] == first
    mark = token()
    done(send(client, name, mark))
    assert server.mail(mark)["Subject"] == "Hi Bee"
    assert html(server, mark) == f"<p>{mark} &amp; Bee for %recipient.nick%</p>"
    # What is active is changed in place, and mail gets it at once
    change = {"template": "<i>{{mark}}</i>", "comment": "changed"}
    told = done(version(client, "put", name, "v1", data=change))
    assert told == {
        "message": "version has been updated",
        "template": {"name": name.lower(), "version": {"tag": "v1"}},
    }
    found = done(version(client, "get", name, "v1"))["template"]["version"]
    assert (found["template"], found["comment"], found["active"]) == (
        "<i>{{mark}}</i>",
        "changed",
        True,
    )
    assert (found["id"], found["createdAt"], found["headers"]) == (
        first["id"],
        first["createdAt"],
        first["headers"],
    )
    mark = token()
    done(send(client, name, mark))
    assert html(server, mark) == f"<i>{mark}</i>"
    update = client.templates.put(domain=DOMAIN, template_name=name, data={"description": "Other"})
    assert done(update)["template"]["description"] == "Other"
    gone = done(client.templates.delete(domain=DOMAIN, template_name=name))
    assert gone == {"message": "template has been deleted", "template": {"name": name.lower()}}
    answer = client.templates.get(domain=DOMAIN, template_name=name)
    assert refused(answer)[0] == 404
    assert "there is no template" in refused(send(client, name, "x"))[1]


def test_versions_are_made_activated_copied_and_deleted(server: VendorsServer, client: Any) -> None:
    name = token()
    empty = done(client.templates.create(data={"name": name}, domain=DOMAIN))["template"]
    assert (empty["version"], empty["description"]) == (None, "")
    assert get(client, name, active="yes")["version"] is None
    for tag, active in (("one", "no"), ("two", "no"), ("three", "yes")):
        data = {"template": f"{tag} {{{{mark}}}}", "tag": tag, "active": active, "headers": SUBJECT}
        told = done(version(client, "create", name, data=data))
        assert told["message"] == "new version of the template has been stored"
        # The first one is active in any case
        assert told["template"]["version"]["active"] is (tag != "two")
    assert refused(version(client, "create", name, data={"template": "x", "tag": "TWO"})) == (
        409,
        "there is a version 'two' already",
    )
    mark = token()
    done(send(client, name, mark, **{"t:version": "Two"}))
    assert html(server, mark) == f"two {mark}"
    mark = token()
    done(send(client, name, mark))
    assert html(server, mark) == f"three {mark}"
    done(version(client, "put", name, "one", data={"active": "yes"}))
    # It was active once, and is changed while another one is
    done(version(client, "put", name, "three", data={"template": "3 {{mark}}"}))
    done(version(client, "put", name, "two", data={"template": "2 {{mark}}"}))
    copied = done(
        version(client, "put", name, "two", copy=True, new_tag="one", data={"comment": "c"})
    )
    assert (copied["version"]["tag"], copied["version"]["template"]) == ("one", "2 {{mark}}")
    assert (copied["version"]["active"], copied["version"]["comment"]) == (True, "c")
    done(version(client, "put", name, "three", copy=True, new_tag="four"))
    listed = done(version(client, "get", name))["template"]["versions"]
    assert [(each["tag"], each["active"]) for each in listed] == [
        ("one", True),
        ("two", False),
        ("three", False),
        ("four", False),
    ]
    assert "template" not in listed[0]
    for tag, shown in (("", "2"), ("three", "3"), ("four", "3")):
        mark = token()
        done(send(client, name, mark, **({"t:version": tag} if tag else {})))
        assert html(server, mark) == f"{shown} {mark}"
    deleted = done(version(client, "delete", name, "one"))
    assert deleted["template"] == {"name": name, "version": {"tag": "one"}}
    assert refused(version(client, "get", name, "one"))[0] == 404
    assert "is published" in refused(send(client, name, "x"))[1]
    assert refused(send(client, name, "x", **{"t:version": "one"})) == (
        400,
        f"t:version: template {name} has no version one",
    )


def test_a_stored_template_says_what_each_recipient_has_of_their_own(
    server: VendorsServer, client: Any
) -> None:
    name = token()
    subject = json.dumps({"Subject": "%recipient_fname%, {{name}}"})
    done(create(client, name, headers=subject))
    marks = {"a@example.net": token(), "b@example.net": token()}
    variables = {each: {"nick": f"<b>{each[0]}</b>", "mark": mark} for each, mark in marks.items()}
    data = {
        "to": ["Ann Lee <a@example.net>", "b@example.net"],
        "recipient-variables": json.dumps(variables),
        "t:variables": json.dumps({"name": "Bee", "mark": "%recipient.mark%"}),
    }
    done(send(client, name, "", **data))
    assert server.mail(marks["a@example.net"])["Subject"] == "Ann, Bee"
    for each, mark in marks.items():
        assert html(server, mark) == f"<p>{mark} &amp; Bee for <b>{each[0]}</b></p>"
        text = server.mail(mark).get_body(("plain",))
        assert text is not None
        assert "%recipient" not in text.get_content()


def test_templates_and_versions_are_listed_by_pages(server: VendorsServer, client: Any) -> None:
    names = [token() for _ in range(3)]
    for each in names:
        done(create(client, each))

    def page(**filters: Any) -> tuple[list[str], dict[str, str]]:
        answer = done(client.templates.get(domain=DOMAIN, filters={"limit": 2, **filters}))
        return [each["name"] for each in answer["items"]], answer["paging"]

    shown, paging = page(page="last")
    assert shown == names[1:]
    assert {*paging} == {"first", "last", "next", "previous"}
    assert f"/v3/{DOMAIN}/templates?page=previous&p={names[1]}" in paging["previous"]
    assert page(page="next", p=names[0])[0] == names[1:]
    assert page(page="next", p=names[2])[0] == []
    assert page(page="previous", p=names[2])[0] == names[:2]
    active = client.templates.get(domain=DOMAIN, filters={"page": "last", "active": "yes"})
    assert done(active)["items"][-1]["version"]["template"] == HTML
    for given in ({"limit": 101}, {"page": "x"}, {"p": "nonesuch"}, {"skip": 1}):
        answer = client.templates.get(domain=DOMAIN, filters=given)
        assert (answer.status_code, next(iter(given)) in answer.json()["message"]) == (400, True)


def test_all_of_a_tenants_own_are_removed_and_others_stay(
    server: VendorsServer, client: Any, api: ApiClient
) -> None:
    stays = token()
    kept = {"parts": {"subject": "s", "text": "{{mark}}"}, "syntax": "mustache", "publish": True}
    api.right("POST", "/v1/templates", {"alias": stays, "version": kept})
    # Versions that our own API made are known by their numbers
    assert done(version(client, "get", stays, "1"))["template"]["version"]["template"] == "{{mark}}"
    mark = token()
    done(send(client, stays, mark, **{"t:version": "1"}))
    server.mail(mark)
    goes = [token(), token()]
    done(create(client, goes[0]))
    done(client.account_templates.create(data={"name": goes[1]}))
    assert get(client, goes[1])["name"] == goes[1]
    assert done(client.templates.delete(domain=DOMAIN)) == {
        "message": "templates have been deleted"
    }
    for name, status in ((stays, 200), (goes[0], 404), (goes[1], 404)):
        answer = client.templates.get(domain=DOMAIN, template_name=name)
        assert answer.status_code == status


def test_what_is_wrong_with_a_template_is_said(server: VendorsServer, client: Any) -> None:
    for given, words in (
        ({"name": ""}, "name parameter is missing"),
        ({"name": "a b"}, "name: 1 to 100 letters"),
        ({"template": "<p>\n{{#if (x)}}"}, "template: line 2, column 8: the helper 'x'"),
        ({"headers": '{"Subject": "{{#if"}'}, "headers.Subject: line 1"),
        ({"headers": '{"From": "a@b.example"}'}, "headers.From: is not supported"),
        ({"headers": "x"}, "headers: is no JSON object"),
        ({"engine": "go"}, "engine: is not supported"),
        ({"createdBy": "me"}, "createdBy: is not supported"),
        ({"mjml": "<mjml>"}, "mjml: is not supported"),
        ({"template": "%unsubscribe_url%"}, "template: is not supported"),
        ({"tag": "a b"}, "tag: 1 to 100 letters"),
        ({"description": "x" * 201}, "description: at most 200"),
        ({"comment": "x" * 2001}, "comment: at most 2000"),
        ({"template": "", "tag": "x"}, "tag: is of a version"),
        ({"other": "x"}, "other is no field"),
    ):
        found = refused(create(client, **{"name": token(), **given}))
        assert (found[0], words in found[1]) == (400, True), found
    name = token()
    done(create(client, name))
    assert refused(create(client, name)) == (409, f"there is a template '{name}' already")
    for data, words in (
        ({"tag": "x"}, "template parameter is missing"),
        ({"template": "x"}, "tag parameter is missing"),
        ({"template": "x", "tag": "x", "active": "perhaps"}, "active is"),
    ):
        found = refused(version(client, "create", name, data=data))
        assert (found[0], words.partition(" ")[0] in found[1]) == (400, True), found
    assert refused(version(client, "put", name, "nonesuch", data={"comment": "x"}))[0] == 404
    other = client.templates.get(domain=OTHER_DOMAIN)
    assert other.status_code == 404
    with mailgun_client.Client(auth=("api", server.reading_key), api_url=server.url) as reader:
        assert reader.templates.get(domain=DOMAIN).status_code == 403


def test_templates_as_node_keeps_them(server: VendorsServer) -> None:
    name, mark = token(), token()

    def call(method: str, *given: Any) -> list[Any]:
        return [f"domains.domainTemplates.{method}", DOMAIN, *given]

    whole = {
        "name": name,
        "description": "From node",
        "template": "<b>{{mark}}</b>",
        "headers": {"Subject": "Hi"},
    }
    message = {
        "from": SENDER,
        "to": ["b@example.net"],
        "template": name,
        "t:version": "v2",
        "t:variables": json.dumps({"name": "Bee", "mark": mark}),
    }
    made, found, added, versions, changed, one, sent, listed, updated = server.node(
        "mailgun.mjs",
        calls=[
            call("create", whole),
            call("get", name, {"active": "yes"}),
            call("createVersion", name, {"template": "{{mark}}", "tag": "v2", "headers": SUBJECT}),
            call("listVersions", name, {"limit": 1}),
            call("updateVersion", name, "v2", {"template": "<u>{{mark}}</u>", "active": "yes"}),
            call("getVersion", name, "v2"),
            ["package", DOMAIN, message],
            call("list", {"page": "?page=last", "limit": 1}),
            call("update", name, {"description": "Changed"}),
        ],
    )
    assert made["answer"]["version"]["tag"] == "initial"
    assert found["answer"]["version"]["template"] == "<b>{{mark}}</b>"
    assert found["answer"]["version"]["headers"] == {"Subject": "Hi"}
    assert added["answer"]["template"]["version"]["tag"] == "v2"
    (shown,) = versions["answer"]["template"]["versions"]
    assert (shown["tag"], versions["answer"]["pages"]["next"]["page"]) == (
        "initial",
        "?page=next&p=initial&limit=1",
    )
    assert changed["answer"]["templateVersion"] == {"tag": "v2"}
    assert one["answer"]["version"]["active"] is True
    assert sent["answer"]["message"] == "Queued. Thank you."
    assert html(server, mark) == f"<u>{mark}</u>"
    assert [each["name"] for each in listed["answer"]["items"]] == [name]
    assert updated["answer"]["templateName"] == name
    deleted, gone, missing, every = server.node(
        "mailgun.mjs",
        calls=[
            call("destroyVersion", name, "initial"),
            call("destroy", name),
            call("get", name),
            call("destroyAll"),
        ],
    )
    assert deleted["answer"]["message"] == "version has been deleted"
    assert gone["answer"]["templateName"] == name
    assert missing["status"] == 404
    assert every["answer"]["message"] == "templates have been deleted"
