"""OpenSMTPD between load and sink.

As Debian ships it, with a configuration that only relays. Lifted is what would hold back a relay host: the pause of
some seconds between two connections to a host, with as many of them as every system has; the 50 messages that may be on
their way at once (task-*); and the limit to the messages of a connection, on either side.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bench.debian_package import find_unpacked
from bench.peer import Candidate, StartPeer
from bench.ports import LOOPBACK, free_port
from bench.postfix_peer import CONCURRENCY
from bench.private_program import PrivateProgram, check_private

PACKAGE: Final = "opensmtpd"
_PROGRAM: Final = "/usr/sbin/smtpd"
# Both are compiled in, and so is the empty folder that they are locked into.
_USERS: Final = ("opensmtpd", "opensmtpq")
_CONFIG: Final = """\
listen on {loopback} port {port} hostname opensmtpd.test
smtp limit max-mails 1000000
mta limit max-conn-per-host {connections}
mta limit max-conn-per-route {connections}
mta limit max-conn-per-connector {connections}
mta limit conn-delay-route 0
mta limit conn-delay-connector 0
mta limit conn-delay-relay 0
mta limit task-hiwat 1000
mta limit task-lowat 500
mta limit task-release 200
mta limit session-mail-max 1000000
action "sink" relay host smtp://{loopback}:{sink_port}
match from any for any action "sink"
"""


class OpenSmtpdPeer:
    """Started when made."""

    def __init__(self, folder: Path, sink_port: int, *, packages: Path) -> None:
        self.port = free_port()
        self._program = PrivateProgram(folder, packages, _USERS)
        self._program.configure(
            "smtpd.conf",
            _CONFIG.format(
                loopback=LOOPBACK, port=self.port, sink_port=sink_port, connections=CONCURRENCY
            ),
        )
        self._program.make_folder("var/spool/smtpd", mode=0o711)
        self._program.make_folder("var/lib/opensmtpd/empty")
        self._program.start([_PROGRAM, "-d"], self.port)

    def roots(self) -> Sequence[int]:
        return self._program.roots()

    def stop(self) -> None:
        self._program.stop()


def _find() -> StartPeer:
    packages = find_unpacked(PACKAGE)
    check_private(packages, _PROGRAM)
    return partial(OpenSmtpdPeer, packages=packages)


OPENSMTPD: Final = Candidate("OpenSMTPD", _find)
