"""An OpenAPI document read for people: what the page and docs/api.md say of types and operations."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_REF = "#/components/schemas/"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    path: str
    told: Mapping[str, Any]  # as the document has it

    @property
    def tag(self) -> str:
        return str(self.told["tags"][0])


class Field(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: str
    required: bool
    text: str


def operations_of(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield Operation(method=method.upper(), path=path, told=told)


def fields_of(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(
            name=name,
            type=type_text(each),
            required=name in required,
            text=str(each.get("description", "")),
        )
        for name, each in schema.get("properties", {}).items()
    ]


def parameters_of(operation: Operation) -> list[Field]:
    return [
        Field(
            name=each["name"],
            type=type_text(each["schema"]),
            required=each["required"],
            text=str(each.get("description", "")),
        )
        for each in operation.told.get("parameters", ())
    ]


def body_of(told: Mapping[str, Any]) -> str:
    """Return of what type a request or an answer is; "": it has no body."""
    for media_type, content in told.get("content", {}).items():
        return type_text(content["schema"]) if "json" in media_type else str(media_type)
    return ""


def type_text(schema: Mapping[str, Any]) -> str:
    """Return a type in words, as ``array of KeyShown``."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"] if each is not None)
    if "anyOf" in schema:
        nothing = ({"type": "null"}, {"type": "string", "maxLength": 0})
        texts = [type_text(each) for each in schema["anyOf"] if each not in nothing]
        return " or ".join(dict.fromkeys(each for each in texts if each != "Empty"))
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"array of {type_text(schema.get('items', {}))}"
    if kind == "object":
        return "object"
    return str(schema.get("format", kind))
