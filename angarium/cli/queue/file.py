"""Where the queue is, and in words why it cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from angarium.cli.asking import refusal_error
from angarium.cli.exit import (
    EX_CONFIG,
    EX_DATAERR,
    EX_IOERR,
    EX_NOINPUT,
    EX_NOPERM,
    EX_TEMPFAIL,
    EX_USAGE,
    CommandError,
)
from angarium.config.schema import Config
from angarium.insight.admin.queue_acts import EMPTY_FILTER
from angarium.queue import (
    DamagedQueueError,
    EmptyFilterError,
    QueueBusyError,
    QueueError,
    SchemaError,
)
from angarium.queue.spool import UnknownHoldRuleError


def queue_path(config: Config) -> Path:
    return Path(config.server.data_dir) / "queue"


@contextmanager
def queue_errors() -> Iterator[None]:
    """Turn what the queue raises into words and exit codes."""
    try:
        yield
    except FileNotFoundError as error:
        advice = "has this server run yet? is it the right --config?"
        raise CommandError(f"{error}; {advice}", EX_NOINPUT) from None
    except PermissionError as error:
        advice = "run this as root or as the server's user"
        raise CommandError(f"{error.filename}: permission denied; {advice}", EX_NOPERM) from None
    except EmptyFilterError:
        raise refusal_error(EMPTY_FILTER) from None
    except UnknownHoldRuleError as error:
        raise CommandError(str(error), EX_NOINPUT) from None
    except QueueBusyError as error:
        raise CommandError(str(error), EX_TEMPFAIL) from None
    except DamagedQueueError as error:
        raise CommandError(str(error), EX_DATAERR) from None
    except SchemaError as error:
        raise CommandError(str(error), EX_CONFIG) from None
    except ValueError as error:
        raise CommandError(str(error), EX_USAGE) from None
    except QueueError as error:
        raise CommandError(str(error), EX_IOERR) from None
