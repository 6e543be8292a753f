"""Postfix between load and sink.

All is as Debian ships it but for what a relay of this kind would be given anyway, in all systems' favour
alike: as many connections to the sink as there are sessions of load, no limits per client, no input delay.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.peer import Candidate, StartPeer
from bench.ports import LOOPBACK
from bench.private_postfix import PrivatePostfix, find_postfix

# To the sink at a time; the same for every system.
CONCURRENCY: Final = 50


class PostfixPeer:
    """Started when made; ``stop`` ends it by Postfix's own command."""

    def __init__(self, folder: Path, sink_port: int, *, milter: str = "") -> None:
        settings = {
            "myhostname": "postfix.test",
            "relayhost": f"[{LOOPBACK}]:{sink_port}",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "in_flow_delay": 0,
            "default_process_limit": 200,
            "default_destination_concurrency_limit": CONCURRENCY,
            "initial_destination_concurrency": CONCURRENCY,
            "smtpd_milters": milter,
            "milter_default_action": "tempfail",
        }
        self._postfix = PrivatePostfix(folder, settings)
        self.port = self._postfix.port
        self._postfix.start()

    def roots(self) -> Sequence[int]:
        return (self._postfix.master,)

    def stop(self) -> None:
        self._postfix.stop()


def _find() -> StartPeer:
    find_postfix()
    return PostfixPeer


POSTFIX: Final = Candidate("Postfix", _find)
