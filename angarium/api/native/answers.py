"""How our own dialect answers: JSON, and of what was not done its status, a word for programs, and the field."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web

from angarium.intake.order import Fault, FaultKind

_VALIDATION: Final = (400, "VALIDATION_ERROR")
STATUSES: Final[Mapping[FaultKind, tuple[int, str]]] = {
    FaultKind.MALFORMED: _VALIDATION,
    FaultKind.MISSING: _VALIDATION,
    FaultKind.INVALID: _VALIDATION,
    FaultKind.UNKNOWN_FIELD: _VALIDATION,
    FaultKind.UNSUPPORTED: _VALIDATION,
    FaultKind.NO_KEY: (401, "UNAUTHORIZED"),
    FaultKind.WRONG_KEY: (401, "UNAUTHORIZED"),
    FaultKind.NO_SCOPE: (403, "FORBIDDEN"),
    FaultKind.DOMAIN: (403, "DOMAIN_NOT_VERIFIED"),
    FaultKind.SUPPRESSED: (422, "RECIPIENTS_SUPPRESSED"),
    FaultKind.NOT_FOUND: (404, "NOT_FOUND"),
    FaultKind.METHOD: (405, "METHOD_NOT_ALLOWED"),
    FaultKind.CONFLICT: (409, "CONFLICT"),
    FaultKind.TOO_LARGE: (413, "PAYLOAD_TOO_LARGE"),
    FaultKind.MEDIA_TYPE: (415, "UNSUPPORTED_MEDIA_TYPE"),
    FaultKind.KEY_REUSED: (422, "IDEMPOTENCY_KEY_REUSED"),
    FaultKind.UNDER_WAY: (409, "IDEMPOTENCY_KEY_IN_USE"),
    FaultKind.RATE: (429, "RATE_LIMIT_EXCEEDED"),
    FaultKind.QUOTA: (429, "QUOTA_EXCEEDED"),
    FaultKind.BUSY: (503, "SERVICE_UNAVAILABLE"),
    FaultKind.DISK_FULL: (507, "INSUFFICIENT_STORAGE"),
    FaultKind.INTERNAL: (500, "INTERNAL_ERROR"),
}


def json_response(answer: object, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(answer), content_type="application/json"
    )


def fault_answer(fault: Fault) -> dict[str, Any]:
    """Return the fault as our errors are written, for an answer of its own or one among others."""
    _, word = STATUSES[fault.kind]
    answer: dict[str, Any] = {"success": False, "error": word, "message": fault.message}
    details: dict[str, Any] = {}
    if fault.field:
        details["field"] = fault.field
    if fault.constraint:
        details["constraint"] = fault.constraint
    if fault.addresses:
        details["addresses"] = fault.addresses
    if fault.line is not None:
        details["line"] = fault.line
    if fault.column is not None:
        details["column"] = fault.column
    if details:
        answer["details"] = details
    if fault.retry_after_s is not None:
        answer["retryAfter"] = fault.retry_after_s
    return answer


def fault_response(fault: Fault) -> web.Response:
    status, _ = STATUSES[fault.kind]
    response = json_response(fault_answer(fault), status)
    if status == HTTPStatus.UNAUTHORIZED:  # RFC 9110 section 11.6.1: it must say how
        response.headers["WWW-Authenticate"] = 'Bearer realm="Angarium"'
    return response
