"""How commands reach the outbox of deliveries, with or without a running server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from angarium.cli.exit import EX_IOERR, CommandError
from angarium.config.schema import Config
from angarium.webhooks.outbox import FILE_NAME, Outbox, OutboxError


@contextmanager
def using_outbox(config: Config) -> Iterator[Outbox]:
    """Give it, inside ``using_platform``: files are then the server's user's."""
    try:
        outbox = Outbox(Path(config.server.data_dir) / FILE_NAME)
    except OutboxError as error:
        raise CommandError(str(error), EX_IOERR) from None
    try:
        yield outbox
    finally:
        outbox.close()
