"""The API's description as one HTML page: no script, nothing from elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

from angarium.api.reference.reading import (
    Field,
    Operation,
    body_of,
    fields_of,
    operations_of,
    parameters_of,
)

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
code { font: 0.9em ui-monospace, monospace; background: #f3f3f3; padding: 0.1em 0.3em }
h2 { margin-top: 3rem; border-bottom: 1px solid #ccc } h3 { margin-top: 2rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top;
padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid #eee } a { color: #0645ad } .method { font-weight: bold }
"""


def render(document: Mapping[str, Any]) -> str:
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    groups: dict[str, list[Operation]] = {}
    for each in operations_of(document):
        groups.setdefault(each.tag, []).append(each)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(document['info']['title'])} API</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(document['info']['title'])} API</h1>",
        f"<p>{escape(document['info']['description'])}</p>",
        "<p>As a document for programs: <a href='openapi.json'>openapi.json</a>.</p>",
        "<ul>",
        *(f'<li><a href="#{escape(each)}">{escape(each)}</a></li>' for each in groups),
        '<li><a href="#types">types</a></li></ul>',
    ]
    for tag, operations in groups.items():
        parts.append(f'<h2 id="{escape(tag)}">{escape(tag)}</h2>')
        for each in operations:
            parts += _operation(each, schemas)
    parts.append('<h2 id="types">types</h2>')
    for name, schema in schemas.items():
        parts += _type(name, schema, schemas)
    parts.append("</body></html>")
    return "\n".join(parts)


def _operation(operation: Operation, schemas: Mapping[str, Any]) -> Iterable[str]:
    told = operation.told
    yield f'<h3 id="{escape(told["operationId"])}"><span class="method">{operation.method}</span>'
    yield f"<code>{escape(operation.path)}</code></h3>"
    yield f"<p>{escape(told['summary'])}"
    if "x-scope" in told:
        yield f" Scope: <code>{escape(told['x-scope'])}</code>."
    yield "</p>"
    yield from _table("Parameter", parameters_of(operation), schemas)
    if "requestBody" in told:
        yield f"<p>Request: {_linked(body_of(told['requestBody']), schemas)}</p>"
    answers = [
        f"{status} {_linked(body_of(answer), schemas)}"
        for status, answer in told["responses"].items()
    ]
    yield f"<p>Answers: {'; '.join(answers)}</p>"


def _type(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterable[str]:
    yield f'<h3 id="type-{escape(name)}"><code>{escape(name)}</code></h3>'
    if "description" in schema:
        yield f"<p>{escape(schema['description'])}</p>"
    yield from _table("Field", fields_of(schema), schemas)


def _table(heading: str, fields: Sequence[Field], schemas: Mapping[str, Any]) -> Iterable[str]:
    if not fields:
        return
    yield f"<table><tr><th>{heading}</th><th>Type</th><th></th><th>Meaning</th></tr>"
    for each in fields:
        required = "required" if each.required else ""
        yield (
            f"<tr><td><code>{escape(each.name)}</code></td><td>{_linked(each.type, schemas)}</td>"
            f"<td>{required}</td><td>{escape(each.text)}</td></tr>"
        )
    yield "</table>"


def _linked(text: str, schemas: Mapping[str, Any]) -> str:
    return " ".join(
        f'<a href="#type-{escape(each)}">{escape(each)}</a>' if each in schemas else escape(each)
        for each in text.split(" ")
    )
