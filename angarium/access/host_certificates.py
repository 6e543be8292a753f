"""Certificates of hosts at a listener that has one of its own for all others: clients say whom they mean (SNI)."""

import ssl
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from angarium.access.certificates import ServerTls
from angarium.access.client_trust import ClientTrust
from angarium.access.tls_file import TlsFileError
from angarium.config.address import is_fqdn
from angarium.host.exchanged_file import State, find_state

# Ours, of a listener: a context is some 20 KB; whoever was asked for last stays
KEPT: Final = 1000


class CertificateFiles(msgspec.Struct, frozen=True, kw_only=True):
    certificate: Path
    private_key: Path  # may be the same


# None: the host has none of its own
FindFiles = Callable[[str], CertificateFiles | None]


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    files: CertificateFiles
    states: tuple[State | None, State | None]
    context: ssl.SSLContext | None  # None: they could not be used
    is_stale: bool = False


class HostCertificates:
    """Invariants:

    HOC1. Files that have changed are read again at the next handshake; while they cannot be used, what was read of
         them before is.
    HOC2. What a client sends as a name is a host name before it is part of a path (C6).
    """

    def __init__(
        self,
        find_files: FindFiles,
        clients: ClientTrust | None,
        on_trouble: Callable[[str, str], None],
    ) -> None:
        """``clients``: as the listener has it. ``on_trouble``: told host and problem, once for each state of files."""
        self._find_files = find_files
        self._clients = clients
        self._on_trouble = on_trouble
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def find(self, server_name: str | None) -> ssl.SSLContext | None:
        """Return the context of the host that a client named; None: the listener's. Reads files that are new."""
        if not server_name or len(server_name) > 253:
            return None
        host = server_name.lower().removesuffix(".")
        if not is_fqdn(host):  # HOC2
            return None
        files = self._find_files(host)
        if files is None:
            self._known.pop(host, None)
            return None
        known = self._known.get(host)
        states = (find_state(files.certificate), find_state(files.private_key))
        is_same = known is not None and known.files == files and known.states == states
        if known is None or not is_same or known.is_stale:  # HOC1
            known = self._read(host, files, states, known)
        self._known[host] = known
        self._known.move_to_end(host)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return known.context

    def reload(self) -> None:
        """Read all again, each when it is asked for next."""
        for host, known in self._known.items():
            self._known[host] = msgspec.structs.replace(known, is_stale=True)

    def _read(
        self,
        host: str,
        files: CertificateFiles,
        states: tuple[State | None, State | None],
        before: _Known | None,
    ) -> _Known:
        context = None if before is None else before.context
        try:
            context = ServerTls(files.certificate, files.private_key, self._clients).context
        except TlsFileError as error:
            self._on_trouble(host, str(error))
        return _Known(files=files, states=states, context=context)
