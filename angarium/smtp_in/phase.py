"""What a connection is in the middle of. Exactly one phase at a time; each owns its deadline and how it ends.

    from               by                                  to
    (accepted)         a peer that speaks PROXY            PROXY_HEADER
                       implicit TLS                        HANDSHAKE
                       else                                DIALOGUE
                       a limit                             CLOSING
    PROXY_HEADER       the header                          as (accepted), for the client that it names
    HANDSHAKE          TLS is up                           DIALOGUE
    DIALOGUE           STARTTLS                            HANDSHAKE
                       AUTH, unless remembered             LOGIN
                       the end of a message                ACCEPTANCE
                       QUIT, 421, the client's end         CLOSING
    LOGIN, ACCEPTANCE  their outcome, or no time left      DIALOGUE
    any                the connection is lost              GONE, once nothing is under way

Knows no SMTP.
"""

import enum
from typing import ClassVar

from angarium.smtp.refusal import Refusal


class PhaseName(enum.StrEnum):
    PROXY_HEADER = "proxy_header"
    HANDSHAKE = "handshake"
    DIALOGUE = "dialogue"
    ACCEPTANCE = "acceptance"
    LOGIN = "login"
    CLOSING = "closing"
    GONE = "gone"


class Phase:
    """What is true of a phase that has nothing to say and leaves nothing behind: it is cut."""

    __slots__ = ("deadline",)

    name: ClassVar[PhaseName]
    deadline: float  # of the loop's clock; a look at it comes about once a second

    def take(self, octets: bytes) -> None:
        """Octets from the network; they are not kept here."""

    def input_ended(self) -> bool:
        """The client sends nothing more. True: keep our side open, there is a reply to come."""
        return False

    def ran_out(self, now: float) -> None:
        """The deadline, or that of the whole connection, has passed."""
        self.cut()

    def leave(self, why: Refusal) -> None:
        """End with ``why`` as soon as no transaction is under way."""
        self.cut()

    def end(self, why: Refusal) -> None:
        """End now, with ``why`` where it can be said; a message that is being accepted gets its reply first."""
        self.cut()

    def cut(self) -> None:
        """End now, unanswered."""
        raise NotImplementedError

    def lost(self) -> None:
        """There is no connection any more."""
        raise NotImplementedError
