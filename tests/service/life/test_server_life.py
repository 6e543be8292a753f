"""Mirrors angarium/service/life/server_life.py: toy roles under both drivers, then the product's own."""

import signal
import socket

import pytest

from tests.service.running_server import Server, StartServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

DRIVERS = pytest.mark.parametrize("driver", [(), ("--single",)], ids=["processes", "single"])
TOY = "tests.service.toy_server"


def slots_in(server: Server, event: str, after: int = 0) -> list[str]:
    return [str(line["slot"]) for line in server.lines[after:] if line["event"] == event]


@DRIVERS
def test_a_table_of_roles_is_started_and_drained_in_its_order_by_both_drivers(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    server = start_server(*driver, module=TOY)
    server.wait_for("ready")
    backs = ["back-0"] if driver else ["back-0", "back-1"]
    assert sorted(slots_in(server, "toy_started")) == sorted(["front-0", *backs])
    assert server.end() == 0
    stopped = slots_in(server, "toy_stopped")
    assert sorted(stopped[:-1]) == backs
    assert stopped[-1] == "front-0"  # it drains after them
    assert not server.other


@DRIVERS
def test_what_is_read_live_reaches_each_role_under_both_drivers(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    server = start_server(*driver, module=TOY)
    server.wait_for("ready")
    seen = len(server.lines)
    server.config.write_text(server.config.read_text().replace("127.0.0.1:9", "127.0.0.1:10"))
    server.signal(signal.SIGHUP)
    for slot in ("front-0", "back-0"):
        assert server.wait_for("toy_routes", seen, slot=slot)["via"] == "smtp://127.0.0.1:10"
        server.wait_for("reloaded", seen, slot=slot)
    server.wait_for("configuration_reloaded", seen)
    assert slots_in(server, "toy_stopped") == []
    assert server.end() == 0


@DRIVERS
def test_a_role_that_cannot_take_a_reload_goes_on_under_both_drivers(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    server = start_server(*driver, module=TOY)
    server.wait_for("ready")
    second = '[[route]]\ndomain = "a.test"\nvia = "mx"\n[[route]]\ndomain = "*"'
    text = server.config.read_text()
    server.config.write_text(text.replace('[[route]]\ndomain = "*"', second))
    server.signal(signal.SIGHUP)
    server.wait_for("reload_failed", slot="front-0")
    server.wait_for("configuration_reloaded")
    assert server.end() == 0


def test_what_is_read_at_the_start_renews_the_processes_of_those_who_read_it(
    start_server: StartServer,
) -> None:
    server = start_server(module=TOY)
    server.wait_for("ready")
    seen = len(server.lines)
    server.config.write_text(server.config.read_text() + "\n[dns]\nmx_hosts = 3\n")
    server.signal(signal.SIGHUP)
    assert server.wait_for("process_renewed", seen)["because"] == ["dns.mx_hosts"]
    assert server.wait_for("toy_started", seen, slot="front-0")["mx_hosts"] == 3
    server.wait_for("process_ready", seen, slot="front-0")
    assert slots_in(server, "toy_started", seen) == ["front-0"]
    assert slots_in(server, "process_died") == []
    assert server.end() == 0


def test_in_one_process_what_is_read_at_the_start_waits_for_a_restart(
    start_server: StartServer,
) -> None:
    server = start_server("--single", module=TOY)
    server.wait_for("ready")
    server.config.write_text(server.config.read_text() + "\n[dns]\nmx_hosts = 3\n")
    for _ in range(2):  # it is said each time
        seen = len(server.lines)
        server.signal(signal.SIGHUP)
        assert server.wait_for("restart_needed", seen)["keys"] == ["dns.mx_hosts"]
        server.wait_for("configuration_reloaded", seen)
    assert slots_in(server, "toy_stopped") == []
    assert server.end() == 0


@DRIVERS
def test_a_changed_log_level_holds_in_every_process(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    server = start_server(*driver, server="ingress_processes = 1")
    smtp, _ = server.ports()
    server.config.write_text(server.config.read_text() + '\n[log]\nlevel = "debug"\n')
    server.signal(signal.SIGHUP)
    server.wait_for("reloaded", slot="ingress-0")
    with socket.create_connection(("127.0.0.1", smtp), timeout=20) as client:
        client.sendall(b"NONSENSE\r\n")
        server.wait_for("refused")  # of level debug, in the ingress
    assert server.end() == 0
