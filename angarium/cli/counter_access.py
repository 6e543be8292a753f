"""How commands ask the counters: as who owns the data directory, and with words for what can go wrong."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from angarium.analytics import CountersAwayError
from angarium.analytics.counter_file import CounterView
from angarium.analytics.reading import CounterReader
from angarium.cli.config_option import load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_IOERR, CommandError
from angarium.config.error import ConfigError
from angarium.config.schema import Config
from angarium.host.owner import acting_as_owner


def config_of(config_file: Path) -> Config:
    """Return the configuration of a data directory that may be read. Raises CommandError."""
    try:
        config = load_for_queue(config_file)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    data_dir = Path(config.server.data_dir)
    if not os.access(data_dir, os.X_OK):
        raise CommandError(f"{data_dir}: it is not there, or not for you to read", EX_IOERR)
    return config


@contextlib.contextmanager
def using_counters(data_dir: Path) -> Iterator[CounterReader]:
    """Raises CommandError."""
    try:
        with acting_as_owner(data_dir):
            reader = CounterReader(CounterView(data_dir))
            try:
                yield reader
            finally:
                reader.close()
    except CountersAwayError as error:
        text = f"{error}: nothing was counted yet, or [analytics] counts is false"
        raise CommandError(text, EX_IOERR) from None
