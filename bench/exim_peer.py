"""Exim, Debian's light daemon, between load and sink.

As Debian starts it (a daemon that delivers each message in a process of its own as soon as it is accepted, and a
queue runner), with a configuration that only relays; freed of what would hold back a client that sends much: messages
beyond the tenth of a connection would only be queued for the next queue run, which comes every minute here, not every
thirty, for what a busy sink put off.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bench.debian_package import find_unpacked
from bench.peer import Candidate, StartPeer
from bench.ports import LOOPBACK, free_port
from bench.private_program import PrivateProgram, check_private

PACKAGE: Final = "exim4-daemon-light"
_PROGRAM: Final = "/usr/sbin/exim4"
_USER: Final = "Debian-exim"  # compiled in
_CONFIG: Final = """\
primary_hostname = exim.test
qualify_domain = exim.test
local_interfaces = <; [{loopback}]:{port}
notifier_socket =
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = accept
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
begin routers
sink:
  driver = manualroute
  route_list = * {loopback}::{sink_port} byname
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
begin retry
* * F,1h,1m
"""


class EximPeer:
    """Started when made."""

    def __init__(self, folder: Path, sink_port: int, *, packages: Path) -> None:
        self.port = free_port()
        self._program = PrivateProgram(folder, packages, [_USER])
        self._program.configure(
            "exim4/exim4.conf",
            _CONFIG.format(loopback=LOOPBACK, port=self.port, sink_port=sink_port),
        )
        for name in ("var/spool/exim4", "var/log/exim4", "run/exim4"):
            self._program.make_folder(name, owner=_USER)
        self._program.start([_PROGRAM, "-bdf", "-q1m"], self.port)

    def roots(self) -> Sequence[int]:
        return self._program.roots()

    def stop(self) -> None:
        self._program.stop()


def _find() -> StartPeer:
    packages = find_unpacked(PACKAGE)
    check_private(packages, _PROGRAM)
    return partial(EximPeer, packages=packages)


EXIM: Final = Candidate("Exim", _find)
