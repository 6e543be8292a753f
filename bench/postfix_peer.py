"""A private Postfix: its own configuration, queue and port in a folder of its own; needs root.

All is as Debian ships it but for what a relay of this kind would be given anyway, in both systems' favour
alike: as many connections to the sink as there are sessions of load, no limits per client, no input delay.
"""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.errors import BenchError, PeerAbsent
from bench.ports import LOOPBACK, free_port, wait_for_listener
from bench.sinks import SBIN

CONCURRENCY: Final = 50
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


class PostfixPeer:
    """Started when made; ``stop`` ends it by Postfix's own command."""

    def __init__(self, folder: Path, sink_port: int, *, milter: str = "") -> None:
        self.name = "Postfix with OpenDKIM" if milter else "Postfix"
        self.port = free_port()
        self._program = find_postfix()
        self._folder = folder
        self._config = folder / "etc"
        self._write(sink_port, milter)
        self._run("start")
        wait_for_listener(self.port)
        self._master = int((folder / "spool/pid/master.pid").read_text())

    def roots(self) -> Sequence[int]:
        return (self._master,)

    def stop(self) -> None:
        self._run("stop")
        deadline = time.monotonic() + 20
        while Path(f"/proc/{self._master}").exists():
            if time.monotonic() > deadline:
                raise BenchError(f"Postfix (pid {self._master}) does not end")
            time.sleep(0.05)

    def _write(self, sink_port: int, milter: str) -> None:
        user = pwd.getpwnam("postfix")
        for name in ("etc", "spool", "data"):
            (self._folder / name).mkdir()
        os.chown(self._folder / "data", user.pw_uid, user.pw_gid)
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": self._folder / "spool",
            "data_directory": self._folder / "data",
            "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin",
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "maillog_file": self._folder / "mail.log",
            "maillog_file_prefixes": self._folder.parent,
            "myhostname": "postfix.test",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": LOOPBACK,
            "inet_protocols": "ipv4",
            "relayhost": f"[{LOOPBACK}]:{sink_port}",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "alias_maps": "",
            "alias_database": "",
            "smtpd_client_connection_count_limit": 0,
            "in_flow_delay": 0,
            "default_process_limit": 200,
            "default_destination_concurrency_limit": CONCURRENCY,
            "initial_destination_concurrency": CONCURRENCY,
            "smtpd_milters": milter,
            "milter_default_action": "tempfail",
        }
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        (self._config / "main.cf").write_text(text)
        (self._config / "master.cf").write_text(_MASTER.format(smtpd=f"{LOOPBACK}:{self.port}"))

    def _run(self, command: str) -> None:
        done = subprocess.run(
            [self._program, "-c", self._config, command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            log = self._folder / "mail.log"
            words = log.read_text() if log.exists() else ""
            raise BenchError(f"postfix {command} failed: {done.stderr}{words[-2000:]}")


def find_postfix() -> str:
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
