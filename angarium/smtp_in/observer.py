"""What listeners report while they work, for metrics and the log. The default does nothing."""

from angarium.smtp.refusal import Refusal


class ListenerObserver:
    """Called on the event loop: must return at once. Override what is wanted."""

    def connection_opened(self, client: str) -> None:
        """A client was let in; ``connection_closed`` will follow."""

    def connection_closed(self, client: str) -> None: ...

    def refused(self, client: str, refusal: Refusal) -> None:
        """A connection, a command or a message got this reply."""

    def replied(self, octets: bytes) -> None:
        """A client was sent these replies, whole lines."""

    def handshake(self, version: str) -> None:
        """TLS was agreed on, or was not: "TLSv1.3", "" when it failed."""

    def login(self, client: str, user: str, result: str) -> None:
        """``user``: as it may be shown; ``result``: ok | failed | limited."""

    def internal_error(self, where: str, error: BaseException) -> None:
        """A fault of ours, already answered by a transient reply."""
