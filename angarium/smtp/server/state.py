"""What a server session remembers of its client. Its parts change it; the order of commands (``order``) reads it."""

from angarium.smtp.server.authentication import Exchange
from angarium.smtp.server.data import ChunkCollector, OctetBudget
from angarium.smtp.server.event import LoggedIn
from angarium.smtp.server.settings import ClientFacts, ServerSettings, TlsFacts
from angarium.smtp.server.transaction import ServerTransaction


class SessionState:
    """All of it is forgotten by STARTTLS, but for the counts (RFC 3207 section 4.2)."""

    __slots__ = (
        *("settings", "client", "budget", "is_open", "tls", "client_name", "extended", "identity"),
        *(
            "exchange",
            "transaction",
            "chunk",
            "is_last_chunk",
            "messages",
            "commands",
            "auth_failures",
        ),
    )

    def __init__(
        self,
        settings: ServerSettings,
        client: ClientFacts,
        budget: OctetBudget,
        tls: TlsFacts | None,
    ) -> None:
        self.settings = settings
        self.client = client
        self.budget = budget
        # nobody must log in to send; whether that goes to others is another question
        self.is_open = settings.auth != "required" or client.trusted
        self.tls = tls
        self.client_name = ""  # "": not greeted
        self.extended = False  # greeted by EHLO
        self.identity: LoggedIn | None = None
        self.exchange: Exchange | None = None  # of an AUTH under way
        self.transaction: ServerTransaction | None = None
        self.chunk: ChunkCollector | None = None  # where the octets behind a BDAT command go
        self.is_last_chunk = False
        self.messages = 0  # accepted
        self.commands = 0  # since the last message that was accepted
        self.auth_failures = 0

    @property
    def may_relay(self) -> bool:
        return self.client.trusted or self.identity is not None

    @property
    def may_name_recipients(self) -> bool:
        """Whether anybody is asked of a recipient at all."""
        return self.may_relay or self.settings.auth == "none"

    @property
    def could_relay(self) -> bool:
        """Whether it may, or may once it has logged in: its odd name for itself is an appliance's then.

        Where anybody brings reports, odd names are as good as others.
        """
        return self.client.trusted or self.settings.auth in ("required", "none")

    @property
    def may_repair(self) -> bool:
        """Whether what an old application gets wrong is mended: as the listener says, else for who is trusted."""
        repair = self.settings.repair
        return self.client.trusted if repair is None else repair

    @property
    def may_mend_line_ends(self) -> bool:
        """Only for who is trusted, whatever the listener says (S1)."""
        return self.client.trusted and self.may_repair

    @property
    def may_authenticate(self) -> bool:
        """Whether a password may be said as things are (S13)."""
        return self.tls is not None or self.client.clear_auth

    @property
    def protocol(self) -> str:
        """The name for the trace field (RFC 3848; RFC 6531 section 4.3)."""
        if not self.extended:
            return "SMTP"
        is_utf8 = self.transaction is not None and self.transaction.smtputf8
        name = "UTF8SMTP" if is_utf8 else "ESMTP"
        return name + ("S" if self.tls else "") + ("A" if self.identity else "")

    def begin_tls(self, tls: TlsFacts) -> None:
        self.tls = tls
        self.client_name = ""
        self.extended = False
        self.identity = None
        self.end_transaction()

    def end_transaction(self) -> None:
        """Idempotent."""
        if self.transaction is not None:
            self.transaction.discard()
            self.transaction = None
