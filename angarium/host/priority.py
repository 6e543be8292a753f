"""How much of a busy machine a thread gets. One system call."""

import contextlib
import os
import threading
from typing import Final

# Ours, of nice(2): a third of what others get, where all want it
_BEHIND: Final = 5


def step_back() -> None:
    """Have this thread give way to all that mail waits for: what it does is late then, and not more.

    Linux has a priority for each thread (setpriority(2), under "C library/kernel differences").
    """
    with contextlib.suppress(OSError):  # where a sandbox forbids it
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND)
