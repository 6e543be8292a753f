"""Asks the running server on its admin sockets, for a command: refusals become words and exit codes."""

from pathlib import Path
from typing import Final, TypeVar

from angarium.cli.exit import (
    EX_IOERR,
    EX_NOINPUT,
    EX_NOPERM,
    EX_SOFTWARE,
    EX_TEMPFAIL,
    EX_UNAVAILABLE,
    EX_USAGE,
    CommandError,
)
from angarium.insight.admin.client import find_slots
from angarium.insight.admin.protocol import Reason, Refused
from angarium.service.data_dir import DataDir

_CODES: Final[dict[Reason, int]] = {
    "not_running": EX_UNAVAILABLE,
    "forbidden": EX_NOPERM,
    "unanswered": EX_TEMPFAIL,
    "version": EX_UNAVAILABLE,
    "malformed": EX_SOFTWARE,
    "not_here": EX_TEMPFAIL,
    "busy": EX_TEMPFAIL,
    "stopping": EX_TEMPFAIL,
    "invalid": EX_USAGE,
    "empty_filter": EX_USAGE,
    "not_found": EX_NOINPUT,
    "no_room": EX_IOERR,
    "failed": EX_IOERR,
}

T = TypeVar("T")


def refusal_error(refused: Refused) -> CommandError:
    return CommandError(refused.text, _CODES[refused.reason])


def answered(answer: T | Refused) -> T:
    """Raises CommandError for a refusal."""
    if isinstance(answer, Refused):
        raise refusal_error(answer)
    return answer


def find_running(data_dir: Path, *roles: str) -> list[str]:
    """Return the processes (of these roles) that have sockets. Raises CommandError when no server runs."""
    try:
        slots = [each for role in roles or ("",) for each in find_slots(data_dir, role)]
        is_served = DataDir(data_dir).find_server() is not None
    except PermissionError as error:
        text = f"{error.filename}: permission denied; run this as root or as the server's user"
        raise CommandError(text, EX_NOPERM) from None
    except FileNotFoundError:
        slots, is_served = [], False
    if not is_served:
        raise CommandError(f"no server uses {data_dir}; is it the right --config?", EX_UNAVAILABLE)
    return slots
