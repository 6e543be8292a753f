"""Mail of the server's own to its operators: what it is as a submission to its own queue."""

import os
from collections.abc import Callable, Sequence

from angarium.config.schema import Config
from angarium.content.building import Built
from angarium.content.mailbox import read_mailbox
from angarium.queue import MessageIdGenerator, Origin, Submission, UnixMs, message_id_text
from angarium.routing.partition_finder import PartitionFinder, RouteMemory
from angarium.routing.routing import Routing
from angarium.smtp.envelope import Envelope, Recipient


class OwnMail:
    """It goes from the null reverse path, so that nothing comes back of it, and no figure of anybody's mail has it."""

    def __init__(self, config: Config, queue: RouteMemory, clock: Callable[[], UnixMs]) -> None:
        self._hostname = config.server.hostname
        self._new_message_id = MessageIdGenerator(clock, os.urandom)
        self._clock = clock
        self._partition_of = PartitionFinder(Routing.of(config), queue)

    def exchange(self, config: Config) -> None:
        """Go by another configuration from now on."""
        self._partition_of.exchange(Routing.of(config))

    def submission(
        self,
        written: Callable[[str, str], Built],
        *,
        sender: str | None,
        to: Sequence[str],
        priority: int,
        lifetime_ms: int,
    ) -> Submission:
        """``written``: builds the message, given its author and its Message-ID. ``sender`` None: the postmaster.

        Raises LetterError.
        """
        now, message_id = self._clock(), self._new_message_id()
        author = sender or f"postmaster@{self._hostname}"
        header_id = f"<{message_id_text(message_id)}@{self._hostname}>"
        built = written(author, header_id)
        addresses = [read_mailbox(each, "to").address for each in to]
        return Submission(
            message_id=message_id,
            priority=priority,
            stream="transactional",
            envelope=Envelope(
                reverse_path="",
                recipients=tuple(
                    [Recipient(forward_path=each.text, domain=each.domain) for each in addresses]
                ),
                smtputf8=any(not each.text.isascii() for each in addresses),
                body_8bit=not built.content.isascii(),
            ),
            content=built.content,
            header_octets=built.header_octets,
            header_from=read_mailbox(author, "sender").address.domain,
            message_id_header=header_id,
            accepted=now,
            expires=UnixMs(now + lifetime_ms),
            # Of our own, as DSNs are
            origin=Origin(kind="dsn"),
            partitions=tuple([self._partition_of(each.domain) for each in addresses]),
        )
