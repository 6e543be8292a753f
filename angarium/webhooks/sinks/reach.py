"""At which addresses a sink's host may be connected to (P1): looked up and judged for each connection."""

from collections.abc import Sequence

from angarium.webhooks.caller import FindsAddresses, addresses_of
from angarium.webhooks.guard import Guard, Target, UrlError
from angarium.webhooks.sinks.sink import SinkError


class Reach:
    """Invariant SK1: what is connected to is an address that the guard was asked about."""

    def __init__(self, guard: Guard, dns: FindsAddresses) -> None:
        self._guard = guard
        self._dns = dns

    async def addresses(self, target: Target) -> Sequence[str]:
        """Return those that may be connected to, at least one. Raises SinkError."""
        if target.is_literal:
            found: Sequence[str] = (target.host,)
        else:
            try:
                found = await addresses_of(target.host, self._dns)
            except OSError as error:
                raise SinkError(str(error)) from None
        allowed, refusal = [], ""
        for each in found:
            try:
                self._guard.check(target, each)  # SK1
            except UrlError as error:
                refusal = (
                    f"the URL {error}" if not str(error).startswith(target.host) else str(error)
                )
            else:
                allowed.append(each)
        if not allowed:
            raise SinkError(refusal or f"{target.host} has no address")
        return allowed
