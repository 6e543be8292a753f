"""Templates as Postmark's official clients keep them: they count at once, in their layouts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from postmark import ServerClient
from postmark.exceptions import PostmarkAPIException

from tests.api.compat.sdks.vendors_server import SENDER, VendorsServer
from tests.e2e.product import token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def ask(server: VendorsServer, call: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with ServerClient(server.key, base_url=server.url) as client:
            return await call(client)

    return asyncio.run(run())


def template(**changes: Any) -> dict[str, Any]:
    return {
        "Name": f"Order sent {token()}",
        "Subject": "Hi {{name}}",
        "HtmlBody": "<p>{{mark}}: {{#each items}}{{title}} {{/each}}</p>",
        "TextBody": "{{mark}}",
        **changes,
    }


def send(server: VendorsServer, mark: str, **named: Any) -> Any:
    model = {"name": "Bee", "mark": mark, "items": [{"title": "Tea"}, {"title": "Honey"}]}
    message = {"From": SENDER, "To": "b@example.net", "TemplateModel": model, **named}
    (answer,) = server.node("postmark.mjs", calls=[["sendEmailWithTemplate", message]])
    return answer


def refused(server: VendorsServer, call: Callable[[Any], Awaitable[Any]]) -> tuple[Any, str]:
    with pytest.raises(PostmarkAPIException) as caught:
        ask(server, call)
    return caught.value.error_code, str(caught.value)


def test_a_template_is_made_sent_edited_and_deleted(server: VendorsServer) -> None:
    made = ask(server, lambda client: client.templates.create(template()))
    assert (made.active, made.template_type.value, made.layout_template) == (
        True,
        "Standard",
        None,
    )
    id_, first, second = made.template_id, token(), token()
    assert send(server, first, TemplateId=id_)["data"]["ErrorCode"] == 0
    mail = server.mail(first)
    assert mail["Subject"] == "Hi Bee"
    html: Any = mail.get_body(("html",))
    assert f"<p>{first}: Tea Honey </p>" in html.get_content()
    alias = token()
    change = {"Subject": "Bye {{name}}", "Alias": alias}
    changed = ask(server, lambda client: client.templates.edit(id_, change))
    assert (changed.template_id, changed.alias) == (id_, alias)
    found = ask(server, lambda client: client.templates.get(alias))
    assert (found.template_id, found.subject) == (id_, "Bye {{name}}")
    assert found.html_body == template()["HtmlBody"]
    assert send(server, second, TemplateAlias=alias)["data"]["ErrorCode"] == 0
    assert server.mail(second)["Subject"] == "Bye Bee"
    assert ask(server, lambda client: client.templates.delete(id_)).error_code == 0
    assert refused(server, lambda client: client.templates.get(id_))[0] == 1101
    assert send(server, token(), TemplateId=id_)["code"] == 1101


def test_a_layout_is_around_what_names_it(server: VendorsServer) -> None:
    name, mark = token(), token()
    layout = {
        "Name": "Frame",
        "Alias": name,
        "TemplateType": "Layout",
        "HtmlBody": "<main>{{{ @content }}}</main>",
        "TextBody": "-- {{{ @content }}} --",
    }
    made = ask(server, lambda client: client.templates.create(layout))
    mail = ask(server, lambda client: client.templates.create(template(LayoutTemplate=name)))
    assert (made.template_type.value, mail.layout_template) == ("Layout", name)
    send(server, mark, TemplateId=mail.template_id)
    html: Any = server.mail(mark).get_body(("html",))
    assert f"<main><p>{mark}: Tea Honey </p></main>" in html.get_content()
    listed = server.node("postmark.mjs", calls=[["getTemplates", {"layoutTemplate": name}]])
    assert [each["TemplateId"] for each in listed[0]["data"]["Templates"]] == [mail.template_id]
    page = ask(server, lambda client: client.templates.list(count=1))
    assert (page.items[0].template_id, page.total > 1) == (mail.template_id, True)
    (layouts,) = server.node("postmark.mjs", calls=[["getTemplates", {"templateType": "Layout"}]])
    assert {each["TemplateType"] for each in layouts["data"]["Templates"]} == {"Layout"}
    used = refused(server, lambda client: client.templates.delete(name))
    assert (used[0], mail.alias in used[1]) == (300, True)


def test_content_is_looked_at_before_it_is_saved(server: VendorsServer) -> None:
    content = {**template(), "TestRenderModel": {"name": "Bee"}}
    del content["Name"]
    found = ask(server, lambda client: client.templates.validate(content))
    assert found.all_content_is_valid, found
    assert found.subject.rendered_content == "Hi Bee"
    assert found.html_body.rendered_content == "<p>: </p>"  # no text is gone through
    assert found.suggested_template_model["mark"] == "mark_Value"
    short = {"TextBody": "{{mark}} {{name}}", "TestRenderModel": {"name": "Bee"}}
    found = ask(server, lambda client: client.templates.validate(short))
    assert found.text_body.rendered_content == "mark_Value Bee"
    wrong = {"Subject": "fine", "HtmlBody": "<p>\n{{#each x}}"}
    found = ask(server, lambda client: client.templates.validate(wrong))
    assert (found.all_content_is_valid, found.subject.content_is_valid) == (False, True)
    (error,) = found.html_body.validation_errors
    assert (error.line, error.character_position) == (2, 1)


def test_what_is_wrong_with_a_template_is_said(server: VendorsServer) -> None:
    alias = token()
    ask(server, lambda client: client.templates.create(template(Alias=alias)))
    for wrong, words in (
        (template(Alias=alias), "already"),
        (template(Subject=None), "Subject"),
        (template(HtmlBody="{{#each x}}"), "HtmlBody: line 1, column 1"),
        (template(HtmlBody=None, TextBody=None), "HtmlBody"),
        (template(LayoutTemplate="none"), "LayoutTemplate: "),
        (template(TemplateType="Layout"), "Subject: a layout has none"),
    ):
        code, text = refused(server, lambda client, wrong=wrong: client.templates.create(wrong))
        assert (code, words in text) == (300, True), text
    assert refused(server, lambda client: client.templates.edit(7, {"Name": "x"}))[0] == 1101


def test_templates_as_node_keeps_them(server: VendorsServer) -> None:
    alias = token()
    made, shown, edited, checked, removed, gone = server.node(
        "postmark.mjs",
        calls=[
            ["createTemplate", template(Alias=alias)],
            ["getTemplate", alias],
            ["editTemplate", alias, {"Name": "Renamed"}],
            ["validateTemplate", {"Subject": "{{x}}", "TestRenderModel": {"x": "y"}}],
            ["deleteTemplate", alias],
            ["getTemplate", alias],
        ],
    )
    assert shown["data"]["TemplateId"] == made["data"]["TemplateId"]
    assert (edited["data"]["Name"], shown["data"]["Subject"]) == ("Renamed", "Hi {{name}}")
    assert checked["data"]["Subject"]["RenderedContent"] == "y"
    assert removed["data"]["ErrorCode"] == 0
    assert (gone["code"], gone["statusCode"]) == (1101, 422)
