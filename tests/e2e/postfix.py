"""A private Postfix on loopback: mail for some domains ends in maildirs, the rest goes to a relay host."""

import os
import pwd
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.private_postfix import PrivatePostfix

PATH = "/usr/sbin:/usr/bin:/usr/local/sbin"
SMTP_SOURCE = shutil.which("smtp-source", path=PATH)
MAY_RUN = shutil.which("postfix", path=PATH) is not None and os.geteuid() == 0
WHY_NOT = "needs root and Postfix (apt install postfix)"

SETTINGS = {
    "myhostname": "postfix.example.net",
    "local_recipient_maps": "",
    "virtual_mailbox_domains": "example.net, example.org, xn--bcher-kva.example",
    "virtual_mailbox_maps": "static:all/",
    "virtual_minimum_uid": 1,
    "message_size_limit": 60_000_000,
    "virtual_mailbox_limit": 0,
    "smtputf8_enable": "yes",
    "smtp_tls_security_level": "none",
    "smtp_destination_recipient_limit": 50,
    "smtpd_recipient_restrictions": (
        "check_recipient_access inline:{"
        " { gone@example.net = 550 5.1.1 No such mailbox here },"
        " { later@example.net = 450 4.2.1 Try again later } }, permit_mynetworks, reject"
    ),
    "minimal_backoff_time": "1s",
    "maximal_backoff_time": "2s",
}


class Postfix:
    """``with Postfix() as postfix: ... postfix.port``. All its files are in a folder of its own."""

    def __init__(self, *, relay_port: int = 0, settings: Mapping[str, object] = {}) -> None:
        self._top = Path(tempfile.mkdtemp(prefix="angarium-postfix-"))
        self._top.chmod(0o755)  # Postfix's daemons run as another user
        self._mail = self._top / "mail"
        self._mail.mkdir()
        user = pwd.getpwnam("postfix")
        os.chown(self._mail, user.pw_uid, user.pw_gid)
        own = {
            "virtual_mailbox_base": self._mail,
            "virtual_uid_maps": f"static:{user.pw_uid}",
            "virtual_gid_maps": f"static:{user.pw_gid}",
            "relayhost": f"[127.0.0.1]:{relay_port}" if relay_port else "",
        }
        self._postfix = PrivatePostfix(self._top, SETTINGS | own | dict(settings))
        self.port = self._postfix.port

    def __enter__(self) -> "Postfix":
        try:
            self._postfix.start()
        except BaseException:
            shutil.rmtree(self._top, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._postfix.stop()
        finally:
            shutil.rmtree(self._top, ignore_errors=True)

    def log(self) -> str:
        return self._postfix.log()

    def mails(self) -> list[bytes]:
        folder = self._mail / "all" / "new"
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
