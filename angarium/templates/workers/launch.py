"""Starting a worker: a fresh interpreter with an empty environment, whose only open file is a socket."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from angarium.templates.workers.wire import Limits, limits_text

# No site, no environment, no bytecode written: what it imports is found where we found it
_COMMAND: Final = (
    "import sys; sys.path[:0] = sys.argv[5:]; "
    "from angarium.templates.workers.worker import main; main(sys.argv[1:5])"
)
ENGINE: Final = "angarium.templates.workers.engine:open_engine"
_TOP: Final = str(Path(__file__).parents[3])


class Program(msgspec.Struct, frozen=True):
    """What runs in a worker."""

    limits: Limits
    engine: str = ENGINE  # "module:function"
    path: tuple[str, ...] = ()  # where it is looked for, too


def start(program: Program) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Return the process and our end of its socket. Takes a millisecond or two. Raises OSError.

    Call it in a thread that lives as long as the worker shall: it dies with it (PR_SET_PDEATHSIG).
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [
                    *(sys.executable, "-I", "-S", "-B", "-c", _COMMAND),
                    *(str(theirs.fileno()), str(os.getpid())),
                    *(limits_text(program.limits), program.engine),
                    *(_TOP, *program.path, *filter(None, sys.path)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={},
                start_new_session=True,  # a terminal's ^C is for the server
            )
        except OSError:
            ours.close()
            raise
    ours.setblocking(False)
    return process, ours
