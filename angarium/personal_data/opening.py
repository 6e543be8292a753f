"""All stores of an installation, by its configuration. Blocks."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import sqlalchemy as sa

from angarium.access.credential_file import credential_path
from angarium.campaigns.source import campaigns_directory
from angarium.config.schema import Config
from angarium.history.database import HistoryDatabase
from angarium.history.opening import history_url
from angarium.history.story import HistoryAwayError
from angarium.history.tables import EVENT
from angarium.personal_data.history_store import HistoryStore
from angarium.personal_data.mail_log_store import MailLogStore
from angarium.personal_data.outbox_store import OutboxStore
from angarium.personal_data.platform_store import Accounts, AuditStore
from angarium.personal_data.queue_stores import (
    CampaignRows,
    EventLog,
    OtherRecords,
    Reports,
    Suppressions,
    WaitingMail,
)
from angarium.personal_data.store import PersonalStore, StoreAwayError
from angarium.personal_data.table_files import TableFiles
from angarium.queue.lmdb.person.operator import PersonOperator
from angarium.queue.spool import Clock
from angarium.service.data_dir import DataDir
from angarium.tenancy.location import sqlite_path
from angarium.tenancy.platform import Platform
from angarium.uploads import uploads_directory
from angarium.webhooks.outbox import FILE_NAME as OUTBOX_FILE


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """In the order in which they are erased: what others are made of comes first."""

    queue: PersonOperator
    of_queue: tuple[PersonalStore, ...]
    events: PersonalStore
    made_of_events: tuple[PersonalStore, ...]
    others: tuple[PersonalStore, ...]
    server: str | None  # the pid of the server that uses them

    def all(self) -> tuple[PersonalStore, ...]:
        return (*self.of_queue, self.events, *self.made_of_events, *self.others)


@contextlib.contextmanager
def opened_stores(config: Config, platform: Platform, clock: Clock) -> Iterator[Stores]:
    """Raises FileNotFoundError (there is no queue), QueueError, StoreAwayError."""
    data_dir = Path(config.server.data_dir)
    server = DataDir(data_dir).find_server()
    with contextlib.ExitStack() as stack:
        queue = PersonOperator.open(data_dir / "queue", config.queue, clock)
        stack.callback(queue.close)
        mail_log = config.log.mail_log or "-"
        yield Stores(
            queue=queue,
            of_queue=(
                Suppressions(queue),
                WaitingMail(queue),
                Reports(queue),
                CampaignRows(queue),
                OtherRecords(queue),
            ),
            events=EventLog(queue),
            made_of_events=(
                *_history(config, data_dir, stack),
                MailLogStore(mail_log, is_written=server is not None),
                *_outbox(data_dir),
            ),
            others=(
                TableFiles(uploads_directory(data_dir), campaigns_directory(data_dir)),
                AuditStore(platform),
                Accounts(platform, credential_path(config.server.data_dir)),
            ),
            server=server,
        )


def _history(config: Config, data_dir: Path, stack: contextlib.ExitStack) -> list[PersonalStore]:
    """One that is there, whether it is still written or not."""
    url = history_url(config)
    path = sqlite_path(url, data_dir, "history.database")
    if path is not None and not path.exists():
        return []
    try:
        database = HistoryDatabase(url, data_dir)
        stack.callback(database.close)
        with database.reading() as connection:
            if not sa.inspect(connection).has_table(EVENT.name):
                return []
    except HistoryAwayError as error:
        raise StoreAwayError(str(error)) from error
    return [HistoryStore(database)]


def _outbox(data_dir: Path) -> list[PersonalStore]:
    path = data_dir / OUTBOX_FILE
    return [OutboxStore(path)] if path.exists() else []
