"""A real PostgreSQL for tests, where its programs are installed."""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NUMBERS = itertools.count(1)


def find_program(name: str) -> str | None:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    return shutil.which(name)


class Postgres:
    """A cluster of its own in a temporary folder, reached by a socket in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = "nobody" if os.geteuid() == 0 else None
        name = self.user or pwd.getpwuid(os.geteuid()).pw_name
        if self.user:
            found = pwd.getpwnam(name)
            os.chown(folder, found.pw_uid, found.pw_gid)
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "postgres", "--no-sync")
        # No port is taken: it listens on its socket only
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def new_database(self) -> str:
        """Return the URL of an empty one."""
        name = f"t{next(NUMBERS)}"
        self._run("psql", "-h", str(self.folder), "-U", "postgres", "-c", f"CREATE DATABASE {name}")
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        path = find_program(program)
        assert path is not None
        subprocess.run(
            [path, *arguments],
            cwd=self.folder,
            user=self.user,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    if not all(map(find_program, ("initdb", "pg_ctl", "psql", "postgres"))):
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server: Postgres | None = None
    try:
        server = Postgres(folder)
        yield server
    finally:
        if server is not None:
            with contextlib.suppress(subprocess.SubprocessError):
                server.stop()
        shutil.rmtree(folder, ignore_errors=True)
