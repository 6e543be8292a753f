"""The platform's database: SQLite in the data directory, or PostgreSQL by URL; brought to the newest form when opened.

Blocks: never on an event loop. What is read on the way of a message comes from ``snapshot``, not from here.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from angarium.tenancy.location import sqlite_path
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.tables import CHANGE

# Ours: commands and the server change it a row at a time
BUSY_S: Final = 20
CONNECT_S: Final = 5  # to PostgreSQL; ours: a server that stops waits for it
# The newest step of ``migrations``: a test holds them equal
NEWEST: Final = "0001"
# Of PostgreSQL's advisory locks; ours: "ang"
_MIGRATION_LOCK: Final = 0x616E67


class Database:
    """Invariant DB1: each transaction that changes something raises ``change.version`` in it, and so they are one
    after the other.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name: Final = engine.url.render_as_string(hide_password=True)  # P8

    @classmethod
    def open(cls, url: str, data_dir: Path) -> "Database":
        """Make what is missing. On disk when it returns. Raises TenancySetupError."""
        database = cls(_engine(url, data_dir))
        try:
            with database._translating():
                database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        self._engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that sees one state. Raises TenancySetupError."""
        with self._translating(), self._engine.connect() as connection:
            # There, each statement would see a state of its own
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def changing(self) -> Iterator[Connection]:
        """Give a transaction that is on disk when the block ends, and undone when it raises.

        Raises TenancySetupError.
        """
        with self._translating(), self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                connection.execute(sa.update(CHANGE).values(version=CHANGE.c.version + 1))  # DB1
                yield connection

    def version(self) -> int:
        """Return the number of changes so far. Raises TenancySetupError."""
        with self.reading() as connection:
            return read_version(connection)

    def _migrate(self) -> None:
        with self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                found = _find_step(connection)
                if found == NEWEST:
                    return
                if found is not None and found > NEWEST:
                    raise TenancySetupError(
                        f"tenancy.database: {self.name} is of a newer Angarium (step {found}; this one knows"
                        f" {NEWEST}): use that one"
                    )
                _upgrade(connection)

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            said = str(getattr(error, "orig", None) or error).partition("\n")[0].strip()
            raise TenancySetupError(f"tenancy.database: {self.name}: {said}") from error


def read_version(connection: Connection) -> int:
    return int(connection.execute(sa.select(CHANGE.c.version)).scalar_one())


def _engine(url: str, data_dir: Path) -> Engine:
    path = sqlite_path(url, data_dir)
    if path is None:
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise TenancySetupError(
                "tenancy.database: not a URL: write sqlite:///platform.db or postgresql://user@host/name"
            ) from None
        if parsed.get_backend_name() != "postgresql":
            raise TenancySetupError(
                f"tenancy.database: {parsed.get_backend_name()} is neither sqlite nor postgresql"
            )
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": CONNECT_S},
            pool_pre_ping=True,
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))  # P8
    except OSError as error:
        text = f"tenancy.database: {path} cannot be made: {error.strerror}"
        raise TenancySetupError(text) from None
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    """Who writes waits for its turn at once: two who have read first could not both go on."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _find_step(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _upgrade(connection: Connection) -> None:
    # Imported where a step is to be taken: it costs a tenth of a second
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
