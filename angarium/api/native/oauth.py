"""POST /v1/oauth/token: a short-lived token for a key (RFC 6749 section 4.4), for clients that know no other way."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote_plus

from aiohttp import web

from angarium.api.dialect import Body, Route
from angarium.api.native.answers import json_response
from angarium.api.native.wire import Wire
from angarium.api.reading import read_octets
from angarium.api.tokens import LIFETIME_S, Tokens
from angarium.intake.order import FaultError, FaultKind
from angarium.queue.model import UnixMs
from angarium.tenancy import TenancyError
from angarium.tenancy.scopes import find_uncovered, read_scopes
from angarium.tenancy.snapshot import KeyGrant

FORM: Final = "application/x-www-form-urlencoded"
_FIELDS: Final = 20


class TokenMade(Wire, frozen=True, kw_only=True, rename=None):
    """As RFC 6749 section 5.1 has it."""

    access_token: str
    token_type: str  # Bearer
    expires_in: int  # seconds
    scope: str  # divided by blanks


class Finds(Protocol):
    def __call__(self, request: web.Request, presented: str) -> KeyGrant:
        """Say whose key it is. Raises FaultError."""
        ...


class TokenResource:
    def __init__(
        self, tokens: Tokens | None, find: Finds | None, clock: Callable[[], UnixMs]
    ) -> None:
        self._tokens = tokens
        self._find = find
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path="/v1/oauth/token",
                handler=self.make,
                summary="Exchange a key for a token of an hour: grant_type=client_credentials, with the key's id as"
                " client_id and the key as client_secret (or both by Basic), and perhaps scope.",
                is_open=True,
                request=Body(media_type=FORM, words="As RFC 6749 section 4.4.2 has it."),
                answers={200: TokenMade},
            ),
        )

    async def make(self, request: web.Request) -> web.Response:
        assert self._tokens is not None
        assert self._find is not None
        if request.content_type != FORM:
            return _refused(400, "invalid_request", f"send {FORM}")
        try:
            form = _form(await read_octets(request))
        except ValueError:
            return _refused(
                400, "invalid_request", "the form cannot be read, or names a field twice"
            )
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type", "grant_type is client_credentials")
        client, secret = _credentials(request, form)
        try:
            grant = self._find(request, secret)
        except FaultError as error:
            if error.fault.kind not in (FaultKind.NO_KEY, FaultKind.WRONG_KEY, FaultKind.NO_SCOPE):
                raise
            return _refused(401, "invalid_client", error.fault.message)
        if client and client != grant.key.id:
            return _refused(401, "invalid_client", "client_id is the id of the key")
        try:
            words = form.get("scope", "").split()
            scopes = read_scopes(words) if words else grant.key.scopes
        except TenancyError as error:
            return _refused(400, "invalid_scope", error.text)
        if (more := find_uncovered(grant.key.scopes, scopes)) is not None:
            return _refused(400, "invalid_scope", f"the key does not have the scope {more}")
        token = self._tokens.issue(grant, scopes, self._clock())
        return json_response(
            TokenMade(
                access_token=token,
                token_type="Bearer",  # noqa: S106 - RFC 6750
                expires_in=LIFETIME_S,
                scope=" ".join(scopes),
            )
        )


def _form(octets: bytes) -> Mapping[str, str]:
    """Raises ValueError: it is no form, or a field is there twice (RFC 6749 section 3.2)."""
    pairs = parse_qsl(octets.decode(), keep_blank_values=True, max_num_fields=_FIELDS)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _credentials(request: web.Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Return id and secret, by Basic (RFC 6749 section 2.3.1: each is form-encoded) or from the form."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(user), unquote_plus(password)


def _refused(status: int, error: str, text: str) -> web.Response:
    """As RFC 6749 section 5.2 has it, and as our own errors are."""
    answer = {"success": False, "error": error, "message": text, "error_description": text}
    response = json_response(answer, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Angarium"'
    return response
