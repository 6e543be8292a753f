"""Signature Version 4 of Amazon, verified: whether who sent a request has the secret of the key that it names. Pure.

Knows nothing of keys and of HTTP servers: the request is a value as it came over the wire, the time an argument.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import quote, unquote_to_bytes

import msgspec

SKEW_S: Final = 300  # of Amazon: how far a client's clock may be off
MAX_SIGNED_FIELDS: Final = 64  # ours; SDKs sign at most ten
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_END: Final = "aws4_request"
_AS_SENT: Final = (
    "utf-8",
    "surrogateescape",
)  # octets that are no UTF-8, as HTTP servers hand them over
_UNRESERVED: Final = "-_.~"
_PARAMETER: Final = re.compile(r" *([A-Za-z]+)=([^, ]*) *")
_TIME: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}")
_FIELD: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")

ProblemKind = Literal["missing", "incomplete", "scope", "skew"]


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    method: str
    target: str  # path and query as they stood in the request line, nothing decoded
    headers: tuple[tuple[str, str], ...]  # in any case, in order, repeated ones too
    body: bytes


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What the Authorization field says; proves nothing until ``is_proven``."""

    access_key_id: str
    scope: str  # day/region/service/aws4_request
    signed: tuple[str, ...]  # names of header fields, lower case
    signature: str
    time: str  # of x-amz-date


class SignatureProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is nothing that could be proven."""

    kind: ProblemKind
    text: str


def read_claim(
    headers: Iterable[tuple[str, str]], *, service: str, now_s: float
) -> Claim | SignatureProblem:
    """Read the Authorization field, and hold it against the clock and the service's name; any region will do."""
    values = {name.lower(): value.strip() for name, value in headers}
    written = values.get("authorization", "")
    if not written:
        return SignatureProblem(kind="missing", text="Missing Authentication Token")
    algorithm, _, rest = written.partition(" ")
    if algorithm != _ALGORITHM:
        return _incomplete(f"Authorization must begin with {_ALGORITHM}")
    parameters: dict[str, str] = {}
    for each in rest.split(","):
        found = _PARAMETER.fullmatch(each)
        if found is None or found[1] in parameters:
            return _incomplete("Authorization is not well-formed")
        parameters[found[1]] = found[2]
    absent = [n for n in ("Credential", "SignedHeaders", "Signature") if not parameters.get(n)]
    if absent:
        return _incomplete(f"Authorization requires '{absent[0]}' parameter.")
    time = values.get("x-amz-date", "")
    if _TIME.fullmatch(time) is None:
        return _incomplete("Authorization requires a header X-Amz-Date like 20260131T235959Z")
    signed = tuple(parameters["SignedHeaders"].split(";"))
    if len(signed) > MAX_SIGNED_FIELDS or any(_FIELD.fullmatch(each) is None for each in signed):
        return _incomplete("SignedHeaders is not a list of header names in lower case")
    if not {"host", "x-amz-date"} <= set(signed):
        return _incomplete("SignedHeaders must have host and x-amz-date")
    if _SIGNATURE.fullmatch(parameters["Signature"]) is None:
        return _incomplete("Signature is not 64 hexadecimal digits in lower case")
    access_key_id, _, scope = parameters["Credential"].partition("/")
    problem = _scope_problem(scope, time, service) or _skew_problem(time, now_s)
    return problem or Claim(
        access_key_id=access_key_id,
        scope=scope,
        signed=signed,
        signature=parameters["Signature"],
        time=time,
    )


def is_proven(claim: Claim, request: SignedRequest, secret: str) -> bool:
    """Whether the signature was made of this very request with this secret. Takes as long if it was not."""
    digest = hashlib.sha256(canonical_request(request, claim.signed)).hexdigest()
    text = f"{_ALGORITHM}\n{claim.time}\n{claim.scope}\n{digest}"
    return hmac.compare_digest(signature_of(text, claim.scope, secret), claim.signature)


def signature_of(text: str, scope: str, secret: str) -> str:
    """Return the signature of a string to sign, in hexadecimal."""
    key = f"AWS4{secret}".encode()
    for each in scope.split("/"):
        key = hmac.digest(key, each.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def canonical_request(request: SignedRequest, signed: Iterable[str]) -> bytes:
    """Return the form that is signed. The body is hashed here, whatever x-amz-content-sha256 says of it."""
    path, _, query = request.target.partition("?")
    fields: dict[str, list[str]] = {}
    for name, value in request.headers:
        fields.setdefault(name.lower(), []).append(" ".join(value.split()))
    names = tuple(signed)
    lines = [f"{name}:{','.join(fields.get(name, ()))}\n" for name in names]
    text = "\n".join(
        (
            request.method,
            canonical_path(path),
            canonical_query(query),
            "".join(lines),
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    return text.encode(*_AS_SENT)


def canonical_path(path: str) -> str:
    """Return the path, which is encoded already, encoded once more: so all services but S3 have it."""
    kept: list[str] = []
    for each in path.split("/"):
        if each == "..":
            del kept[-1:]
        elif each not in ("", "."):
            kept.append(each)
    end = "/" if kept and path.endswith("/") else ""
    return quote(("/" + "/".join(kept) + end).encode(*_AS_SENT), safe="/" + _UNRESERVED)


def canonical_query(query: str) -> str:
    """Return the parameters by name and value, each encoded in the one way."""
    pairs = [each.partition("=") for each in query.split("&") if each]
    return "&".join(sorted(f"{_encoded(name)}={_encoded(value)}" for name, _, value in pairs))


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.encode(*_AS_SENT)), safe=_UNRESERVED)


def _scope_problem(scope: str, time: str, service: str) -> SignatureProblem | None:
    day, region, named, end = (*scope.split("/"), "", "", "", "")[:4]
    if scope.count("/") != 3 or not region or end != _END:
        return _incomplete(f"Credential must be KEY/{time[:8]}/REGION/{service}/{_END}")
    text = ""
    if named != service:
        text = f"Credential should be scoped to correct service: '{service}'."
    elif day != time[:8]:
        text = f"Date in Credential scope does not match YYYYMMDD from X-Amz-Date: {time[:8]}"
    return SignatureProblem(kind="scope", text=text) if text else None


def _skew_problem(time: str, now_s: float) -> SignatureProblem | None:
    try:
        at = datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return _incomplete("X-Amz-Date is no time")
    text = ""
    now = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%dT%H%M%SZ")
    if at < now_s - SKEW_S:
        text = f"Signature expired: {time} is more than 5 min. before {now}: set the client's clock"
    elif at > now_s + SKEW_S:
        text = f"Signature not yet current: {time} is more than 5 min. after {now}: set the client's clock"
    return SignatureProblem(kind="skew", text=text) if text else None


def _incomplete(text: str) -> SignatureProblem:
    return SignatureProblem(kind="incomplete", text=text)
