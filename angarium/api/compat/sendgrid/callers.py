"""Whose a request to SendGrid's API is."""

from typing import Final

from aiohttp import web

from angarium.api.access import Access, bearer_token
from angarium.api.compat.faults import unsupported
from angarium.intake.order import Caller, FaultError

NAME: Final = "sendgrid"
SUBUSER: Final = "On-Behalf-Of"


class Callers:
    def __init__(self, access: Access) -> None:
        self._access = access

    def admit(self, request: web.Request, resource: str, action: str) -> Caller:
        """Satisfies ``premises.Admits``. Raises FaultError."""
        presented = bearer_token(request)
        caller = self._access.caller(request, presented, resource, action, dialect=NAME)
        if request.headers.get(SUBUSER):
            raise FaultError(unsupported(SUBUSER, "use a key of that tenant"))
        return caller
