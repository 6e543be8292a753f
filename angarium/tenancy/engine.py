"""Connections to a database by its URL: SQLite in the data directory, or PostgreSQL. Blocks: never on an event loop."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from angarium.host.database_file import make_database_file
from angarium.tenancy.location import sqlite_path
from angarium.tenancy.model import TenancySetupError

# Ours: commands and the server change it a row at a time
BUSY_S: Final = 20
CONNECT_S: Final = 5  # to PostgreSQL; ours: a server that stops waits for it


def make_engine(url: str, data_dir: Path, key: str, pragmas: Sequence[str] = ()) -> Engine:
    """Make the file of SQLite, mode 0600, where there is none. ``key`` is what the configuration calls the URL;
    ``pragmas`` are for each connection to SQLite. Raises TenancySetupError.
    """
    path = sqlite_path(url, data_dir, key)
    if path is None:
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise TenancySetupError(
                f"{key}: not a URL: write sqlite:///platform.db or postgresql://user@host/name"
            ) from None
        if parsed.get_backend_name() != "postgresql":
            raise TenancySetupError(
                f"{key}: {parsed.get_backend_name()} is neither sqlite nor postgresql"
            )
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": CONNECT_S},
            pool_pre_ping=True,
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_database_file(path)
    except OSError as error:
        text = f"{key}: {path} cannot be made: {error.strerror}"
        raise TenancySetupError(text) from None
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _setting_up(pragmas))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextlib.contextmanager
def translating(key: str, name: str) -> Iterator[None]:
    """Turn what the database says into a TenancySetupError."""
    try:
        yield
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).partition("\n")[0].strip()
        raise TenancySetupError(f"{key}: {name}: {said}") from error


def _setting_up(pragmas: Sequence[str]) -> Callable[[Any, object], None]:
    def set_up(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin where we say
        for each in pragmas:
            connection.execute(f"PRAGMA {each}")

    return set_up


def _begin_sqlite(connection: Connection) -> None:
    """Who writes waits for its turn at once: two who have read first could not both go on."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
