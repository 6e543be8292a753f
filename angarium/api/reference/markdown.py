"""docs/api.md: an introduction by hand, and the endpoints as the document has them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from angarium.api.reference.reading import (
    Field,
    Operation,
    body_of,
    operations_of,
    parameters_of,
)

INTRODUCTION: Final = """# The HTTP API

Made by `python -m angarium.api.reference docs` from the routes and their types; do not edit. A running server has the
same as a page at `/v1/docs`, with all types, and for programs at `/v1/openapi.json` (also [here](api/openapi.json)).

## The first message

A listener, in `angarium.toml`:

    [[listener]]
    kind = "http"
    address = "127.0.0.1:8025"

A key, and the domain that you send as; `--assume-verified` is your word that it is yours, instead of a record in DNS:

    postmaster domain add example.com --assume-verified
    postmaster key create --scopes emails

And a request with the key that was printed:

    curl http://127.0.0.1:8025/v1/send -H "X-API-Key: $KEY" -H "Content-Type: application/json" -d '{
      "from": "Shop <shop@example.com>", "to": "you@example.net", "subject": "Hello", "bodyText": "It works."}'

The answer has the message's `emailId`: it is on disk then. `GET /v1/status/EMAIL_ID` says what became of it.

## What holds for all requests

- The key comes as `X-API-Key: KEY` or `Authorization: Bearer KEY`. `GET /v1/key` says whose it is and what it may do.
- Requests and answers are JSON in camelCase. Unknown fields are refused by name; `null`, `""`, `[]` and `{}` are as if
  the field were not there. Times are RFC 3339 in UTC.
- Nothing that was refused was done. A refusal says why, with the field that is at fault:

      {"success": false, "error": "VALIDATION_ERROR", "message": "Missing required field: subject",
       "details": {"field": "subject", "constraint": "required"}}

- 429, 503 and 507 come with `Retry-After`. `RateLimit-Limit`, `-Remaining` and `-Reset` are in each answer.
- Lists come a page at a time: `cursor` of an answer, given as `?cursor=`, continues it; `null` ends it.
- `Idempotency-Key` (or `sendId`) makes a retry safe: the same key and body within a day get the first answer again.
- Each answer has `X-Request-Id`, which the log has, too.

## Endpoints
"""


def render(document: Mapping[str, Any]) -> str:
    groups: dict[str, list[Operation]] = {}
    for each in operations_of(document):
        groups.setdefault(each.tag, []).append(each)
    lines = [INTRODUCTION.rstrip()]
    for tag, operations in groups.items():
        lines += ["", f"### {tag}"]
        for each in operations:
            lines += ["", *_operation(each)]
    return "\n".join(lines) + "\n"


def _operation(operation: Operation) -> Iterable[str]:
    told = operation.told
    scope = f" Scope `{told['x-scope']}`." if "x-scope" in told else ""
    yield f"**`{operation.method} {operation.path}`** {told['summary']}{scope}"
    parts = [_parameter(each) for each in parameters_of(operation)]
    if parts:
        yield f"- Parameters: {'; '.join(parts)}"
    answer = next(
        (
            f"{status} {body_of(each)}".strip()
            for status, each in told["responses"].items()
            if status.startswith("2")
        ),
        "",
    )
    body = body_of(told.get("requestBody", {}))
    yield f"- {f'Takes {body}, answers' if body else 'Answers'} {answer}"


def _parameter(field: Field) -> str:
    text = f" ({field.text})" if field.text else ""
    return f"`{field.name}`{text}"
