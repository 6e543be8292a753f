"""Exit codes of sysexits.h, which scripts and systemd units rely on."""

from typing import Final

EX_OK: Final = 0
EX_USAGE: Final = 64  # command line
EX_DATAERR: Final = 65  # input data
EX_NOINPUT: Final = 66  # input file
EX_NOUSER: Final = 67  # an address
EX_UNAVAILABLE: Final = 69  # a service, or the server itself
EX_SOFTWARE: Final = 70  # a fault of ours
EX_CANTCREAT: Final = 73
EX_IOERR: Final = 74
EX_TEMPFAIL: Final = 75
EX_NOPERM: Final = 77
EX_CONFIG: Final = 78


class StartError(Exception):
    """The server cannot start; the text says why and what to do, the code is the process's exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


def find_start_error(group: BaseExceptionGroup[BaseException]) -> StartError | None:
    """Return the first one in the group, however deep."""
    for error in group.exceptions:
        if isinstance(error, StartError):
            return error
        if isinstance(error, BaseExceptionGroup) and (found := find_start_error(error)):
            return found
    return None
