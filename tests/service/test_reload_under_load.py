"""A reload under load: numbers, routes and providers change without a process, a session or a message being lost."""

import contextlib
import re
import signal
import smtplib
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator

import pytest

from angarium.routing.placement import partition_of
from tests.e2e.gated_sink import GatedSink
from tests.e2e.recording_sink import RecordingSink, wait_until
from tests.service.running_server import Server, StartServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

DRIVERS = pytest.mark.parametrize("driver", [(), ("--single",)], ids=["processes", "single"])
LIVES = ("process_ready", "process_died", "process_renewed", "process_started", "process_ended")


class Load:
    """Submits over one session that stays open; each message has a mark."""

    def __init__(self, port: int) -> None:
        self.marks: list[str] = []
        self._client = smtplib.SMTP("127.0.0.1", port, timeout=30)

    def submit(self, count: int, domains: tuple[str, ...] = ("example.net",)) -> None:
        for _ in range(count):
            mark = f"mark{len(self.marks)}x"
            domain = domains[len(self.marks) % len(domains)]
            text = f"From: a@example.com\r\nTo: b@{domain}\r\nSubject: {mark}\r\n\r\nhello\r\n"
            self._client.sendmail("a@example.com", [f"b@{domain}"], text)
            self.marks.append(mark)

    def end(self) -> None:
        """Raises when the session was cut."""
        assert self._client.noop()[0] == 250
        self._client.quit()


def marks_of(*sinks: RecordingSink) -> list[str]:
    found = [re.search(rb"mark[0-9]+x", each.content) for sink in sinks for each in sink.taken]
    return [each[0].decode() for each in found if each]


def reload(server: Server, old: str, new: str) -> None:
    """Replace a part of the configuration, and return when every role has taken it."""
    text = server.config.read_text()
    assert old in text
    server.config.write_text(text.replace(old, new))
    seen = len(server.lines)
    server.signal(signal.SIGHUP)
    slots = [slot["slot"] for slot in server.lines if slot["event"] == "process_ready"]
    for slot in set(slots) or {"platform-0", "delivery-0", "ingress-0"}:
        server.wait_for("reloaded", seen, slot=slot)
    server.wait_for("configuration_reloaded", seen)


@contextlib.contextmanager
def always_ready(http: int) -> Iterator[None]:
    """/readyz says 200 from begin to end."""
    other: list[object] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.05):
            try:
                url = f"http://127.0.0.1:{http}/readyz"
                with urllib.request.urlopen(url, timeout=10) as answer:
                    assert answer.status == 200
            except (urllib.error.URLError, OSError, AssertionError) as error:
                other.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join(20)
    assert not other


def lives(server: Server) -> list[dict[str, object]]:
    return [line for line in server.lines if line["event"] in LIVES]


@DRIVERS
def test_a_providers_connections_change_under_load_and_nothing_else_does(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    with GatedSink() as sink:
        provider = f'[[provider]]\nname = "smtp://127.0.0.1:{sink.port}"\nidle_s = 60.0\n'
        more = provider + "connections = 6\n"
        server = start_server(*driver, smart_host=sink.port, more=more)
        smtp, http = server.ports()
        with always_ready(http):
            before = lives(server)
            load = Load(smtp)
            sink.gate.clear()
            load.submit(30)
            wait_until(lambda: sink.open == 6)

            reload(server, "connections = 6", "connections = 2")
            load.submit(10)
            sink.gate.set()
            sink.wait_for(40)
            wait_until(lambda: sink.open == 2)
            assert sink.opened == 6  # the two that stayed are two of these

            sink.gate.clear()
            load.submit(30)
            reload(server, "connections = 2", "connections = 5")
            wait_until(lambda: sink.open == 5)
            assert sink.opened == 9
            sink.gate.set()
            sink.wait_for(70)
            load.end()  # the submission session is that of before
            assert lives(server) == before
        assert server.end() == 0
    assert Counter(marks_of(sink)) == Counter(load.marks)


@DRIVERS
def test_a_changed_route_leads_the_next_message_and_what_waits_to_the_new_smart_host(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    with GatedSink() as old, RecordingSink() as new:
        provider = f'[[provider]]\nname = "smtp://127.0.0.1:{old.port}"\nconnections = 1\n'
        server = start_server(*driver, smart_host=old.port, more=provider)
        smtp, http = server.ports()
        with always_ready(http):
            before = lives(server)
            load = Load(smtp)
            old.gate.clear()
            load.submit(20)
            wait_until(lambda: old.open == 1)
            via = 'via = "smtp://127.0.0.1:{}"'
            reload(server, via.format(old.port), via.format(new.port))
            load.submit(1)
            new.wait_for_token(load.marks[-1])
            old.gate.set()
            wait_until(lambda: len(old.taken) + len(new.taken) >= 21)
            load.end()
            assert lives(server) == before
        assert server.end() == 0
    assert Counter(marks_of(old, new)) == Counter(load.marks)
    assert len(old.taken) < 10  # in transfer, or claimed for it


def test_mail_moves_with_its_provider_between_processes_and_none_is_lost(
    start_server: StartServer,
) -> None:
    """The smart host becomes another provider's, and back, under load: each time its mail has another owner."""
    with RecordingSink() as sink:
        home = partition_of(f"smtp://localhost:{sink.port}", 16) % 2
        other = next(f"p{n}" for n in range(99) if partition_of(f"p{n}", 16) % 2 != home)
        provider = f'\n[[provider]]\nname = "{other}"\nmx_suffixes = ["localhost"]\n'
        server = start_server(
            server="delivery_processes = 2", smart_host=sink.port, more="# providers\n"
        )
        server.config.write_text(server.config.read_text())
        smtp, http = server.ports()
        reload(server, "smtp://127.0.0.1:", "smtp://localhost:")
        before = lives(server)
        with always_ready(http):
            load = Load(smtp)
            domains = tuple(f"d{n}.example.net" for n in range(7))
            submitting = threading.Thread(target=load.submit, args=(1200, domains))
            submitting.start()
            for count in (100, 250, 400, 550, 700):
                sink.wait_for(count)
                reload(server, "# providers\n", provider + "# off\n")
                sink.wait_for(count + 75)
                reload(server, provider + "# off\n", "# providers\n")
            submitting.join(60)
            sink.wait_for(1200, timeout=60)
            load.end()
            assert lives(server) == before
        assert server.end() == 0
    assert Counter(marks_of(sink)) == Counter(load.marks)
