"""Whose a request to Mailgun's API is: the key is the password of basic authentication."""

import binascii
from base64 import b64decode
from typing import Final

from aiohttp import web

from angarium.api.access import Access
from angarium.api.client_certificates import peer_certificate
from angarium.intake.order import Caller, Fault, FaultError, FaultKind
from angarium.smtp.address import AddressSyntaxError, parse_domain

NAME: Final = "mailgun"
_USER: Final = "api"


class Callers:
    def __init__(self, access: Access) -> None:
        self._access = access

    def admit(self, request: web.Request, resource: str, action: str) -> Caller:
        """Satisfies ``premises.Admits``. Raises FaultError."""
        is_certified = "Authorization" not in request.headers and peer_certificate(request)
        presented = "" if is_certified else _presented(request)
        return self._access.caller(request, presented, resource, action, dialect=NAME)

    def of_domain(self, request: web.Request, resource: str, action: str) -> tuple[Caller, str]:
        """Return who asks, and the domain of the path, which is verified and theirs. Raises FaultError (P7)."""
        caller = self.admit(request, resource, action)
        written = request.match_info["domain"]
        try:
            domain = parse_domain(written)
        except AddressSyntaxError:
            domain = ""
        if domain not in caller.domains:  # another's, or nobody's
            raise FaultError(Fault(kind=FaultKind.DOMAIN, message=written[:255], field="domain"))
        return caller, domain


def _presented(request: web.Request) -> str:
    """Return the password; the user's name says nothing. Raises FaultError."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if not rest:
        text = f"No key was given: authenticate as {_USER}, with the key as the password"
        raise FaultError(Fault(kind=FaultKind.NO_KEY, message=text))
    try:
        if scheme.lower() == "basic":
            return b64decode(rest.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        pass
    text = f"Authorization is not Basic, with {_USER} and the key"
    raise FaultError(Fault(kind=FaultKind.WRONG_KEY, message=text))
