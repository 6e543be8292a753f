"""Mirrors angarium/api/reference/document.py, comments.py, reading.py, page.py and markdown.py."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Body, Route
from angarium.api.reference import markdown, page
from angarium.api.reference.comments import field_comments
from angarium.api.reference.document import Json, describe


class Base(msgspec.Struct, rename="camel"):
    """Not told."""

    first_name: str  # of the person


class Wish(Base, forbid_unknown_fields=True):
    # how many,
    # at most
    how_many: Annotated[int, Meta(ge=1)] = 1
    tags: Mapping[str, str] | None = None  # <b>


class Query(msgspec.Struct):
    limit: int = 5  # of a page
    until: int | None = None


class Made(msgspec.Struct):
    """What was made."""

    wish: Wish


async def handler(_: web.Request) -> web.Response:
    raise NotImplementedError


ROUTES = (
    Route(
        method="POST",
        path="/v1/wishes/{name:[a-z]+}",
        handler=handler,
        summary="Make a <wish>.",
        scope="emails:send",
        query=Query,
        request=Wish,
        answers={201: Made},
    ),
    Route(method="POST", path="/wishes/{name:[a-z]+}", handler=handler, summary="x"),
    Route(
        method="GET",
        path="/v1/file",
        handler=handler,
        summary="A file.",
        is_open=True,
        answers={200: Body(media_type="text/csv")},
    ),
    Route(method="GET", path="/v1/hidden", handler=handler),
)


def operation() -> Json:
    found: Json = describe(ROUTES)["paths"]["/v1/wishes/{name}"]["post"]
    return found


def test_comments_above_and_behind_a_field_are_its_words() -> None:
    assert field_comments(Wish) == {
        "first_name": "of the person",
        "how_many": "how many, at most",
        "tags": "<b>",
    }


def test_an_operation_has_its_parameters_body_and_answers() -> None:
    told = operation()
    assert told["operationId"] == "postV1WishesName"
    assert (told["x-scope"], told["tags"]) == ("emails:send", ["wishes"])
    assert [(each["name"], each["in"]) for each in told["parameters"]] == [
        ("name", "path"),
        ("limit", "query"),
        ("until", "query"),
        ("Idempotency-Key", "header"),
    ]
    assert told["parameters"][1]["description"] == "of a page"
    empty = {"type": "string", "maxLength": 0}
    assert told["parameters"][1]["schema"] == {"anyOf": [{"type": "integer"}, empty], "default": 5}
    assert told["parameters"][2]["schema"] == {"anyOf": [{"type": "integer"}, empty]}
    reference = {"$ref": "#/components/schemas/Wish"}
    assert told["requestBody"]["content"] == {"application/json": {"schema": reference}}
    assert told["responses"]["201"]["description"] == "What was made."
    assert {"400", "401", "403", "404", "409", "413", "415", "422", "429"} <= set(told["responses"])


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    names: tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=9)], ...] = ()
    numbers: tuple[int, ...] = ()
    kind: Literal["a"] | None = None
    cursor: Annotated[str, msgspec.Meta(pattern="^[a-z]*$")] = ""


def test_a_parameter_may_be_empty_and_one_value_is_a_list() -> None:
    route = Route(method="GET", path="/x", handler=handler, summary="List.", query=Searched)
    found = describe([route])["paths"]["/x"]["get"]["parameters"]
    schemas = {each["name"]: each["schema"] for each in found}
    assert json.loads(json.dumps(schemas["names"])) == {
        "type": "array",
        "items": {"type": "string", "maxLength": 9},
        "default": [],
    }
    empty = {"type": "string", "maxLength": 0}
    assert schemas["numbers"]["items"] == {"anyOf": [{"type": "integer"}, empty]}
    assert schemas["kind"] == {"anyOf": [{"enum": ["a"]}, empty]}
    assert schemas["cursor"] == {"type": "string", "pattern": "^[a-z]*$", "default": ""}


def test_what_is_optional_may_be_empty_and_what_is_required_may_not() -> None:
    schema = describe(ROUTES)["components"]["schemas"]["Wish"]
    assert schema["required"] == ["firstName"]
    assert schema["properties"]["firstName"] == {"type": "string", "description": "of the person"}
    many = schema["properties"]["howMany"]
    assert {"$ref": "#/components/schemas/Empty"} in many["anyOf"]
    assert (many["default"], many["description"]) == (1, "how many, at most")
    assert "description" not in schema


def test_a_path_without_its_beginning_is_the_same() -> None:
    told = describe(ROUTES)["paths"]["/wishes/{name}"]["post"]
    assert told["summary"] == "The same as POST /v1/wishes/{name}."


def test_an_open_route_asks_for_no_key_and_a_hidden_one_is_not_told() -> None:
    paths = describe(ROUTES)["paths"]
    assert paths["/v1/file"]["get"]["security"] == []
    assert "401" not in paths["/v1/file"]["get"]["responses"]
    assert "/v1/hidden" not in paths


def test_pages_and_lists_say_it_to_people_c7() -> None:
    """C7: what the document has is no markup of the page."""
    document: dict[str, Any] = describe(ROUTES)
    told = page.render(document)
    assert "Make a &lt;wish&gt;." in told
    assert "<wish>" not in told
    assert "&lt;b&gt;" in told
    assert '<a href="#type-Made">Made</a>' in told
    listed = markdown.render(document)
    assert "**`POST /v1/wishes/{name}`** Make a <wish>. Scope `emails:send`." in listed
    assert "- Takes Wish, answers 201 Made" in listed
