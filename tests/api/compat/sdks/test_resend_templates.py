"""Templates as Resend's official clients keep them: written, published, and sent by."""

from typing import Any

import pytest
import resend
from resend.exceptions import ResendError

from tests.api.compat.sdks.vendors_server import SENDER, VendorsServer
from tests.e2e.product import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(autouse=True)
def client(server: VendorsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "api_url", server.url)
    monkeypatch.setattr(resend, "api_key", server.key)


def template(**changes: Any) -> Any:
    return {
        "name": f"Order sent {token()}",
        "subject": "Order {{{ORDER}}}",
        "html": "<p>{{{MARK}}} for {{{WHO|you}}}</p>",
        "variables": [
            {"key": "ORDER", "type": "number", "fallback_value": 0},
            {"key": "MARK", "type": "string"},
        ],
        **changes,
    }


def send(id_: str, mark: str, **variables: Any) -> Any:
    use: Any = {"id": id_, "variables": {"MARK": mark, **variables}}
    return resend.Emails.send({"from": SENDER, "to": ["b@example.net"], "template": use})


def refused(call: Any, *given: Any) -> tuple[Any, str, str]:
    with pytest.raises(ResendError) as caught:
        call(*given)
    return caught.value.code, caught.value.error_type, str(caught.value)


def test_a_template_is_made_published_and_sent(server: VendorsServer) -> None:
    alias, mark = token(), token()
    made = resend.Templates.create(template(alias=alias))
    assert made["object"] == "template"
    found: Any = resend.Templates.get(made["id"])
    assert (found["id"], found["alias"], found["status"]) == (made["id"], alias, "draft")
    assert (found["published_at"], found["has_unpublished_versions"]) == (None, True)
    assert found["html"] == "<p>{{{MARK}}} for {{{WHO|you}}}</p>"
    assert [(each["key"], each["type"], each["fallback_value"]) for each in found["variables"]] == [
        ("ORDER", "number", 0),
        ("MARK", "string", None),
    ]
    assert refused(send, alias, mark)[:2] == (404, "not_found")  # nothing is published
    assert resend.Templates.publish(alias)["id"] == made["id"]
    found = resend.Templates.get(alias)
    assert (found["status"], found["has_unpublished_versions"]) == ("published", False)
    assert found["published_at"]
    send(made["id"], mark, ORDER=7)
    mail = server.mail(mark)
    assert mail["Subject"] == "Order 7"
    html = mail.get_body(("html",))
    assert html is not None
    assert f"<p>{mark} for you</p>" in html.get_content()


def test_what_is_changed_counts_once_it_is_published(server: VendorsServer) -> None:
    alias = token()
    id_ = resend.Templates.create(template(alias=alias))["id"]
    resend.Templates.publish(id_)
    before: Any = resend.Templates.get(id_)
    resend.Templates.update({"id": alias, "subject": "Another", "name": "Renamed"})
    after: Any = resend.Templates.get(id_)
    assert (after["name"], after["subject"], after["html"]) == (
        "Renamed",
        "Another",
        before["html"],
    )
    assert (after["status"], after["has_unpublished_versions"]) == ("published", True)
    assert after["published_at"] == before["published_at"]
    assert after["current_version_id"] != before["current_version_id"]
    assert after["variables"] != []
    resend.Templates.update({"id": alias, "text": "{{{MARK}}} as text"})  # of the same draft
    again: Any = resend.Templates.get(id_)
    assert again["current_version_id"] == after["current_version_id"]
    assert again["subject"] == "Another"
    first, second = token(), token()
    send(alias, first)
    assert server.mail(first)["Subject"] == "Order 0"
    resend.Templates.publish(id_)
    send(alias, second)
    assert server.mail(second)["Subject"] == "Another"


def test_templates_are_listed_copied_and_removed() -> None:
    ids = [resend.Templates.create(template())["id"] for _ in range(2)]
    original: Any = resend.Templates.get(ids[1])
    copy = resend.Templates.duplicate(original["alias"])["id"]
    found: Any = resend.Templates.get(copy)
    assert (found["html"], found["variables"][0]["key"]) == (original["html"], "ORDER")
    assert (found["name"], found["status"]) == (f"{original['name']} (Copy)", "draft")
    assert found["alias"] == f"{original['alias']}-copy"
    page: Any = resend.Templates.list({"limit": 2})
    assert [each["id"] for each in page["data"]] == [copy, ids[1]]
    assert (page["object"], page["has_more"]) == ("list", True)
    page = resend.Templates.list({"limit": 1, "after": ids[1]})
    assert [each["id"] for each in page["data"]] == [ids[0]]
    assert page["data"][0]["published_at"] is None
    resend.Templates.publish(ids[0])
    page = resend.Templates.list({"limit": 1, "after": ids[1]})
    assert page["data"][0]["published_at"]
    removed = resend.Templates.remove(copy)
    assert (removed["object"], removed["id"], removed["deleted"]) == ("template", copy, True)
    assert refused(resend.Templates.get, copy) == (404, "not_found", "Template not found")
    assert refused(resend.Templates.remove, copy)[:2] == (404, "not_found")


def test_what_is_wrong_with_a_template_is_said() -> None:
    alias = token()
    resend.Templates.create(template(alias=alias))
    for wrong, status, words in (
        (template(name=""), 422, "Missing `name`"),
        (template(html=""), 422, "Missing `html`"),
        (template(html="<p>\n{{#if x}}"), 422, "html: line 2, column 1: "),
        (template(subject="{{#if"), 422, "subject: line 1, column 1: "),
        (template(alias=alias), 422, "already"),
        (template(alias="a b"), 422, "alias: "),
        (template(**{"from": SENDER}), 422, "from: is not supported"),
        (template(variables=[{"key": "A", "type": "date"}]), 422, "variables[0].type"),
        (template(variables=[{"key": "A", "type": "list"}] * 2), 422, "variables[1].key"),
        (template(colour="red"), 422, "colour"),
    ):
        found = refused(resend.Templates.create, wrong)
        assert (found[0], words in found[2]) == (status, True), found
    assert refused(resend.Templates.update, {"id": alias, "html": "{{/if}}"})[0] == 422
    assert refused(resend.Templates.update, {"id": "none", "html": "x"})[0] == 404
    assert refused(resend.Templates.publish, "none")[0] == 404
    assert refused(resend.Templates.duplicate, "none")[0] == 404


def test_templates_as_node_keeps_them(server: VendorsServer) -> None:
    alias, mark = token(), token()
    node = {
        "name": "Node",
        "alias": alias,
        "subject": "Hi",
        "html": "<p>{{{MARK}}}</p>",
        "variables": [{"key": "MARK", "type": "string", "fallbackValue": "none"}],
    }
    made, published, copied, changed, listed, shown, removed = server.node(
        "resend.mjs",
        calls=[
            ["templates.create", node],
            ["templates.publish", alias],
            ["templates.duplicate", alias],
            ["templates.update", alias, {"subject": "Hi again"}],
            ["templates.list", {"limit": 1}],
            ["templates.get", alias],
            ["templates.remove", f"{alias}-copy"],
        ],
    )
    id_ = made["data"]["id"]
    assert published["data"] == changed["data"] == {"object": "template", "id": id_}
    assert copied["data"]["id"] == listed["data"]["data"][0]["id"] == removed["data"]["id"]
    assert shown["data"]["subject"] == "Hi again"
    assert shown["data"]["variables"][0]["fallback_value"] == "none"
    send(alias, mark)
    assert server.mail(mark)["Subject"] == "Hi"
