"""Which lines of the mail log an operator means. Pure."""

from typing import Final

from angarium.insight.admin.log_reads import LogQuery
from angarium.service.platform.mail_record import MailRecord
from angarium.telemetry.timestamp import rfc3339

# Ours, of messages whose later lines are looked for, since only `accepted` has their Message-ID
FOLLOWED: Final = 10_000


class LogFilter:
    """Asked of the lines in their order."""

    def __init__(self, query: LogQuery) -> None:
        self._recipients = tuple([each.casefold() for each in query.recipients])
        self._senders = tuple([each.casefold() for each in query.senders])
        self._message_ids = frozenset([_bare(each) for each in query.message_ids])
        self._ids = tuple([_id(each) for each in query.ids])
        self._since = "" if query.since is None else rfc3339(query.since)
        self._providers = frozenset([each.casefold() for each in query.providers])
        self._provider_octets = tuple(self._providers)
        self._events = frozenset(query.events)
        self._event_octets = tuple(self._events)
        self._followed: dict[str, None] = {}

    def may_match(self, line: bytes) -> bool:
        """Whether a line may match: a look at its octets, far cheaper than decoding it."""
        folded = line.lower()
        return (
            _has_one(folded, self._ids_octets())
            and _has_one(folded, self._recipients)
            and _has_one(folded, self._provider_octets)
            and _has_one(folded, self._event_octets)
        )

    def matches(self, record: MailRecord) -> bool:
        return (
            record.ts >= self._since
            and (not self._events or record.event in self._events)
            and (not self._providers or record.provider.casefold() in self._providers)
            and (not self._recipients or self._has_recipient(record))
            and (not self._senders or self._has_sender(record))
            and (not self._ids or self._has_id(record))
            and (not self._message_ids or self._has_message_id(record))
        )

    def _has_recipient(self, record: MailRecord) -> bool:
        told = (record.recipient, *record.recipients)
        return any(is_address(wanted, each) for each in told if each for wanted in self._recipients)

    def _has_sender(self, record: MailRecord) -> bool:
        if not record.message:
            return False  # about a rule, whose condition this is
        return any(is_address(wanted, record.sender) for wanted in self._senders)

    def _has_id(self, record: MailRecord) -> bool:
        for beginning, index in self._ids:
            is_meant = not index or record.recipients or record.id.endswith(f".{index}")
            if record.message.startswith(beginning) and is_meant:
                return True
        return False

    def _has_message_id(self, record: MailRecord) -> bool:
        if record.message_id_header and _bare(record.message_id_header) in self._message_ids:
            if len(self._followed) >= FOLLOWED:
                del self._followed[next(iter(self._followed))]
            self._followed[record.message] = None
        return record.message in self._followed

    def _ids_octets(self) -> tuple[str, ...]:
        return tuple([beginning for beginning, _ in self._ids])


def is_address(wanted: str, address: str) -> bool:
    """``wanted`` is casefolded: an address, "@domain", or "name@"; "" is the null reverse-path."""
    folded = address.casefold()
    if not wanted:
        return not folded
    if wanted.startswith("@"):
        return folded.endswith(wanted)
    return folded.startswith(wanted) if wanted.endswith("@") else folded == wanted


def _bare(message_id: str) -> str:
    return message_id.strip().removeprefix("<").removesuffix(">").casefold()


def _id(text: str) -> tuple[str, str]:
    """Return how the message's id begins, as it is written, and the recipient's index or ""."""
    beginning, _, index = text.partition(".")
    digits = beginning.replace("-", "").lower()
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(part for part in parts if part), index


def _has_one(folded: bytes, wanted: tuple[str, ...]) -> bool:
    """Whether the line has one of these texts; one that is not ASCII may be written in several ways."""
    if not wanted or not all(each.isascii() for each in wanted):
        return True
    return any(each.encode() in folded for each in wanted)
