"""A private Postfix on loopback: mail for some domains ends in maildirs, the rest goes to a relay host."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.e2e.recording_sink import wait_until
from tests.free_port import free_port

PATH = "/usr/sbin:/usr/bin:/usr/local/sbin"
POSTFIX = shutil.which("postfix", path=PATH)
SMTP_SOURCE = shutil.which("smtp-source", path=PATH)
MAY_RUN = POSTFIX is not None and os.geteuid() == 0
WHY_NOT = "needs root and Postfix (apt install postfix)"

MAIN = """
compatibility_level = 3.6
queue_directory = {top}/spool
data_directory = {top}/data
maillog_file = {top}/log/maillog
maillog_file_prefixes = {top}/log
myhostname = postfix.example.net
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.net, example.org, xn--bcher-kva.example
virtual_mailbox_base = {top}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
message_size_limit = 60000000
virtual_mailbox_limit = 0
smtputf8_enable = yes
relayhost = {relay}
smtp_tls_security_level = none
smtp_destination_recipient_limit = 50
smtpd_recipient_restrictions = check_recipient_access inline:{{
    {{ gone@example.net = 550 5.1.1 No such mailbox here }},
    {{ later@example.net = 450 4.2.1 Try again later }} }}, permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
{more}
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """``with Postfix() as postfix: ... postfix.port``. All its files are in a folder of its own."""

    def __init__(self, *, relay_port: int = 0, more: str = "") -> None:
        self._top = Path(tempfile.mkdtemp(prefix="angarium-postfix-"))
        self._top.chmod(0o755)  # Postfix's daemons run as another user
        self.port = free_port()
        user = pwd.getpwnam("postfix")
        for name in ("spool", "data", "log", "mail", "etc"):
            (self._top / name).mkdir()
        for name in ("data", "mail"):
            os.chown(self._top / name, user.pw_uid, user.pw_gid)
        relay = f"[127.0.0.1]:{relay_port}" if relay_port else ""
        text = MAIN.format(top=self._top, uid=user.pw_uid, gid=user.pw_gid, relay=relay, more=more)
        (self._top / "etc" / "main.cf").write_text(text)
        (self._top / "etc" / "master.cf").write_text(MASTER.format(port=self.port))

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        assert POSTFIX is not None
        return subprocess.run(
            [POSTFIX, "-c", str(self._top / "etc"), *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "PATH": PATH + ":/bin:/sbin"},
        )

    def __enter__(self) -> "Postfix":
        done = self._run("start")
        try:
            assert done.returncode == 0, (done.stdout, done.stderr)
            wait_until(self._answers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as peer:
                peer.settimeout(5)
                return peer.recv(100).startswith(b"220")
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        self._run("stop")
        shutil.rmtree(self._top, ignore_errors=True)

    def log(self) -> str:
        return (self._top / "log" / "maillog").read_text(errors="replace")

    def mails(self) -> list[bytes]:
        folder = self._top / "mail" / "all" / "new"
        return [each.read_bytes() for each in sorted(folder.iterdir())] if folder.exists() else []

    def wait_for(self, mark: str, count: int = 1, timeout: float = 30) -> list[bytes]:
        """Return the mails, as stored, that hold ``mark``."""
        deadline = time.monotonic() + timeout
        while True:
            found = [each for each in self.mails() if mark.encode() in each]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, (mark, len(found), self.log()[-3000:])
            time.sleep(0.05)
