"""``postmaster reload`` and ``postmaster status`` against a real server: what became of a reload, in each process."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.service.running_server import TOP, Server, StartServer, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

DRIVERS = pytest.mark.parametrize("driver", [(), ("--single",)], ids=["processes", "single"])
ALL = ["campaigns-0", "delivery-0", "ingress-0", "platform-0"]


def postmaster(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*(sys.executable, "-m", "angarium"), *("--config", str(server.config)), *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=TOP, timeout=120
    )


def reload(server: Server) -> tuple[int, dict[str, Any]]:
    done = postmaster(server, "reload", "--json")
    return done.returncode, json.loads(done.stdout)


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {each["slot"]: each["state"] for each in answer["processes"]}


def change(config: Path, old: str, new: str) -> None:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))


@DRIVERS
def test_a_reload_says_what_each_process_made_of_it(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    server = start_server(*driver, server="ingress_processes = 1", more="connections = 7")
    server.wait_for("ready")
    assert "reload" not in postmaster(server, "status").stdout
    change(server.config, "connections = 7", "connections = 8")
    code, answer = reload(server)
    assert (code, answer["number"], answer["taken"]) == (0, 1, True)
    assert states(answer) == dict.fromkeys(ALL, "taken")
    change(server.config, "drain_s = 5.0", "drain_s = 6.0")
    code, answer = reload(server)
    assert (code, answer["number"], answer["restart"]) == (0, 2, ["server.drain_s"])
    shown = postmaster(server, "status").stdout
    assert "reload 2 at " in shown
    assert ": taken\n" in shown
    assert "server.drain_s" in shown
    assert server.end() == 0


def test_a_process_that_starts_anew_is_waited_for(start_server: StartServer) -> None:
    """Also the one that carries the question."""
    server = start_server(server="ingress_processes = 1")
    server.wait_for("ready")
    old = server.pid_of("platform-0")
    with server.config.open("a") as file:
        file.write('\n[log]\nmail_log = "other.log"\n')
    code, answer = reload(server)
    assert (code, states(answer)) == (
        0,
        {**dict.fromkeys(ALL, "taken"), "platform-0": "started_anew"},
    )
    rows = json.loads(postmaster(server, "status", "--json").stdout)["processes"]
    assert {each["reload"]["number"] for each in rows} == {1}
    (platform,) = [each for each in rows if each["slot"] == "platform-0"]
    assert platform["pid"] != old
    assert server.end() == 0


@DRIVERS
def test_what_a_process_could_not_take_is_said(
    start_server: StartServer, tmp_path: Path, driver: tuple[str, ...]
) -> None:
    server = start_server(*driver, server="ingress_processes = 1")
    server.wait_for("ready")
    (tmp_path / "key.pem").write_text("no key")
    (tmp_path / "key.pem").chmod(0o600)
    with server.config.open("a") as file:
        file.write('\n[dkim]\nkeys = [{domain = "a.test", selector = "s", file = "key.pem"}]\n')
    done = postmaster(server, "reload")
    assert done.returncode == 75
    assert "delivery-0   refused" in done.stdout
    assert "key.pem" in done.stderr
    status = postmaster(server, "status").stdout
    assert "reload 1 at" in status
    assert "refused (delivery-0)" in status
    assert "key.pem" in status
    assert server.end() == 0


def test_a_broken_configuration_is_refused_and_says_why(
    start_server: StartServer, tmp_path: Path
) -> None:
    """Asked with another file of the same server, since a command reads where to ask from its own."""
    server = start_server(server="ingress_processes = 1")
    server.wait_for("ready")
    sound = tmp_path / "sound.toml"
    sound.write_text(server.config.read_text())
    change(server.config, "poll_s", "pol_s")
    done = postmaster(server, "reload")
    assert done.returncode == 78
    assert "pol_s" in done.stderr
    assert "goes on as it was" in done.stderr
    broken, server.config = server.config, sound
    code, answer = reload(server)
    assert (code, answer["taken"]) == (78, False)
    assert "pol_s" in answer["refused"][0]
    status = postmaster(server, "status").stdout
    assert ": refused\n" in status
    assert "pol_s" in status
    broken.write_text(sound.read_text())
    code, answer = reload(server)
    assert (code, answer["number"], answer["taken"]) == (0, 2, True)
    assert server.end() == 0


def audited(server: Server) -> list[tuple[str, str]]:
    """Who reloaded, and what came of it, the oldest first."""
    lines = postmaster(server, "audit", "list", "--json").stdout.splitlines()
    found = [json.loads(each) for each in reversed(lines)]
    return [
        (each["actor"].split(" ")[0], each["action"])
        for each in found
        if each["action"].startswith("server.reload")
    ]


@DRIVERS
def test_each_reload_leaves_one_audit_entry_whoever_asked_for_it(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    server = start_server(*driver, server="ingress_processes = 1", more="connections = 7")
    server.wait_for("ready")
    signalled, refused = ("SIGHUP", "server.reloaded"), ("SIGHUP", "server.reload_refused")
    server.signal(signal.SIGHUP)
    wait_until(lambda: audited(server) == [signalled])
    change(server.config, "connections = 7", "connections = -7")
    server.signal(signal.SIGHUP)
    wait_until(lambda: audited(server) == [signalled, refused])
    change(server.config, "connections = -7", "connections = 8")
    assert reload(server)[0] == 0
    assert audited(server)[2:] != [signalled]
    assert [each[1] for each in audited(server)] == [signalled[1], refused[1], signalled[1]]
    if not driver:
        # The process that notes it is started anew
        with server.config.open("a") as file:
            file.write('\n[log]\nmail_log = "other.log"\n')
        server.signal(signal.SIGHUP)
        server.wait_for("process_renewed")
        wait_until(lambda: audited(server)[3:] == [signalled])
    assert json.loads(postmaster(server, "audit", "verify", "--json").stdout)["whole"]
    assert server.end() == 0
    assert len(audited(server)) == 3 + (not driver)
