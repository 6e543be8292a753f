"""Templates of a running server: mirrors angarium/api/native/templates.py, template_versions.py, template_trials.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from angarium.client import ApiError, Client, Parts, TemplateSource
from tests.e2e.api_client import ApiClient
from tests.e2e.product import Product
from tests.e2e.recording_sink import RecordingSink, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
PATH = "/v1/templates"
LAYOUT = "<html><body>{% block content %}{% endblock %}<p>Shop Inc.</p></body></html>"


class Site(Product):
    def __init__(self, folder: Path, sink: int) -> None:
        super().__init__(folder, sink=sink)
        self.postmaster("domain", "add", "shop.example", "--assume-verified")
        made = self.postmaster("key", "create", "--scopes", "*,tenants", "--json")
        self.key = json.loads(made)["key"]
        self.owner = ApiClient(self.http, self.key)

    def client(self, *scopes: str, tenant: str = "default") -> ApiClient:
        body = {"scopes": list(scopes), "tenant": tenant}
        return ApiClient(self.http, self.owner.right("POST", "/v1/keys", body)["key"])

    def made(self, alias: str, html: str, *, publish: bool = True, **more: Any) -> Any:
        version = {"parts": {"subject": "s", "html": html}, "publish": publish}
        body = {"alias": alias, "version": version, **more}
        return self.owner.right("POST", PATH, body)


@pytest.fixture(scope="module")
def sink() -> Iterator[RecordingSink]:
    with RecordingSink() as started:
        yield started


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sink: RecordingSink) -> Iterator[Site]:
    started = Site(tmp_path_factory.mktemp("templates"), sink.port)
    try:
        yield started
        started.assert_clean()
    finally:
        started.kill()


def test_a_template_is_made_shown_changed_and_forgotten(site: Site) -> None:
    asked = {"alias": "First", "name": "The first", "kind": "mail"}
    made = site.owner.right("POST", PATH, asked)
    assert {name: made[name] for name in asked} == asked
    assert (made["publishedVersion"], made["newestVersion"], made["version"]) == (None, None, None)
    for name in ("First", made["id"], made["id"].upper()):
        shown = site.owner.right("GET", f"{PATH}/{name}")
        assert shown == {key: value for key, value in made.items() if key != "version"}
    again = site.owner.ask("POST", PATH, asked)
    assert again.fault == (409, "CONFLICT", "alias")
    changed = site.owner.right("PATCH", f"{PATH}/First", {"alias": "second"})
    assert (changed["alias"], changed["name"]) == ("second", "The first")
    assert site.owner.ask("GET", f"{PATH}/First").fault == (404, "NOT_FOUND", "")
    assert site.owner.right("DELETE", f"{PATH}/second")["id"] == made["id"]
    assert site.owner.ask("DELETE", f"{PATH}/second").status == 404


def test_versions_are_saved_changed_published_and_rolled_back(site: Site) -> None:
    made = site.made("course", "<p>{{ name }}</p>", publish=False)
    first = made["version"]
    assert (first["version"], first["state"], first["usedVariables"]) == (1, "draft", ["name"])
    assert first["author"].startswith("key ")
    one = f"{PATH}/course/versions"
    body = {"parts": {"subject": "t", "html": "<b>{{ name }}</b>"}, "sample": {"name": "Ann"}}
    changed = site.owner.right("PATCH", f"{one}/1", {**body, "comment": "bold"})
    assert (changed["parts"]["html"], changed["comment"]) == ("<b>{{ name }}</b>", "bold")
    assert changed["sample"] == {"name": "Ann"}
    published = site.owner.right("POST", f"{one}/1/publish")
    assert (published["state"], published["renewed"]) == ("published", [])
    fixed = site.owner.ask("PATCH", f"{one}/1", {"comment": "x"})
    assert fixed.fault == (409, "CONFLICT", "version")
    for number in (2, 3):
        version = {"parts": {"text": f"number {number}"}, "publish": True}
        assert site.owner.right("POST", one, version)["version"] == number
    heads = site.owner.all_of(one, "versions")
    assert [(each["version"], each["state"]) for each in heads] == [
        (3, "published"),
        (2, "retired"),
        (1, "retired"),
    ]
    assert site.owner.right("POST", f"{PATH}/course/rollback")["version"] == 2
    assert site.owner.right("POST", f"{PATH}/course/rollback", {"version": 1})["version"] == 1
    assert site.owner.right("GET", f"{PATH}/course")["publishedVersion"] == 1
    shown = site.owner.right("GET", f"{one}/1")
    assert (shown["parts"], shown["defaultLocale"]) == (changed["parts"], "en")
    assert site.owner.right("DELETE", f"{one}/3")["version"] == 3
    for number in ("3", "0", "x", "9" * 30):
        assert site.owner.ask("GET", f"{one}/{number}").status == 404
    actions = [
        each["action"]
        for each in site.owner.all_of("/v1/audit", "entries")
        if each["subject"] == made["id"]
    ]
    assert actions.count("template.published") == 3
    assert actions.count("template.rolled_back") == 2


@pytest.mark.parametrize(
    ("version", "field", "line"),
    [
        ({"parts": {"subject": "ok", "html": "a\n  {{ x"}}, "parts.html", 2),
        ({"parts": {"subject": "{% if %}", "text": "x"}}, "parts.subject", 1),
        (
            {"parts": {"text": "x"}, "locales": {"de": {"text": "\n\n{% for %}"}}},
            "locales.de.text",
            3,
        ),
        ({"parts": {"text": "\n{% include 'nothing' %}"}}, "parts.text", 2),
        ({"parts": {"text": "{{#each"}, "syntax": "mustache"}, "parts.text", 1),
        ({"parts": {"subject": "alone"}}, "parts", None),
        ({"parts": {"text": "x"}, "layout": "nothing"}, "layout", None),
        ({"parts": {"text": "x"}, "variables": {"a": {"typ": "string"}}}, "variables.a.typ", None),
        ({"parts": {"text": "x", "htm": "y"}}, "parts.htm", None),
        ({"comment": "x"}, "parts", None),
    ],
)
def test_what_is_wrong_is_refused_at_its_place_and_nothing_is_kept(
    site: Site, version: dict[str, Any], field: str, line: int | None
) -> None:
    reply = site.owner.ask("POST", PATH, {"alias": "wrong", "version": version})
    assert reply.fault == (400, "VALIDATION_ERROR", f"version.{field}"), reply.json
    assert reply.json["details"].get("line") == line
    assert site.owner.ask("GET", f"{PATH}/wrong").status == 404


def test_a_layout_that_is_published_takes_effect_at_once(site: Site) -> None:
    site.made("base", LAYOUT, kind="layout")
    site.made("inside", '{% extends "base" %}{% block content %}<p>Hi</p>{% endblock %}')
    assert "Shop Inc." in site.owner.right("POST", f"{PATH}/inside/preview")["html"]
    newer = {"parts": {"html": LAYOUT.replace("Shop Inc.", "Shop & Co.")}}
    saved = site.owner.right("POST", f"{PATH}/base/versions", newer)
    assert "Shop Inc." in site.owner.right("POST", f"{PATH}/inside/preview")["html"]
    number = saved["version"]
    published = site.owner.right("POST", f"{PATH}/base/versions/{number}/publish")
    assert published["renewed"] == ["inside"]
    assert "Shop & Co." in site.owner.right("POST", f"{PATH}/inside/preview")["html"]
    refused = site.owner.ask("DELETE", f"{PATH}/base")
    assert refused.fault == (409, "CONFLICT", "")
    assert "inside uses it" in refused.json["message"]


def test_a_preview_is_the_mail_as_it_is_sent(site: Site) -> None:
    version = {
        "parts": {
            "subject": "Hello {{ name }}",
            "preheader": "News for {{ name }}",
            "html": "<style>p { color: red }</style><p>Dear {{ name }}</p>",
        },
        "locales": {"de": {"subject": "Hallo {{ name }}", "html": "<p>Liebe {{ name }}</p>"}},
        "sample": {"name": "A & B"},
    }
    site.owner.right("POST", PATH, {"alias": "seen", "version": version})
    path = f"{PATH}/seen/preview"
    seen = site.owner.right("POST", path)
    assert (seen["version"], seen["state"], seen["locale"]) == (1, "draft", "en")
    assert (seen["subject"], seen["preheader"]) == ("Hello A & B", "News for A & B")
    assert '<p style="color: red;">Dear A &amp; B</p>' in seen["html"]
    assert "News for A &amp; B" in seen["html"]
    assert seen["text"].strip() == "Dear A & B"
    assert seen["size"] > len(seen["html"])
    german = site.owner.right("POST", path, {"locale": "de-AT", "data": {"name": "Eva"}})
    assert (german["subject"], german["locale"]) == ("Hallo Eva", "de")
    missing = site.owner.ask("POST", path, {"data": {"nam": "x"}})
    assert missing.fault == (400, "VALIDATION_ERROR", "data.name")
    assert site.owner.ask("POST", path, {"version": 9}).fault == (404, "NOT_FOUND", "version")


def test_the_difference_of_two_versions_is_shown(site: Site) -> None:
    site.made("differs", "one\ntwo\n")
    newer = {"parts": {"subject": "s", "html": "one\nthree\n"}, "missing": "lenient"}
    site.owner.right("POST", f"{PATH}/differs/versions", newer)
    found = site.owner.right("GET", f"{PATH}/differs/difference")
    assert (found["from"], found["to"]) == (1, 2)
    assert found["settings"] == ['missing: "strict" -> "lenient"']
    (part,) = found["parts"]
    assert (part["locale"], part["part"]) == ("en", "html")
    assert {"-two", "+three"} <= set(part["lines"])
    assert "-two\n+three\n" in found["text"]
    same = site.owner.right("GET", f"{PATH}/differs/difference?from=2&to=2")
    assert (same["settings"], same["parts"], same["text"]) == ([], [], "")
    assert site.owner.ask("GET", f"{PATH}/differs/difference?from=7").status == 404


def test_a_copy_is_a_draft(site: Site) -> None:
    site.made("origin", "x")
    copied = site.owner.right("POST", f"{PATH}/origin/copy", {"alias": "copied"})
    assert (copied["publishedVersion"], copied["version"]["state"]) == (None, "draft")
    assert copied["version"]["parts"]["html"] == "x"


def test_lists_have_pages_and_kinds(site: Site) -> None:
    for alias in ("list-a", "list-b", "list-c"):
        site.made(alias, "x", kind="partial" if alias == "list-b" else "mail")
    aliases = [each["alias"] for each in site.owner.all_of(PATH, "templates")]
    assert aliases == sorted(aliases)
    assert {"list-a", "list-b", "list-c"} <= set(aliases)
    partials = site.owner.all_of(f"{PATH}?kind=partial", "templates")
    assert [each["alias"] for each in partials] == ["list-b"]
    assert site.owner.ask("GET", f"{PATH}?kind=fax").fault == (400, "VALIDATION_ERROR", "kind")


def test_templates_are_their_tenants_and_need_the_scope_p7(site: Site) -> None:
    made = site.made("ours", "x")
    site.owner.right("POST", "/v1/tenants", {"name": "shop"})
    other = site.client("*", tenant="shop")
    for name in ("ours", made["id"]):
        assert other.ask("GET", f"{PATH}/{name}").status == 404
        assert other.ask("POST", f"{PATH}/{name}/versions/1/publish").status == 404
        assert other.ask("POST", f"{PATH}/{name}/preview").status == 404
    assert other.right("GET", PATH)["templates"] == []
    assert other.ask("GET", f"{PATH}?tenant=default").status == 403
    theirs = site.owner.right("POST", PATH, {"alias": "ours", "tenant": "shop"})
    assert [each["id"] for each in other.right("GET", PATH)["templates"]] == [theirs["id"]]
    reader = site.client("templates:read")
    assert reader.right("POST", f"{PATH}/ours/preview")["html"].startswith("x")
    for method, path, body in (
        ("POST", PATH, {"alias": "no"}),
        ("PATCH", f"{PATH}/ours", {"name": "no"}),
        ("POST", f"{PATH}/ours/versions", {"parts": {"text": "x"}}),
        ("POST", f"{PATH}/ours/versions/1/publish", None),
        ("DELETE", f"{PATH}/ours", None),
        ("POST", f"{PATH}/ours/test", {"from": "a@shop.example", "to": ["b@sink.example"]}),
    ):
        assert reader.ask(method, path, body).fault == (403, "FORBIDDEN", "")
    assert site.client("emails").ask("GET", PATH).status == 403


def test_a_test_goes_to_who_is_to_look_at_it(site: Site, sink: RecordingSink) -> None:
    version = {
        "parts": {"subject": "Trial for {{ name }}", "html": "<p>Dear {{ name }}</p>"},
        "sample": {"name": "Ann"},
    }
    site.owner.right("POST", PATH, {"alias": "trial", "version": version})
    asked = {"from": "Shop <post@shop.example>", "to": ["one@sink.example", "two@sink.example"]}
    sent = site.owner.right("POST", f"{PATH}/trial/test", asked)
    assert sent["messageId"].endswith("@shop.example>")

    def texts() -> list[str]:
        return [each.content.decode() for each in sink.taken if b"Trial for" in each.content]

    wait_until(lambda: len(texts()) == 1)
    (text,) = texts()
    assert "Subject: Trial for Ann" in text
    assert "Dear Ann" in text
    refused = site.owner.ask("POST", f"{PATH}/trial/test", {**asked, "from": "a@other.example"})
    assert refused.fault == (403, "DOMAIN_NOT_VERIFIED", "from")
    wrong = site.owner.ask("POST", f"{PATH}/trial/test", {**asked, "to": ["@"]})
    assert wrong.fault == (400, "VALIDATION_ERROR", "to[0]")
    wrong = site.owner.ask("POST", f"{PATH}/trial/test", {**asked, "to": "@"})
    assert wrong.fault == (400, "VALIDATION_ERROR", "to")
    site.owner.right("POST", f"{PATH}/trial/test", {**asked, "to": "three@sink.example"})
    wait_until(lambda: len(texts()) == 2)
    words = ("--from", "post@shop.example", "--to", "one@sink.example", "--key-stdin")
    api = f"http://127.0.0.1:{site.http}"
    site.postmaster("template", "test", "trial", *words, "--api", api, input_=site.key)
    wait_until(lambda: len(texts()) == 3)


def test_a_command_sees_what_the_server_has_and_the_server_what_a_command_did(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "hello"
    folder.mkdir()
    (folder / "subject.txt").write_text("Hello {{ name }}\n")
    (folder / "body.html").write_text("<p>Hello {{ name }}</p>\n")
    (folder / "sample.json").write_text('{"name": "Ann"}')
    site.postmaster("template", "create", "commanded", str(folder), "--publish")
    assert site.owner.right("POST", f"{PATH}/commanded/preview")["subject"] == "Hello Ann"
    site.owner.right("POST", f"{PATH}/commanded/versions", {"parts": {"text": "new"}})
    listed = json.loads(site.postmaster("template", "show", "commanded", "--json"))
    assert [each["version"] for each in listed["versions"]] == [2, 1]


def test_the_client_manages_templates(site: Site) -> None:
    source = TemplateSource(parts=Parts(subject="Hi", html="<p>{{ x }}</p>"), sample={"x": 1})
    with Client(f"http://127.0.0.1:{site.http}", site.key) as client:
        made = client.create_template("by-client", source)
        assert client.publish_template("by-client", 1).state == "published"
        assert client.template(made.id).published_version == 1
        assert "by-client" in [each.alias for each in client.templates()]
        assert (client.preview_template("by-client", {"x": "two"}).text or "").strip() == "two"
        with pytest.raises(ApiError) as caught:
            client.save_template("by-client", TemplateSource(parts=Parts(html="\n{{")))
        assert (caught.value.field, caught.value.line) == ("parts.html", 2)
        assert [each.state for each in client.template_versions("by-client")] == ["published"]
        assert client.delete_template("by-client").id == made.id
