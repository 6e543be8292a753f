"""Tells a notice by mail: queued as any other of the server's own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from angarium.alarms.formats.mail import mail_of
from angarium.alarms.notice import Notice, Words
from angarium.config.alarms import Notify
from angarium.config.schema import Config
from angarium.content.building import Built
from angarium.content.letter import LetterError
from angarium.queue import QueueError, Submission, UnixMs
from angarium.routing.partition_finder import RouteMemory
from angarium.service.platform.alarms.told import Outcome
from angarium.service.platform.own_mail import OwnMail

# Ours: what is as old tells nobody anything any more
LIFETIME_MS: Final = 86_400_000
_PRIORITY: Final = 1


class Queue(RouteMemory, Protocol):
    def accept(self, batch: Sequence[Submission]) -> Awaitable[None]: ...


class NoticeMail:
    def __init__(self, config: Config, queue: Queue, clock: Callable[[], UnixMs]) -> None:
        self._queue = queue
        self._mail = OwnMail(config, queue, clock)

    def exchange(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self._mail.exchange(config)

    async def send(self, notify: Notify, notice: Notice, words: Words) -> Outcome:
        """Queue it; it is on disk on return."""

        def written(author: str, header_id: str) -> Built:
            return mail_of(notice, words, sender=author, to=notify.to, message_id=header_id)

        try:
            submission = self._mail.submission(
                written,
                sender=notify.sender,
                to=notify.to,
                priority=_PRIORITY,
                lifetime_ms=LIFETIME_MS,
            )
            await self._queue.accept([submission])
        except (LetterError, QueueError) as error:
            return Outcome(problem=str(error))
        return Outcome()
