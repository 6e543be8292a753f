"""``postmaster trace --watch`` and ``--watch-listener``: the running server's sessions, as they happen."""

import contextlib
import ipaddress
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from angarium.cli.asking import refusal_error
from angarium.cli.exit import EX_OK, EX_UNAVAILABLE, EX_USAGE, CommandError
from angarium.config.address import is_ip
from angarium.config.schema import Config
from angarium.insight.admin.client import AdminClient, find_slots
from angarium.insight.admin.protocol import FrameError, Item, Refused, read_item
from angarium.insight.admin.watch import WatchedLine, WatchSessions
from angarium.routing.host_name import canonical_name, is_host_name
from angarium.service.data_dir import DataDir

_LOOK_S: Final = 0.5  # between looks for processes that were started since
_SHOWN: Final = {">": "-->", "<": "<--", "*": "   ", ".": "  ."}
_PASSING: Final = frozenset({"not_running", "not_here", "unanswered", "stopping"})


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
    wish = _wish(config, domain, listener)
    watching = _Watching(Path(config.server.data_dir), wish, sessions)
    show = _print_json if as_json else _print
    end = None if for_s is None else time.monotonic() + for_s
    try:
        with contextlib.closing(watching), _ended_by_signals():
            watching.look()
            what = f"mail to, or by, {wish.domain}" if wish.domain else wish.listener
            if not as_json:
                click.echo(f"watching sessions with {what}; Ctrl-C ends it", err=True)
            was_on = True
            while not watching.is_over:
                if was_on != watching.is_on:
                    was_on = watching.is_on
                    click.echo(_running_text(config, is_on=was_on), err=True)
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    break
                watching.show_for(_LOOK_S if left is None else min(left, _LOOK_S), show)
    except KeyboardInterrupt:
        return EX_OK
    return EX_OK


def _running_text(config: Config, *, is_on: bool) -> str:
    if is_on:
        return "postmaster: the server runs now"
    where = config.server.data_dir
    if DataDir(Path(where)).find_server() is not None:
        return "postmaster: the server has no such process at the moment: waiting for one"
    return f"postmaster: no server uses {where}: waiting for one; is it the right --config?"


def _wish(config: Config, domain: str | None, listener: str | None) -> WatchSessions:
    if domain is not None:
        name = canonical_name(domain.rpartition("@")[2].removeprefix("[").removesuffix("]"))
        if is_ip(name):
            return WatchSessions(domain=str(ipaddress.ip_address(name)))
        if not is_host_name(name):
            raise CommandError(f"{domain!r} is no domain, mail host or address", EX_USAGE)
        return WatchSessions(domain=name)
    known = [each.address for each in config.listener if each.kind != "http"]
    if listener not in known:
        text = f"no SMTP listener has the address {listener}; there are: {', '.join(known)}"
        raise CommandError(text, EX_USAGE)
    return WatchSessions(listener=listener)


class _Watching:
    """Connections to all processes that have such sessions, those included that are started later."""

    def __init__(self, data_dir: Path, wish: WatchSessions, sessions: int | None) -> None:
        self._data_dir = data_dir
        self._wish = wish
        self._role = "delivery" if wish.domain else "ingress"
        self._sessions_left = sessions
        self._clients: dict[str, AdminClient] = {}  # by slot
        self._ready = selectors.DefaultSelector()
        self._looked = 0.0

    @property
    def is_on(self) -> bool:
        return bool(self._clients)

    @property
    def is_over(self) -> bool:
        return self._sessions_left == 0

    def look(self) -> None:
        """Connect to processes that we watch not yet. Raises CommandError."""
        self._looked = time.monotonic()
        try:
            slots = find_slots(self._data_dir, self._role)
        except FileNotFoundError:
            text = (
                f"{self._data_dir}: not there; has this server run yet? is it the right --config?"
            )
            raise CommandError(text, EX_UNAVAILABLE) from None
        except PermissionError as error:
            text = f"{error.filename}: permission denied; run this as root or as the server's user"
            raise refusal_error(Refused("forbidden", text)) from None
        for slot in slots:
            if slot not in self._clients:
                self._begin(slot)

    def show_for(self, seconds: float, show: Callable[[WatchedLine], None]) -> None:
        # Bounded: a signal between Python's last look and the system call would be noticed at the next line only
        for key, _ in self._ready.select(seconds):
            assert isinstance(key.fileobj, AdminClient)
            self._show_what_came(key.fileobj, show)
        if time.monotonic() - self._looked >= _LOOK_S:
            self.look()

    def close(self) -> None:
        for each in self._clients.values():
            each.close()
        self._ready.close()

    def _begin(self, slot: str) -> None:
        client = AdminClient.connect(self._data_dir, slot)
        refused = client if isinstance(client, Refused) else client.begin(self._wish)
        if isinstance(client, Refused) or refused is not None:
            if refused is not None and refused.reason not in _PASSING:
                raise refusal_error(refused)
            return  # it starts, or is gone: looked at again
        self._clients[slot] = client
        self._ready.register(client, selectors.EVENT_READ)

    def _show_what_came(self, client: AdminClient, show: Callable[[WatchedLine], None]) -> None:
        for message in client.receive():
            match message:
                case Item():
                    try:
                        lines = read_item(self._wish, message).lines
                    except FrameError:
                        self._end(client)
                        return
                    for line in lines:
                        if not self.is_over:
                            show(line)
                        if line.direction == "." and self._sessions_left:
                            self._sessions_left -= 1
                case Refused() if message.reason not in _PASSING:
                    raise refusal_error(message)
                case Refused():
                    self._end(client)

    def _end(self, client: AdminClient) -> None:
        self._ready.unregister(client)
        del self._clients[client.slot]
        client.close()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _print(line: WatchedLine) -> None:
    at = datetime.fromtimestamp(line.at / 1000, UTC).astimezone()
    if line.dropped:
        click.echo(f"({line.dropped} lines were dropped: they came faster than they are read)")
    moment = f"{at:%H:%M:%S}.{line.at % 1000:03}"
    click.echo(f"{moment} {line.session:12} {_SHOWN[line.direction]} {line.text}")


def _print_json(line: WatchedLine) -> None:
    click.echo(msgspec.json.encode(line).decode())
