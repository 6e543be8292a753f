"""``postmaster trace --watch`` and ``--watch-listener``: the running server's sessions, as they happen."""

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.cli.exit import EX_NOPERM, EX_OK, EX_UNAVAILABLE, EX_USAGE, CommandError
from angarium.config.schema import Config
from angarium.host.identity import Identity
from angarium.routing.host_name import canonical_name, is_host_name
from angarium.service.data_dir import DataDir
from angarium.service.privileges import drop
from angarium.service.watch_request import (
    Request,
    SocketAddress,
    WatchedLine,
    request_path,
    socket_name,
)

_PACKET_OCTETS: Final = 65_536
_LOOK_S: Final = 0.5
_SENDERS: Final = 64  # processes that wait to connect
_SHOWN: Final = {">": "-->", "<": "<--", "*": "   ", ".": "  ."}


def watch(
    config: Config,
    *,
    domain: str | None,
    listener: str | None,
    for_s: float | None,
    sessions: int | None,
    as_json: bool,
) -> int:
    """Show until Ctrl-C, ``for_s`` or the end of so many sessions. Raises CommandError."""
    request = _request(config, domain, listener)
    data_dir = DataDir(Path(config.server.data_dir))
    _become_owner(data_dir.path)
    try:
        with _asked(data_dir.trace, request) as listening, _ended_by_signals():
            what = f"mail to {request.domain}" if request.domain else request.listener
            if not as_json:
                click.echo(f"watching sessions with {what}; Ctrl-C ends it", err=True)
            _show(listening, _print_json if as_json else _print, for_s, sessions)
    except KeyboardInterrupt:
        return EX_OK
    except FileNotFoundError as error:
        text = f"{error.filename}: not there; has this server run yet? is it the right --config?"
        raise CommandError(text, EX_UNAVAILABLE) from None
    except PermissionError as error:
        text = f"{error.filename}: permission denied; run this as root or as the server's user"
        raise CommandError(text, EX_NOPERM) from None
    return EX_OK


def _request(config: Config, domain: str | None, listener: str | None) -> Request:
    if domain is not None:
        name = canonical_name(domain.rpartition("@")[2])
        if not is_host_name(name):
            raise CommandError(f"{domain!r} is no domain", EX_USAGE)
        return Request(pid=os.getpid(), domain=name)
    known = [each.address for each in config.listener if each.kind != "http"]
    if listener not in known:
        text = f"no SMTP listener has the address {listener}; there are: {', '.join(known)}"
        raise CommandError(text, EX_USAGE)
    return Request(pid=os.getpid(), listener=listener)


def _become_owner(data_dir: Path) -> None:
    """Root makes nothing in a directory of the server's user: that one could have put links there."""
    try:
        found = data_dir.stat()
    except OSError as error:
        raise CommandError(f"{data_dir}: {error.strerror}", EX_UNAVAILABLE) from None
    if os.geteuid() == 0 and found.st_uid != 0:
        drop(Identity(uid=found.st_uid, gid=found.st_gid, groups=(found.st_gid,)))


@contextlib.contextmanager
def _asked(directory: Path, request: Request) -> Iterator[socket.socket]:
    """Listen, then ask; both files are gone afterwards."""
    directory.mkdir(mode=0o700, exist_ok=True)
    ours, asked = directory / socket_name(request.pid), request_path(directory, request.pid)
    ours.unlink(missing_ok=True)  # of a dead process with our number
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        try:
            with SocketAddress(directory, ours.name) as address:
                listening.bind(address)
            ours.chmod(0o600)
            listening.listen(_SENDERS)
            asked.write_bytes(msgspec.json.encode(request))
            yield listening
        finally:
            asked.unlink(missing_ok=True)
            ours.unlink(missing_ok=True)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show(
    listening: socket.socket,
    show: Callable[[WatchedLine], None],
    for_s: float | None,
    sessions: int | None,
) -> None:
    end = None if for_s is None else time.monotonic() + for_s
    with selectors.DefaultSelector() as ready:
        ready.register(listening, selectors.EVENT_READ)
        ended = 0
        while sessions is None or ended < sessions:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            # Bounded: a signal between Python's last look and the system call would be noticed at the next packet only
            for key, _ in ready.select(_LOOK_S if left is None else min(left, _LOOK_S)):
                if key.fileobj is listening:
                    ready.register(listening.accept()[0], selectors.EVENT_READ)
                    continue
                assert isinstance(key.fileobj, socket.socket)
                packet = key.fileobj.recv(_PACKET_OCTETS)
                if not packet:  # a process of the server has ended
                    ready.unregister(key.fileobj)
                    key.fileobj.close()
                    continue
                line = msgspec.json.decode(packet, type=WatchedLine)
                show(line)
                ended += line.direction == "."
                if sessions is not None and ended >= sessions:
                    return


def _print(line: WatchedLine) -> None:
    at = datetime.fromtimestamp(line.at / 1000, UTC).astimezone()
    if line.dropped:
        click.echo(f"({line.dropped} lines were dropped: they came faster than they are read)")
    moment = f"{at:%H:%M:%S}.{line.at % 1000:03}"
    click.echo(f"{moment} {line.session:12} {_SHOWN[line.direction]} {line.text}")


def _print_json(line: WatchedLine) -> None:
    click.echo(msgspec.json.encode(line).decode())
