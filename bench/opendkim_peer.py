"""A private OpenDKIM as a milter of a private Postfix: what signing costs there."""

import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from bench.errors import BenchError, PeerAbsent
from bench.peer import Candidate, StartPeer
from bench.ports import LOOPBACK, free_port, wait_for_listener
from bench.postfix_peer import PostfixPeer
from bench.private_postfix import find_postfix
from bench.sinks import SBIN

REFERENCE: Final = "Postfix with OpenDKIM"


class SigningPostfix:
    """Postfix with OpenDKIM in front of its queue, signing for example.com."""

    def __init__(self, folder: Path, sink_port: int, *, key: Path) -> None:
        port = free_port()
        config = folder / "opendkim.conf"
        config.write_text(
            "Mode s\nDomain example.com\nSelector bench\n"
            f"KeyFile {key}\nSocket inet:{port}@{LOOPBACK}\nInternalHosts 127.0.0.0/8\n"
            "Canonicalization relaxed/relaxed\nOversignHeaders From\nSyslog no\nRequireSafeKeys no\n"
            f"UserID root\nPidFile {folder}/opendkim.pid\nBackground no\n"
        )
        self._opendkim = subprocess.Popen(
            [_find_opendkim(), "-f", "-x", config], stdin=subprocess.DEVNULL
        )
        try:
            wait_for_listener(port)
            self._postfix = PostfixPeer(folder, sink_port, milter=f"inet:{LOOPBACK}:{port}")
        except BaseException:
            self._end_opendkim()
            raise
        self.port = self._postfix.port

    def roots(self) -> Sequence[int]:
        return (*self._postfix.roots(), self._opendkim.pid)

    def stop(self) -> None:
        self._postfix.stop()
        self._end_opendkim()

    def _end_opendkim(self) -> None:
        self._opendkim.terminate()
        try:
            self._opendkim.wait(10)
        except subprocess.TimeoutExpired:
            self._opendkim.kill()
            self._opendkim.wait()
            raise BenchError("OpenDKIM did not end on SIGTERM") from None


def signing_postfix(key: Path) -> Candidate:
    def find() -> StartPeer:
        find_postfix()
        _find_opendkim()
        return partial(SigningPostfix, key=key)

    return Candidate(REFERENCE, find)


def _find_opendkim() -> str:
    program = shutil.which("opendkim", path=SBIN)
    if program is None:
        raise PeerAbsent("OpenDKIM is not installed: bin/bench --install-peers")
    return program
