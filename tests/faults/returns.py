"""What comes back in a fault run: receivers that bounce, complain, unsubscribe and forge; the audit of what follows.

Each address that is reported is written to once more before its report is brought. The sink takes none of that for
now, so it waits in the queue while its recipient is suppressed; and once more when all suppressions are in force.
"""

import asyncio
import hashlib
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from angarium.access.reference_keys import read_keys
from angarium.feedback.reference import Purpose, ReferenceKeys, Subject, Valid
from angarium.queue.wall_clock import wall_clock
from tests.faults.courier import Book, Courier, Errand
from tests.faults.harness import DRAIN_S, Harness, loopback_address, run_harness, sink_address
from tests.faults.report_mails import SENDER, complaint, dsn
from tests.faults.returns_audit import IN_TRANSFER_S, audit, suppressed_at
from tests.faults.server import SMTP_PORT, sink_ports, smart_host_routes

INBOUND_PORT = 2526
RETURN_PATHS = "b.sender.example"
FEEDBACK = "fbl@sender.example"
COURIERS = 2
KINDS = ("dsn", "dsn", "complaint", "unsubscribe", "forged", "misdirected", "guessed", "", "")

MORE = f"""
[[listener]]
kind = "inbound"
address = "{{host}}:{INBOUND_PORT}"

[feedback]
return_path_domain = "{RETURN_PATHS}"
feedback_addresses = ["{FEEDBACK}"]

[breaker]
enabled = false
"""


def again(address: str) -> Errand:
    """One more mail to an address."""
    body = b"once more\r\n"
    digest = hashlib.sha256(body).hexdigest()
    head = f"From: {SENDER}\r\nX-Again: yes\r\nX-Digest: {digest}\r\n\r\n"
    # From nobody: nobody is told that it was not sent
    return Errand(reverse_path="", recipient=address, content=head.encode() + body, about=address)


class Returns:
    """Everybody who gets mail of the harness, with a mind of their own by seed."""

    def __init__(self, harness: Harness, seed: int, directory: Path) -> None:
        self.harness = harness
        self.reports = Book(directory / "reports")
        self.letters = Book(directory / "letters")  # those that are written once more
        self.suppressed: set[str] = set()  # to be, once all is settled
        self.unharmed: set[str] = set()  # of whom something is said that nobody is to believe
        self.sent_again: Counter[str] = Counter()  # that the sink took
        self._chance = random.Random(seed)
        self._seen: set[str] = set()
        self._forger = ReferenceKeys({1: bytes(32)}, 30)
        self._keys: ReferenceKeys | None = None
        self._tasks: list[asyncio.Task[None]] = []
        harness.sink.on_taken = self._taken

    def start(self) -> None:
        host = self.harness.server.host
        for port, book in ((INBOUND_PORT, self.reports), (SMTP_PORT, self.letters)):
            for _ in range(COURIERS):
                self._tasks.append(asyncio.create_task(Courier(host, port, book).run()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reports.close()
        self.letters.close()

    @property
    def keys(self) -> ReferenceKeys:
        if self._keys is None:
            self._keys = ReferenceKeys(read_keys(self.harness.server_file("feedback.key")), 30)
        return self._keys

    def report_something(self) -> None:
        """Have a report brought that has no reference, whether mail is delivered or not."""
        address = "somebody@elsewhere.example"
        errand = Errand(
            reverse_path="",
            recipient=FEEDBACK,
            content=dsn(FEEDBACK, address, ""),
            about=address,
            event="report_unmatched",
            reason="unsigned",
        )
        self.reports.due.append(errand)

    def _taken(self, reverse_path: str, recipients: list[str], head: str) -> None:
        if "\nX-Again: " in head:
            self.sent_again.update(recipients)
            return
        token = re.search(r"X-Angarium-Reference: (\S+)", head)
        for address in recipients:
            if token is None or address in self._seen or address == SENDER:
                continue
            self._seen.add(address)
            errand = self._react(address, reverse_path, token[1], is_alone=len(recipients) == 1)
            if errand is not None:
                self.harness.sink.held.add(address)
                (self.suppressed if errand.suppresses else self.unharmed).add(address)
                self.letters.due.append(again(address))
                self.reports.due.append(errand)

    def _react(
        self, address: str, return_path: str, token: str, *, is_alone: bool
    ) -> Errand | None:
        kind = self._chance.choice(KINDS)
        if kind == "unsubscribe" and not is_alone:
            kind = "dsn"  # only a reference to one person may ask for no more
        local_part = return_path.partition("@")[0]
        found = self.keys.verify(local_part, wall_clock())
        assert isinstance(found, Valid), (return_path, found)
        match kind:
            case "dsn":
                to, token = self._chance.choice(((return_path, ""), (FEEDBACK, token)))
                return Errand(
                    reverse_path="",
                    recipient=to,
                    content=dsn(to, address, token),
                    about=address,
                    event="report_bounced",
                    names=address,
                    suppresses=True,
                )
            case "complaint":
                return Errand(
                    reverse_path="fbl@elsewhere.example",
                    recipient=FEEDBACK,
                    content=complaint(FEEDBACK, address, token),
                    about=address,
                    event="complained",
                    # Of several who got the mail, it may be any
                    names=address if is_alone else "",
                    suppresses=is_alone,
                )
            case "unsubscribe":
                subject = self._subject(token, address)
                to = self.keys.local_part(subject, wall_clock(), Purpose.UNSUBSCRIBE)
                return Errand(
                    reverse_path=address,
                    recipient=f"{to}@{RETURN_PATHS}",
                    content=f"From: {address}\r\nSubject: unsubscribe\r\n\r\n".encode(),
                    about=address,
                    event="unsubscribed",
                    names=address,
                    suppresses=True,
                )
            case "forged":
                forged = self._forger.token(self._subject(token, address), wall_clock())
                return Errand(
                    reverse_path="",
                    recipient=FEEDBACK,
                    content=dsn(FEEDBACK, address, forged),
                    about=address,
                    event="report_unmatched",
                    reason="forged",
                )
            case "misdirected":
                return Errand(
                    reverse_path="",
                    recipient=return_path,
                    content=dsn(return_path, f"no-{address}", ""),
                    about=address,
                    event="report_unmatched",
                    reason="other-recipient",
                )
            case "guessed":
                guess = self._forger.local_part(self._subject(token, address), wall_clock())
                return Errand(
                    reverse_path="",
                    recipient=f"{guess}@{RETURN_PATHS}",
                    content=dsn("", address, ""),
                    about=address,
                )
            case _:
                return None

    def _subject(self, token: str, address: str) -> Subject:
        found = self.keys.verify(token, wall_clock())
        assert isinstance(found, Valid), found
        reference = found.reference
        return Subject(
            message_id=reference.message_id,
            index=reference.index or 0,
            address=address,
            tenant=reference.tenant,
            stream=reference.stream,
        )

    def summary(self) -> str:
        book = self.reports
        events = Counter(each.event for each in book.acknowledged.values())
        return (
            f"{self.harness.state().partition(';')[0]}; {dict(events)} taken of {book.offered} reports,"
            f" {len(book.rejected)} rejected, {dict(book.refused)} refused;"
            f" {len(self.suppressed)} suppressed; {len(self.letters.acknowledged)} letters once more,"
            f" {self.sent_again.total()} of them at the sink"
        )

    async def until_brought(self, more: int) -> None:
        """Wait until ``more`` further reports have their 250."""
        wanted = len(self.reports.acknowledged) + more
        await self.harness.until(
            lambda: len(self.reports.acknowledged) >= wanted, f"{more} reports are taken"
        )

    async def finish(self, *, errors: Iterable[str]) -> None:
        """Have all brought and read, write once more to everybody who was reported, stop, and hold it all together."""
        harness = self.harness
        await harness.unload()
        await self._until_all_is_brought()
        await self._until_all_is_suppressed()
        await asyncio.sleep(IN_TRANSFER_S / 2)
        harness.sink.held.clear()
        self.letters.due.extend(map(again, sorted(self.suppressed | self.unharmed)))
        await self._until_all_is_brought()
        found = await harness.drained()
        assert found["stale_readers"] == 0
        exported = await harness.suppressions()
        await harness.server.stop()
        print(self.summary())
        audit(self, harness.mail_log(), found, exported)
        unexpected = [
            line
            for line in harness.server.log_lines()
            if line["level"] == "error" and line["event"] not in errors
        ]
        assert not unexpected, unexpected[:5]

    async def _until_all_is_brought(self) -> None:
        await self.harness.until(
            lambda: self.reports.is_done and self.letters.is_done, "all is brought"
        )

    async def _until_all_is_suppressed(self) -> None:
        until = time.monotonic() + DRAIN_S
        while missing := self.suppressed - set(suppressed_at(self.harness.mail_log())):
            assert time.monotonic() < until, f"never suppressed: {sorted(missing)[:5]}"
            await asyncio.sleep(0.3)


@asynccontextmanager
async def run_returns(directory: Path, seed: int, **options: Any) -> AsyncIterator[Returns]:
    """Have a harness of which mail comes back; nothing of it is left behind."""
    address = sink_address(seed)
    route = (
        f'[[route]]\ndomain = "sender.example"\nvia = "smtp://{address}:{sink_ports(address)[0]}"'
    )
    async with run_harness(
        directory,
        seed,
        start=False,
        routes=f"{smart_host_routes(address)}\n{route}\n",
        more=MORE.format(host=loopback_address(seed)),
        **options,
    ) as harness:
        returns = Returns(harness, seed + 3, directory)
        try:
            await harness.server.start_and_wait()
            returns.start()
            yield returns
        finally:
            await returns.stop()
