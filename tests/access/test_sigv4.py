"""Mirrors angarium/access/sigv4.py, against Amazon's own signer and the example of its documentation."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from angarium.access.sigv4 import (
    Claim,
    SignatureProblem,
    SignedRequest,
    canonical_path,
    canonical_query,
    is_proven,
    read_claim,
    signature_of,
)

KEY, SECRET = "KEYID", "secret/with+signs"
HOST = "mail.example.com:8025"


def signed(
    method: str = "POST",
    target: str = "/v2/email/outbound-emails",
    body: bytes = b'{"a": 1}',
    *,
    service: str = "ses",
    region: str = "eu-west-9",
    more: tuple[tuple[str, str], ...] = (),
) -> SignedRequest:
    request = AWSRequest(method, f"http://{HOST}{target}", data=body)
    request.headers["Content-Type"] = "application/json"
    for name, value in more:
        request.headers[name] = value
    SigV4Auth(Credentials(KEY, SECRET), service, region).add_auth(request)
    headers: HTTPHeaders = request.headers
    fields = (("Host", HOST), *((name, value) for name, value in headers.items()))
    return SignedRequest(method=method, target=target, headers=fields, body=body)


def claim_of(request: SignedRequest, now_s: float | None = None) -> Claim:
    found = read_claim(
        request.headers,
        service="ses",
        now_s=datetime.now(UTC).timestamp() if now_s is None else now_s,
    )
    assert isinstance(found, Claim), found
    return found


def changed(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    fields = [each for each in request.headers if each[0].lower() != name.lower()]
    if value is not None:
        fields.append((name, value))
    return SignedRequest(
        method=request.method, target=request.target, headers=tuple(fields), body=request.body
    )


@pytest.mark.parametrize(
    "target",
    [
        "/v2/email/outbound-emails",
        "/v2/email/suppression/addresses/x%2B1%40dest.example",
        "/v2/email/suppression/addresses/%C3%A4%25%2F~%40dest.example",
        "/v2/email/suppression/addresses?PageSize=10&NextToken=a%2Fb%3D%3D&Reason=BOUNCE&Reason=A",
        "/v2/email/suppression/addresses?NextToken=",
        "/prefix//v2/./email/account/",
        "/",
    ],
)
def test_what_amazons_signer_signed_is_proven(target: str) -> None:
    request = signed(target=target, more=(("X-Amz-Meta", "  two   blanks "), ("x-b", "ü")))
    claim = claim_of(request)
    assert claim.access_key_id == KEY
    assert is_proven(claim, request, SECRET)
    assert not is_proven(claim, request, SECRET + "x")


def test_the_signature_is_that_of_amazons_own_example() -> None:
    # The key derivation example of "Signature Version 4 signing process"
    text = (
        "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    )
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    assert signature_of(text, "20150830/us-east-1/iam/aws4_request", secret) == (
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


def test_every_part_of_a_request_is_under_its_signature() -> None:
    request = signed(target="/v2/email/account?a=1")
    claim = claim_of(request)
    for other in (
        SignedRequest(method="PUT", target=request.target, headers=request.headers, body=b""),
        SignedRequest(
            method="POST", target=request.target, headers=request.headers, body=b'{"a": 2}'
        ),
        SignedRequest(
            method="POST",
            target="/v2/email/account?a=2",
            headers=request.headers,
            body=request.body,
        ),
        SignedRequest(
            method="POST", target="/v2/email?a=1", headers=request.headers, body=request.body
        ),
        changed(request, "Host", "elsewhere.example"),
        changed(request, "Content-Type", "text/plain"),
        changed(request, "X-Amz-Date", "20260101T000000Z"),
    ):
        assert other != request
        taken = claim if other.headers[-1][0] == "X-Amz-Date" else claim_of(other)
        assert not is_proven(taken, other, SECRET)
    assert is_proven(claim, request, SECRET)


def test_a_body_is_hashed_here_whatever_the_client_says_of_it() -> None:
    lie = ("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD")
    request = signed(more=(lie,))
    assert not is_proven(claim_of(request), request, SECRET)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("Authorization", None, "missing"),
        ("Authorization", "", "missing"),
        ("Authorization", "Bearer x", "incomplete"),
        ("Authorization", "AWS4-HMAC-SHA256", "incomplete"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=a, Credential=a", "incomplete"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host", "incomplete"),
        ("X-Amz-Date", None, "incomplete"),
        ("X-Amz-Date", "20261399T000000Z", "incomplete"),
        ("X-Amz-Date", "yesterday", "incomplete"),
    ],
)
def test_what_claims_nothing_is_refused(field: str, value: str | None, kind: str) -> None:
    request = signed()
    if field == "X-Amz-Date" and value and value[0] == "2":  # the scope must fit
        day = value[:8]
        old = next(v for n, v in request.headers if n == "Authorization")
        today = next(v for n, v in request.headers if n == "X-Amz-Date")[:8]
        request = changed(request, "Authorization", old.replace(today, day))
    found = read_claim(changed(request, field, value).headers, service="ses", now_s=1e9)
    assert isinstance(found, SignatureProblem)
    assert found.kind == kind, found.text


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("SignedHeaders=content-type;host;", "SignedHeaders=content-type;", "incomplete"),
        (";x-amz-date", "", "incomplete"),
        ("SignedHeaders=", "SignedHeaders=A b;", "incomplete"),
        ("SignedHeaders=", "SignedHeaders=" + "a;" * 70, "incomplete"),
        ("Signature=", "Signature=g", "incomplete"),
        ("/aws4_request", "/other", "incomplete"),
        ("/aws4_request", "", "incomplete"),
        ("/eu-west-9/", "//", "incomplete"),
        ("/ses/", "/s3/", "scope"),
        ("KEYID/2", "KEYID/1", "scope"),
    ],
)
def test_an_authorization_that_is_not_whole_is_refused(old: str, new: str, kind: str) -> None:
    request = signed()
    written = next(v for n, v in request.headers if n == "Authorization")
    assert old in written
    headers = changed(request, "Authorization", written.replace(old, new)).headers
    found = read_claim(headers, service="ses", now_s=datetime.now(UTC).timestamp())
    assert isinstance(found, SignatureProblem)
    assert found.kind == kind, found.text


@pytest.mark.parametrize(
    ("off_s", "is_taken"), [(-301, False), (-299, True), (299, True), (301, False)]
)
def test_a_clock_may_be_five_minutes_off(off_s: int, is_taken: bool) -> None:
    request = signed()
    written = next(v for n, v in request.headers if n == "X-Amz-Date")
    at = datetime.strptime(written, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    found = read_claim(request.headers, service="ses", now_s=at - off_s)
    assert isinstance(found, Claim) is is_taken
    if isinstance(found, SignatureProblem):
        assert found.kind == "skew"


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("", "/"),
        ("//a/../b%20c/", "/b%2520c/"),
        ("/../a", "/a"),
        ("/a'(b)*", "/a%27%28b%29%2A"),
    ],
)
def test_a_path_has_one_form(path: str, canonical: str) -> None:
    assert canonical_path(path) == canonical


def test_octets_that_are_no_text_are_no_error() -> None:
    request = signed()
    odd = SignedRequest(
        method="POST",
        target="/\udcff?\udcfe=1",
        headers=changed(request, "Content-Type", "\udcff").headers,
        body=b"",
    )
    assert not is_proven(claim_of(odd), odd, SECRET)


def test_a_query_has_one_form() -> None:
    assert canonical_query("b=2&a=%7e&a=&&c") == "a=&a=~&b=2&c="
