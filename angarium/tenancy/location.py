"""Where the platform's database is, found out without opening it."""

from pathlib import Path
from typing import Final

from angarium.config.schema import Config
from angarium.tenancy.model import TenancySetupError

_SQLITE: Final = "sqlite:///"


def sqlite_path(url: str, data_dir: Path, key: str = "tenancy.database") -> Path | None:
    """Return where the file is; None: it is no SQLite database. Raises TenancySetupError, which names the ``key``."""
    if not url.startswith("sqlite:"):
        return None
    name = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or not name or name == ":memory:" or "?" in name:
        raise TenancySetupError(f"{key}: name a file: sqlite:///platform.db")
    return data_dir / name


def has_database(config: Config) -> bool:
    """Whether there is one: a file is made by the first command that needs it. Raises TenancySetupError."""
    path = sqlite_path(config.tenancy.database, Path(config.server.data_dir))
    return path is None or path.exists()
