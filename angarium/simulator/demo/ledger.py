"""What became of each recipient, from the server's mail log. No I/O."""

import contextlib

import msgspec

from angarium.simulator.demo.plan import Plan

COMING_BACK = frozenset({"report_bounced", "complained", "suppression_added"})
FINAL = frozenset({"delivered", "relayed", "bounced", "expired", "cancelled"})


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a mail log record that matter here; others are ignored."""

    event: str
    id: str = ""
    recipient: str = ""
    code: int = 0
    reply: str = ""


class LedgerEntry(msgspec.Struct, kw_only=True):
    """One recipient."""

    submitted: bool = False
    queue_id: str = ""  # <uuid>.<index>
    deferrals: int = 0
    finals: list[str] = msgspec.field(default_factory=list)
    last_reply: str = ""
    came_back: list[str] = msgspec.field(default_factory=list)  # events of what did, and led to


class Row(msgspec.Struct, kw_only=True):
    """One provider's line of the table; counts of recipients, ``deferrals`` of attempts."""

    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    waiting: int = 0  # accepted, no outcome yet
    deferrals: int = 0
    last_reply: str = ""


class Ledger:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.entries = {recipient: LedgerEntry() for recipient in plan.expected}
        self.rows = {provider: Row() for provider in plan.provider.values()}
        self.unmatched = 0  # reports that were not believed

    def submit(self, recipients: tuple[str, ...]) -> None:
        """The server said 250 to a message to these."""
        for recipient in recipients:
            self.entries[recipient].submitted = True
            self._row(recipient).sent += 1

    def read(self, line: bytes) -> None:
        """Take one line of the mail log."""
        try:
            record = msgspec.json.decode(line, type=LogLine)
        except msgspec.MsgspecError:
            return
        self.unmatched += record.event == "report_unmatched"
        entry = self.entries.get(record.recipient)
        if entry is None:
            return  # "accepted", or a DSN on its way to a sender
        row = self._row(record.recipient)
        if record.event in COMING_BACK:
            entry.came_back.append(record.event)
            return
        entry.queue_id = record.id
        if record.event == "deferred":
            entry.deferrals += 1
            row.deferrals += 1
        if record.event in FINAL:
            entry.finals.append(record.event)
            if record.event in ("delivered", "bounced"):
                setattr(row, record.event, getattr(row, record.event) + 1)
        if record.reply:
            entry.last_reply = reply_text(record)
            row.last_reply = entry.last_reply

    def waiting(self, row: Row) -> int:
        return row.sent - row.delivered - row.bounced

    def waits(self, recipient: str) -> bool:
        """Whether it was tried in vain, or would have been: a site that is down is not asked for each recipient."""
        return bool(self.entries[recipient].deferrals or self._row(recipient).deferrals)

    def is_settled(self) -> bool:
        """True when each recipient is where the plan wants it, so far."""
        for recipient, entry in self.entries.items():
            if self.plan.expected[recipient] == "waiting":
                if not self.waits(recipient):
                    return False
            elif not entry.finals:
                return False
        return True

    def has_come_back(self) -> bool:
        """Whether all that was to come back has, and what was forged has been looked at."""
        wanted = self.plan.later.items()
        return all(
            {event, "suppression_added"} <= {*self.entries[recipient].came_back}
            for recipient, event in wanted
        ) and bool(self.unmatched or not wanted)

    def bounced(self) -> set[str]:
        return {r for r, entry in self.entries.items() if "bounced" in entry.finals}

    def returned(self) -> set[str]:
        """Whose message did not reach them, said at once or after it was taken: their senders are to be told."""
        later = {r for r, entry in self.entries.items() if "report_bounced" in entry.came_back}
        return self.bounced() | later

    def find_waiting(self) -> str | None:
        """Return the queue id of a recipient that waits, for the commands to try."""
        with contextlib.suppress(StopIteration):
            return next(e.queue_id for e in self.entries.values() if e.queue_id and not e.finals)
        return None

    def _row(self, recipient: str) -> Row:
        return self.rows[self.plan.provider[recipient]]


def reply_text(record: LogLine) -> str:
    """The reply as a peer said it, or our own reason."""
    code = (
        f"{record.code} " if record.code and not record.reply.startswith(str(record.code)) else ""
    )
    return code + " ".join(record.reply.split())
