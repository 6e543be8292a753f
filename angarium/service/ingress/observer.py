"""Counts and logs what listeners do. Accepted messages are counted from the event log."""

import re
from typing import Final

from angarium.smtp.refusal import Refusal
from angarium.smtp_in.observer import ListenerObserver
from angarium.telemetry import log, log_exception
from angarium.telemetry.metrics import Metrics

# The first digit of each: the last line of a reply has a blank behind its code
_REPLIES: Final = re.compile(rb"^([2345])[0-9]{2} ", re.MULTILINE)
_KINDS: Final = {
    **dict.fromkeys((500, 501, 502, 503, 504, 555), "syntax"),
    **dict.fromkeys((530, 534, 535, 538, 454), "auth"),
    **dict.fromkeys((550, 551, 553, 554), "policy"),
    **dict.fromkeys((421, 452), "limit"),
    **dict.fromkeys((450, 451, 432), "temporary"),
    552: "size",
}
_LIMITS: Final = {
    (421, "4.3.2"): "connections",
    (421, "4.7.0"): "client",
    (421, "4.4.2"): "timeout",
    (452, "4.5.3"): "recipients",
    (452, "4.3.1"): "memory_or_disk",
    (454, "4.7.0"): "logins",
    (552, "5.3.4"): "size",
}


class IngressObserver(ListenerObserver):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._replies = {each.encode(): counted for each, counted in metrics.smtp.replies.items()}
        self._open = 0

    def connection_opened(self, client: str) -> None:
        self._metrics.connections.add()
        self._open += 1

    def connection_closed(self, client: str) -> None:
        self._open -= 1

    def refused(self, client: str, refusal: Refusal) -> None:
        self._metrics.refused[_KINDS.get(refusal.code, "other")].add()
        limit = _LIMITS.get((refusal.code, refusal.enhanced))
        if limit is not None:
            self._metrics.limits[limit].add()
        log("refused", "debug", client=client, code=refusal.code, enhanced=refusal.enhanced)

    def replied(self, octets: bytes) -> None:
        for digit in _REPLIES.findall(octets):
            self._replies[digit].pending += 1

    def handshake(self, version: str) -> None:
        outcomes = self._metrics.smtp.tls
        outcomes[version if version in outcomes else "other" if version else "failed"].add()

    def login(self, client: str, user: str, result: str) -> None:
        self._metrics.auth[result if result in self._metrics.auth else "failed"].add()
        if result != "ok":
            log("login_failed", client=client, user=user, result=result)

    def internal_error(self, where: str, error: BaseException) -> None:
        self._metrics.internal_errors.add()
        log_exception("internal_error", error, where=where)

    def set_gauges(self) -> None:
        """Called once a second: a gauge per connection would cost more than the connection's count."""
        self._metrics.connections_open.set(self._open)
