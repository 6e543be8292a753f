"""What a reply or a loss says of how the session was spoken, rather than of the message: the next one does otherwise.
Pure.

Every search here is for plain words in a text of at most 1,000 characters (C4).
"""

import enum
from typing import Final

from angarium.smtp.client.capabilities import Capabilities
from angarium.smtp.client.stage import ClientStage
from angarium.smtp.reply import Reply, enhanced_status, text


class Remedy(enum.Enum):
    WITH_TLS = "with TLS"
    WITHOUT_CHUNKING = "without CHUNKING"
    WITHOUT_PIPELINING = "without PIPELINING"
    WITHOUT_EARLY_CONTENT = "content only when the host has answered"


# Of a transaction
_STAGES: Final = ("mail", "rcpt", "data", "final_dot")
# RFC 3207 section 4: 530 must issue a STARTTLS command first. RFC 5248: X.7.10 encryption needed; Gmail's X.7.29.
_TLS_CODE: Final = 530
_TLS_STATUS: Final = (".7.10", ".7.11", ".7.29")
# As words of their own: addresses and links in a reply may have them as parts
_TLS_WORDS: Final = frozenset(
    {"starttls", "tls", "ssl", "ssl/tls", "tls/ssl", "encrypt", "encrypted", "encryption"}
)
# RFC 3463: addresses and mailboxes, which have nothing to do with it
_NOT_TLS: Final = (".1.", ".2.")
# Nobody refuses a recipient or a message by these (RFC 5321 section 4.2.4): the command was not understood.
_NOT_UNDERSTOOD: Final = (500, 502, 503)
# For BDAT also its arguments: with a length and LAST, there is nothing else to say (RFC 3030 section 2)
_BDAT_NOT_UNDERSTOOD: Final = (*_NOT_UNDERSTOOD, 501, 504)
_PIPELINING_WORDS: Final = ("pipelin", "synchroni", "out of sync")


def remedy_of_reply(
    stage: ClientStage, reply: Reply, offered: Capabilities, *, skipped_tls: bool
) -> Remedy | None:
    """Return how the host may take what it refused.

    ``offered``: what the session made use of. ``skipped_tls``: the host offers TLS, and it was not used.
    """
    code = reply.code
    if code < 400 or stage not in _STAGES:
        return None
    if skipped_tls and asks_for_tls(reply):
        return Remedy.WITH_TLS
    if stage == "final_dot":
        is_refused = offered.chunking and code in _BDAT_NOT_UNDERSTOOD
        return Remedy.WITHOUT_CHUNKING if is_refused else None
    if offered.pipelining:
        words = text(reply).lower()
        if code in _NOT_UNDERSTOOD or any(each in words for each in _PIPELINING_WORDS):
            return Remedy.WITHOUT_PIPELINING
    return None


def asks_for_tls(reply: Reply) -> bool:
    """Whether what was refused in the clear may be taken under TLS."""
    enhanced = enhanced_status(reply)
    if reply.code == _TLS_CODE or enhanced[1:] in _TLS_STATUS:
        return True
    if enhanced[1:4] in _NOT_TLS:
        return False
    return any(each.strip(".,;:!()'\"") in _TLS_WORDS for each in text(reply).lower().split())


def remedy_of_loss(
    stage: str, offered: Capabilities, *, is_first: bool, content_sent: bool
) -> Remedy | None:
    """Return what to do without after a session was lost, silent or out of step where ``stage`` was awaited.

    ``is_first``: it had carried no message before. For one that had, what it was told in is no suspect.
    """
    if not is_first:
        is_early = content_sent and stage in ("rset", "mail")
        return Remedy.WITHOUT_EARLY_CONTENT if is_early else None
    if offered.chunking and (content_sent or stage == "data"):
        return Remedy.WITHOUT_CHUNKING
    if offered.pipelining and not content_sent and stage in ("mail", "rcpt", "data"):
        return Remedy.WITHOUT_PIPELINING
    return None
