"""Where the history is, and of what, by the configuration. Opens nothing, and knows no SQL."""

from collections.abc import Callable
from typing import Final

from angarium.config.schema import Config
from angarium.queue.events.accepted import MessageAccepted

_FILE: Final = "sqlite:///history.db"

Keeps = Callable[[MessageAccepted], bool]


def history_url(config: Config) -> str:
    """Return the database's URL: with SQLite a file of its own, so that its writer never keeps a command waiting."""
    if config.history.database:
        return config.history.database
    tenancy = config.tenancy.database
    return _FILE if tenancy.startswith("sqlite:") else tenancy


def keeps_of(config: Config) -> Keeps:
    """Return what says, by its first event, whether a message has a history. What we tell senders has none."""
    if config.history_of == "none":
        return lambda _: False
    if config.history_of == "all":
        return lambda accepted: accepted.origin.kind != "dsn"
    return lambda accepted: accepted.origin.kind == "api"
