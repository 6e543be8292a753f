"""A Postfix of its own: configuration, queue, log and port in one folder. Benchmarks measure it, tests talk to it."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.errors import BenchError, PeerAbsent
from bench.ports import LOOPBACK, free_port, wait_for_listener
from bench.sinks import SBIN

_MASTER: Final = """\
{smtpd} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class PrivatePostfix:
    """Listens on ``port`` from ``start`` to ``stop``. ``settings`` go into main.cf, beside what makes it private.

    ``folder`` must be one that Postfix's users may enter. Raises PeerAbsent when made where it cannot run.
    """

    def __init__(self, folder: Path, settings: Mapping[str, object]) -> None:
        self._program = find_postfix()
        self._folder = folder
        self._master = 0
        self.port = free_port()
        user = pwd.getpwnam("postfix")
        for name in ("etc", "spool", "data", "log"):
            (folder / name).mkdir()
        os.chown(folder / "data", user.pw_uid, user.pw_gid)
        private = {
            "compatibility_level": "3.6",
            "queue_directory": folder / "spool",
            "data_directory": folder / "data",
            "maillog_file": folder / "log/maillog",
            "maillog_file_prefixes": folder / "log",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": LOOPBACK,
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "alias_database": "",
            "smtpd_client_connection_count_limit": 0,
        }
        lines = [f"{name} = {value}\n" for name, value in (private | dict(settings)).items()]
        (folder / "etc/main.cf").write_text("".join(lines))
        (folder / "etc/master.cf").write_text(_MASTER.format(smtpd=f"{LOOPBACK}:{self.port}"))

    @property
    def master(self) -> int:
        """The pid of the process from which all others come."""
        return self._master

    def start(self) -> None:
        """Start it and wait until it listens. Raises BenchError, with its log."""
        self._run("start")
        try:
            wait_for_listener(self.port)
        except BaseException:
            self._run("stop")
            raise
        self._master = int((self._folder / "spool/pid/master.pid").read_text())

    def stop(self) -> None:
        """End it by Postfix's own command, and wait until it has."""
        self._run("stop")
        deadline = time.monotonic() + 20
        while Path(f"/proc/{self._master}").exists():
            if time.monotonic() > deadline:
                raise BenchError(f"Postfix (pid {self._master}) does not end")
            time.sleep(0.05)

    def log(self) -> str:
        file = self._folder / "log/maillog"
        return file.read_text(errors="replace") if file.exists() else ""

    def _run(self, command: str) -> None:
        done = subprocess.run(
            [self._program, "-c", self._folder / "etc", command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "PATH": f"{SBIN}:/bin"},
        )
        if done.returncode:
            raise BenchError(f"postfix {command} failed: {done.stderr}{self.log()[-2000:]}")


def find_postfix() -> str:
    """Return the program. Raises PeerAbsent."""
    program = shutil.which("postfix", path=SBIN)
    if program is None:
        raise PeerAbsent("Postfix is not installed: bin/bench --install-peers")
    if os.geteuid() != 0:
        raise PeerAbsent("a private Postfix can be started by root only")
    return program


def postfix_version() -> str:
    program = shutil.which("postconf", path=SBIN)
    if program is None:
        return "absent"
    done = subprocess.run([program, "-d", "-h", "mail_version"], capture_output=True, check=False)
    return done.stdout.decode().strip()
