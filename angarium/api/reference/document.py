"""The OpenAPI 3.1 document of our own dialect, made of its routes and their structs."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args, get_origin

import msgspec

from angarium.api.dialect import Body, Route
from angarium.api.native.answers import STATUSES
from angarium.api.native.wire import MAX_IN_PATH
from angarium.api.reference.comments import field_comments
from angarium.intake.order import FaultKind

Json = dict[str, Any]
VERSION: Final = "1"
JSON: Final = "application/json"
_REF: Final = "#/components/schemas/{name}"
_RESPONSE: Final = "#/components/responses/error{}"
_ERROR: Final = "Error"
# What a schema of text may say that an empty one fulfils, but for the first
_OF_TEXT: Final = frozenset({"minLength", "maxLength", "pattern", "type"})
_VARIABLE: Final = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
# What is as if the field were not there (``json_body``)
EMPTY: Final[Json] = {
    "description": "As if the field were not there.",
    "enum": [None, "", [], {}],
}
_EMPTY: Final = "Empty"
_SECURITY: Final[list[Json]] = [{"key": []}, {"bearer": []}]
_INTRODUCTION: Final = (
    "JSON in camelCase under /v1. Unknown fields are refused by name; what is empty is as if it were not there. Times"
    " are RFC 3339 in UTC, ids are UUIDs. Each list has a cursor. Each answer has X-Request-Id; RateLimit-* headers"
    " say what is left of the key's rate."
)
# Of every request that a key is asked of
_ALWAYS: Final = (
    FaultKind.INVALID,
    FaultKind.NO_KEY,
    FaultKind.NO_SCOPE,
    FaultKind.RATE,
    FaultKind.INTERNAL,
    FaultKind.BUSY,
)
_OF_BODIES: Final = (FaultKind.TOO_LARGE, FaultKind.MEDIA_TYPE)
# What a request names may not be there
_OF_CHANGES: Final = (FaultKind.NOT_FOUND, FaultKind.CONFLICT, FaultKind.DISK_FULL)
_OF_SENDING: Final = (FaultKind.SUPPRESSED,)


class ErrorDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    field: str = ""  # which one is at fault: to[1], headers.X-A, attachments[0].content
    constraint: str = ""  # a word for programs, as required
    addresses: Sequence[str] = ()  # whom it is about
    line: int | None = None  # of a template's part, from 1, as the next
    column: int | None = None


class Error(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """Nothing was done, and why."""

    success: bool
    error: str  # a word for programs
    message: str  # for people: what is wrong, and what to do
    details: ErrorDetails | None = None
    retry_after: int | None = None  # seconds


def describe(routes: Sequence[Route]) -> Json:
    """Return the document of all that is described, in the order of paths."""
    described = list(described_of(routes))
    types = [Error, *(each for route in described for each in _types_of(route))]
    schemas = _schemas(types)
    _allow_empty(schemas, _structs([each.request for each in described if each.request]))
    paths: dict[str, Json] = {}
    for route in sorted(described, key=lambda each: (not each.path.startswith("/v1"), each.path)):
        paths.setdefault(path_of(route), {})[route.method.lower()] = _operation(route, described)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Angarium", "version": VERSION, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": _error_responses(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def described_of(routes: Sequence[Route]) -> Iterable[Route]:
    """Yield those with a summary, and those that are the same as one of them; not what other dialects have, too."""
    for route in routes:
        original = original_of(route, routes)
        if route.claims is not None:
            continue
        if route.summary:
            yield route
        elif original is not None and original.summary:
            yield msgspec.structs.replace(original, path=route.path)


def path_of(route: Route) -> str:
    """Return its path as OpenAPI writes it: without what a variable has to look like."""
    return _VARIABLE.sub(r"{\1}", route.path)


def original_of(route: Route, routes: Iterable[Route]) -> Route | None:
    """Return the route under /v1 that one without it is the same as."""
    if route.path.startswith("/v1/"):
        return None
    same = (each for each in routes if each.path.startswith("/v1/"))
    return next(
        (each for each in same if (each.method, each.handler) == (route.method, route.handler)),
        None,
    )


def _types_of(route: Route) -> Iterable[Any]:
    for each in (route.request, *route.answers.values()):
        if each is not None and not isinstance(each, Body):
            yield each


def _operation(route: Route, routes: Sequence[Route]) -> Json:
    original = original_of(route, routes)
    summary = route.summary
    if original is not None:
        summary = f"The same as {original.method} {path_of(original)}."
    found: Json = {
        "operationId": _operation_id(route),
        "tags": [_tag(original or route)],
        "summary": summary,
        "responses": _responses(route),
        "security": [] if route.is_open else _SECURITY,
    }
    if route.scope:
        found["description"] = f"Needs the scope `{route.scope}`."
        found["x-scope"] = route.scope
    if parameters := [*_in_path(route), *_in_query(route), *_in_header(route)]:
        found["parameters"] = parameters
    if route.request is not None:
        content = _content(route.request)
        found["requestBody"] = {"required": _is_required(route.request), "content": content}
    return found


def _responses(route: Route) -> Json:
    found: Json = {
        str(status): {
            "description": _words_of(kind),
            **({} if kind is None else {"content": _content(kind)}),
        }
        for status, kind in route.answers.items()
    }
    if route.or_else is not None:
        found["200"]["content"].update(_content(route.or_else))
    asks_nothing = route.is_open and route.method == "GET" and route.query is None
    kinds = [FaultKind.INTERNAL] if asks_nothing else list(_ALWAYS)
    if route.request is not None:
        kinds += _OF_BODIES
    if route.method != "GET":
        kinds += _OF_CHANGES
    if route.scope == "emails:send":
        kinds += _OF_SENDING
    if "{" in route.path:
        kinds.append(FaultKind.NOT_FOUND)
    for status in sorted({STATUSES[each][0] for each in kinds}):
        found.setdefault(str(status), {"$ref": _RESPONSE.format(status)})
    return found


def _error_responses() -> Json:
    """Return what is answered to what was not done, by status."""
    words: dict[int, list[str]] = {}
    for status, word in dict.fromkeys(STATUSES.values()):
        words.setdefault(status, []).append(word)
    content = {JSON: {"schema": {"$ref": _REF.format(name=_ERROR)}}}
    return {
        f"error{status}": {"description": ", ".join(found), "content": content}
        for status, found in sorted(words.items())
    }


def _words_of(kind: Any) -> str:
    if kind is None:
        return "No body."
    if isinstance(kind, Body):
        return kind.words or kind.media_type
    return _own_doc(kind).partition("\n")[0] or "Done."


def _own_doc(kind: Any) -> str:
    """Return what a type says of itself, and not its base."""
    doc = vars(kind).get("__doc__") if isinstance(kind, type) else None
    return inspect.cleandoc(doc).replace("``", "`") if doc else ""


def _content(kind: Any) -> Json:
    if isinstance(kind, Body):
        return {kind.media_type: {"schema": {"type": "string"}}}
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return {JSON: {"schema": schema}}


def _is_required(kind: Any) -> bool:
    """A body whose fields are all optional is still JSON."""
    return kind is not None


def _in_path(route: Route) -> Iterable[Json]:
    for name in _VARIABLE.findall(route.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IN_PATH},
        }


def _in_query(route: Route) -> Iterable[Json]:
    if route.query is None:
        return
    _, components = msgspec.json.schema_components([route.query], ref_template="{name}")
    schema = components[route.query.__name__]
    comments = _wire_comments(route.query)
    for name, each in schema.get("properties", {}).items():
        parameter: Json = {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _without_null(each),
        }
        if name in comments:
            parameter["description"] = comments[name]
        yield parameter


def _without_null(schema: Json) -> Json:
    """A parameter that is not given is not there: it is never null, and may be empty instead."""
    choices = schema.get("anyOf", [{k: v for k, v in schema.items() if k != "default"}])
    choices = [each for each in choices if each != {"type": "null"}]
    if "default" not in schema or all(each == {"type": "string"} for each in choices):
        return schema
    told = {"default": schema["default"]} if schema["default"] is not None else {}
    if len(choices) == 1 and choices[0].get("type") == "array":
        return {**choices[0], "items": _or_empty([choices[0]["items"]]), **told}
    return {**_or_empty(choices), **told}


def _or_empty(choices: Sequence[Json]) -> Json:
    """In a query, one value is a list of one: that a list's values may be empty is said of these."""
    only = choices[0] if len(choices) == 1 else {}
    is_text = only.get("type") == "string" and only.keys() <= _OF_TEXT
    if is_text and re.search(only.get("pattern", ""), "") is not None:
        return {key: value for key, value in only.items() if key != "minLength"}
    return {"anyOf": [*choices, {"type": "string", "maxLength": 0}]}


def _in_header(route: Route) -> Iterable[Json]:
    if route.scope == "emails:send":
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "maxLength": 256},
            "description": "The same key and body within a day: the first answer again.",
        }


def _schemas(types: Sequence[Any]) -> Json:
    """Return all structs by name, with what the comments of their fields say."""
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    for struct in _structs(types):
        schema = components.get(struct.__name__)
        if schema is None:
            continue
        schema.pop("title", None)
        comments = _wire_comments(struct)
        for name, each in schema.get("properties", {}).items():
            if name in comments:
                each["description"] = comments[name]
        schema.pop("description", None)
        if doc := _own_doc(struct):
            schema["description"] = doc
    return dict(sorted(components.items()))


def _allow_empty(schemas: Json, asked: Iterable[type[msgspec.Struct]]) -> None:
    """Say of each optional field of a request that what is empty is as if it were not there."""
    schemas[_EMPTY] = EMPTY
    for struct in asked:
        schema = schemas[struct.__name__]
        for name, each in schema.get("properties", {}).items():
            if name in schema.get("required", ()):
                continue
            told = {key: each.pop(key) for key in ("description", "default") if key in each}
            choices = each["anyOf"] if set(each) == {"anyOf"} else [each]
            choices = [one for one in choices if one != {"type": "null"}]
            empty = {"$ref": _REF.format(name=_EMPTY)}
            schema["properties"][name] = {"anyOf": [*choices, empty], **told}


def _wire_comments(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    comments = field_comments(struct)
    return {
        each.encode_name: comments[each.name]
        for each in msgspec.structs.fields(struct)
        if each.name in comments
    }


def _structs(types: Iterable[Any]) -> Sequence[type[msgspec.Struct]]:
    found: dict[type[msgspec.Struct], None] = {}

    def walk(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and get_origin(kind) is None:
            if kind not in found:
                found[kind] = None
                for field in msgspec.structs.fields(kind):
                    walk(field.type)
            return
        for each in get_args(kind):
            walk(each)

    for each in types:
        walk(each)
    return list(found)


def _operation_id(route: Route) -> str:
    words = re.findall(r"[A-Za-z0-9]+", path_of(route))
    return route.method.lower() + "".join(each[:1].upper() + each[1:] for each in words)


def _tag(route: Route) -> str:
    parts = [each for each in route.path.split("/") if each not in ("", "v1")]
    return parts[0].partition(".")[0]
