"""The platform's database: SQLite in the data directory, or PostgreSQL by URL; brought to the newest form when opened.

Blocks: never on an event loop. What is read on the way of a message comes from ``snapshot``, not from here.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from angarium.tenancy.audit.chain import Note, append_notes
from angarium.tenancy.engine import make_engine, translating
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.tables import CHANGE

# The newest step of ``migrations``: a test holds them equal
NEWEST: Final = "0011"
# Of PostgreSQL's advisory locks; ours: "ang"
_MIGRATION_LOCK: Final = 0x616E67
_KEY: Final = "tenancy.database"
_PRAGMAS: Final = ("foreign_keys = ON", "synchronous = FULL")


class Database:
    """Invariant DB1: each transaction that changes what is published raises ``change.version`` in it, and so they are
    one after the other.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name: Final = engine.url.render_as_string(hide_password=True)  # P8

    @classmethod
    def open(cls, url: str, data_dir: Path) -> "Database":
        """Make what is missing. On disk when it returns. Raises TenancySetupError."""
        database = cls(make_engine(url, data_dir, _KEY, _PRAGMAS))
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
            notes: list[Note] = []
            connection = connection.execution_options(writes=True, notes=notes)
            with connection.begin():
                connection.execute(sa.update(CHANGE).values(version=CHANGE.c.version + 1))  # DB1
                yield connection
                append_notes(connection, notes)

    @contextlib.contextmanager
    def noting(self) -> Iterator[Connection]:
        """The same for what nobody has in memory: no version is raised, so nothing is published anew.

        Raises TenancySetupError.
        """
        with self._translating(), self._engine.connect() as connection:
            notes: list[Note] = []
            connection = connection.execution_options(writes=True, notes=notes)
            with connection.begin():
                yield connection
                append_notes(connection, notes)

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

    def _translating(self) -> contextlib.AbstractContextManager[None]:
        return translating(_KEY, self.name)


def read_version(connection: Connection) -> int:
    return int(connection.execute(sa.select(CHANGE.c.version)).scalar_one())


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
