"""What a server holds from its start to its end, whoever drives its roles: the data directory and the ports."""

import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from angarium.access.reference_keys import ReferenceKeyError, make_key_file
from angarium.access.tracking_keys import TrackingKeyError, make_tracking_keys
from angarium.config.address import HostPort
from angarium.config.schema import Config, Listener
from angarium.host.identity import Identity, find_identity, refuse_closed_paths
from angarium.host.sockets import bind_all
from angarium.host.sysexits import EX_CANTCREAT, StartError
from angarium.service.data_dir import DataDir
from angarium.service.instance import InstanceFiles
from angarium.service.tenancy_start import prepare_tenancy
from angarium.telemetry.log import log


class Premises:
    """Invariant PM1: the lock of the data directory is held until ``close``."""

    def __init__(self, config: Config, copies: int) -> None:
        """Take the lock and bind each listener ``copies`` times. Blocks. Raises StartError."""
        self.data_dir = DataDir(Path(config.server.data_dir))
        self.identity: Identity | None = find_identity(config.server)  # whom to become
        if os.geteuid() == 0 and self.identity is None:
            log("running_as_root", "warning", advice="set server.user to drop privileges")
        if self.identity is not None:
            refuse_closed_paths(self.identity, self.data_dir.path)
        self.data_dir.prepare(self.identity)
        self.lock = self.data_dir.acquire(self.identity)  # PM1
        self.sockets: list[list[socket.socket]] = []  # a list for each copy
        self.addresses: list[HostPort] = []  # where the listeners really are
        try:
            self.data_dir.wipe_run(self.identity)
            self._make_keys(config)
            prepare_tenancy(config, self.identity)
            InstanceFiles(self.data_dir.path).prepare(self.identity)
            self._bind(config.listener, copies)
        except BaseException:
            self.close()
            raise

    def _make_keys(self, config: Config) -> None:
        """Whoever may be root makes them: the roles could not where the configuration is."""
        try:
            if config.takes_reports:
                path = Path(config.feedback.key_file)
                if make_key_file(path, self.identity):
                    log("reference_key_made", file=str(path))
            if config.tracks:
                path = Path(config.tracking.key_file)
                if make_tracking_keys(path, self.identity):
                    log("tracking_key_made", file=str(path))
        except (ReferenceKeyError, TrackingKeyError) as error:
            raise StartError(str(error), EX_CANTCREAT) from None

    def _bind(self, listeners: Sequence[Listener], copies: int) -> None:
        self.sockets = bind_all(listeners, copies)
        if not self.sockets:  # no role listens
            return
        for listener, bound in zip(listeners, self.sockets[0], strict=True):
            address = HostPort(*bound.getsockname()[:2])
            self.addresses.append(address)
            log("listening", kind=listener.kind, address=str(address), tls=listener.tls)

    def close(self) -> None:
        for copy in self.sockets:
            for each in copy:
                each.close()
        with contextlib.suppress(OSError):
            os.close(self.lock)
