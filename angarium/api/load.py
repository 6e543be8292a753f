"""How much a process has in hand for its HTTP clients: beyond a bound they are told to come again."""

from typing import Final

from aiohttp import web

from angarium.intake.order import Fault, FaultError, FaultKind

RETRY_AFTER_S: Final = 1
_OCTETS: Final = web.RequestKey("octets_in_hand", int)


class Load:
    """Invariant LO1: at most ``requests`` are under way, and at most ``octets`` of their bodies are in memory."""

    def __init__(self, *, requests: int, octets: int) -> None:
        self._most_requests = requests
        self._most_octets = octets
        self.requests = 0
        self.octets = 0
        self.refused = 0

    def begin(self, request: web.Request) -> None:
        """Raises FaultError: BUSY. Then there is nothing to end."""
        if self.requests >= self._most_requests:
            raise self._busy()  # LO1
        self.requests += 1
        request[_OCTETS] = 0

    def read(self, request: web.Request, octets: int) -> None:
        """So much of its body is in memory by now. Raises FaultError: BUSY."""
        more = octets - request[_OCTETS]
        if self.octets + more > self._most_octets:
            raise self._busy()  # LO1
        self.octets += more
        request[_OCTETS] = octets

    def end(self, request: web.Request) -> None:
        self.requests -= 1
        self.octets -= request[_OCTETS]

    def _busy(self) -> FaultError:
        self.refused += 1
        text = "There is more to do than this server can hold; nothing was stored: try again"
        return FaultError(Fault(kind=FaultKind.BUSY, message=text, retry_after_s=RETRY_AFTER_S))


# What an application counts by
LOAD: Final = web.AppKey("load", Load)
