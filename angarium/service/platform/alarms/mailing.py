"""Tells a notice by mail: queued as any other, from the null reverse path, so that nothing comes back of it."""

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from angarium.alarms.formats.mail import mail_of
from angarium.alarms.notice import Notice, Words
from angarium.config.alarms import Notify
from angarium.config.schema import Config
from angarium.content.letter import LetterError
from angarium.content.mailbox import read_mailbox
from angarium.queue import (
    MessageIdGenerator,
    Origin,
    QueueError,
    Submission,
    UnixMs,
    message_id_text,
)
from angarium.routing.partition_finder import PartitionFinder, RouteMemory
from angarium.routing.routing import Routing
from angarium.service.platform.alarms.told import Outcome
from angarium.smtp.envelope import Envelope, Recipient

# Ours: what is as old tells nobody anything any more
LIFETIME_MS: Final = 86_400_000
_PRIORITY: Final = 1


class Queue(RouteMemory, Protocol):
    def accept(self, batch: Sequence[Submission]) -> Awaitable[None]: ...


class NoticeMail:
    def __init__(self, config: Config, queue: Queue, clock: Callable[[], UnixMs]) -> None:
        self._hostname = config.server.hostname
        self._queue = queue
        self._new_message_id = MessageIdGenerator(clock, os.urandom)
        self._clock = clock
        self._partition_of = PartitionFinder(Routing.of(config), queue)

    def exchange(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self._partition_of.exchange(Routing.of(config))

    async def send(self, notify: Notify, notice: Notice, words: Words) -> Outcome:
        """Queue it; it is on disk on return."""
        try:
            await self._queue.accept([self._submission(notify, notice, words)])
        except (LetterError, QueueError) as error:
            return Outcome(problem=str(error))
        return Outcome()

    def _submission(self, notify: Notify, notice: Notice, words: Words) -> Submission:
        """Raises LetterError."""
        now, message_id = self._clock(), self._new_message_id()
        sender = notify.sender or f"postmaster@{self._hostname}"
        header_id = f"<{message_id_text(message_id)}@{self._hostname}>"
        built = mail_of(notice, words, sender=sender, to=notify.to, message_id=header_id)
        addresses = [read_mailbox(each, "to").address for each in notify.to]
        recipients = tuple(
            Recipient(forward_path=each.text, domain=each.domain) for each in addresses
        )
        return Submission(
            message_id=message_id,
            priority=_PRIORITY,
            stream="transactional",
            envelope=Envelope(
                reverse_path="",
                recipients=recipients,
                smtputf8=any(not each.text.isascii() for each in addresses),
                body_8bit=not built.content.isascii(),
            ),
            content=built.content,
            header_octets=built.header_octets,
            header_from=read_mailbox(sender, "sender").address.domain,
            message_id_header=header_id,
            accepted=now,
            expires=UnixMs(now + LIFETIME_MS),
            # Of our own, as DSNs are: no figure of anybody's mail counts it
            origin=Origin(kind="dsn"),
            partitions=tuple(self._partition_of(each.domain) for each in addresses),
        )
