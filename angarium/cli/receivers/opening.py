"""Opens the file of reports for a command: as whose it is, beside a server that may run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from angarium.cli.config_option import load_for_queue
from angarium.cli.exit import EX_CONFIG, EX_DATAERR, EX_IOERR, CommandError
from angarium.config.error import ConfigError
from angarium.config.schema import Config
from angarium.host.owner import acting_as_owner
from angarium.queue.wall_clock import wall_clock
from angarium.receiver_reports.report_file import ReportFile, ReportsAwayError, ReportView
from angarium.receiver_reports.span import Days, SpanError, read_days
from angarium.receiver_reports.tables import ReportReader

DAY_S: Final = 86_400


def load_config(config_file: Path) -> Config:
    try:
        return load_for_queue(config_file)
    except ConfigError as error:
        raise CommandError(str(error), EX_CONFIG) from None


def today() -> int:
    return wall_clock() // 1000 // DAY_S


def days_of(first: str, to: str) -> Days:
    try:
        return read_days(first, to, today())
    except SpanError as error:
        raise CommandError(f"--{error}", EX_DATAERR) from None


@contextmanager
def reading(config: Config) -> Iterator[ReportReader]:
    """Raises CommandError."""
    data_dir = _data_dir(config)
    try:
        with acting_as_owner(data_dir):
            reader = ReportReader(ReportView(data_dir))
            try:
                yield reader
            finally:
                reader.close()
    except ReportsAwayError as error:
        text = f"{error}: no report came yet; `postmaster receivers import FILE` takes one"
        raise CommandError(text, EX_IOERR) from None


@contextmanager
def writing(config: Config) -> Iterator[ReportFile]:
    """Raises CommandError."""
    data_dir = _data_dir(config)
    try:
        with acting_as_owner(data_dir):
            file = ReportFile(data_dir)
            try:
                yield file
            finally:
                file.close()
    except ReportsAwayError as error:
        raise CommandError(str(error), EX_IOERR) from None


def _data_dir(config: Config) -> Path:
    data_dir = Path(config.server.data_dir)
    if not os.access(data_dir, os.X_OK):
        raise CommandError(f"{data_dir}: it is not there, or not for you to read", EX_IOERR)
    return data_dir
