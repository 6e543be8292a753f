"""A fault as Resend's clients know it: ``{statusCode, name, message}``. Pure."""

from typing import Any, Final

from angarium.intake.order import Fault, FaultKind
from angarium.intake.template_filling import NO_TEMPLATE

_VALIDATION: Final = "validation_error"
# Status and name, by which the clients choose a class
_WORDS: Final[dict[FaultKind, tuple[int, str]]] = {
    FaultKind.MALFORMED: (400, _VALIDATION),
    FaultKind.MISSING: (422, "missing_required_field"),
    FaultKind.INVALID: (422, _VALIDATION),
    FaultKind.UNKNOWN_FIELD: (422, _VALIDATION),
    FaultKind.UNSUPPORTED: (422, _VALIDATION),
    FaultKind.NO_KEY: (401, "missing_api_key"),
    FaultKind.WRONG_KEY: (403, "invalid_api_key"),
    FaultKind.NO_SCOPE: (401, "restricted_api_key"),
    FaultKind.DOMAIN: (403, _VALIDATION),
    FaultKind.SUPPRESSED: (422, _VALIDATION),
    FaultKind.NOT_FOUND: (404, "not_found"),
    FaultKind.METHOD: (405, "method_not_allowed"),
    FaultKind.CONFLICT: (422, _VALIDATION),
    FaultKind.TOO_LARGE: (413, _VALIDATION),
    FaultKind.MEDIA_TYPE: (415, _VALIDATION),
    FaultKind.KEY_REUSED: (409, "invalid_idempotent_request"),
    FaultKind.UNDER_WAY: (409, "concurrent_idempotent_requests"),
    FaultKind.RATE: (429, "rate_limit_exceeded"),
    FaultKind.QUOTA: (429, "rate_limit_exceeded"),
    FaultKind.BUSY: (503, "application_error"),
    FaultKind.DISK_FULL: (503, "application_error"),
    FaultKind.INTERNAL: (500, "application_error"),
}


# By the period of a quota; of shorter ones it is a rate
_QUOTAS: Final = {"day": "daily_quota_exceeded", "month": "monthly_quota_exceeded"}


def fault_body(fault: Fault) -> dict[str, Any]:
    status, name = _WORDS[fault.kind]
    if fault.field == "Idempotency-Key" and fault.kind is FaultKind.INVALID:
        status, name = 400, "invalid_idempotency_key"
    elif fault.constraint == NO_TEMPLATE:
        status, name = _WORDS[FaultKind.NOT_FOUND]
    elif fault.kind is FaultKind.QUOTA:
        name = _QUOTAS.get(fault.constraint, name)
    return {"statusCode": status, "name": name, "message": fault.message}
