"""Mirrors angarium/service/life/supervisor.py, child.py and role.py: real processes, real signals."""

import contextlib
import json
import os
import pwd
import signal
import smtplib
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.host.sysexits import EX_DATAERR
from tests.service.running_server import TOP, StartServer, is_alive, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

MESSAGE = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: x\r\n\r\nhello\r\n"


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def submit(port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("a@example.com", ["b@example.net"], MESSAGE)


def test_a_server_is_ready_takes_mail_and_ends_with_0(start_server: StartServer) -> None:
    server = start_server(server="ingress_processes = 2\ndelivery_processes = 2")
    smtp, http = server.ports()
    submit(smtp)
    wait_until(lambda: get(http, "/readyz")[0] == 200)
    assert get(http, "/healthz") == (200, b'{"status":"ok"}')
    wait_until(lambda: b"angarium_accepted_messages_total 1.0" in get(http, "/metrics")[1])
    assert server.end() == 0
    log = (server.config.parent / "data" / "mail.log").read_text().splitlines()
    assert json.loads(log[0])["event"] == "accepted"
    assert not server.other


def test_a_crashed_process_comes_back_and_the_others_go_on_sv1(start_server: StartServer) -> None:
    server = start_server()
    smtp, http = server.ports()
    for slot in ("ingress-0", "delivery-0", "platform-0"):
        pid = server.pid_of(slot)
        seen = len(server.lines)
        os.kill(pid, signal.SIGKILL)
        died = server.wait_for("process_died", seen, slot=slot)
        assert died["status"] == -signal.SIGKILL
        assert server.wait_for("process_ready", seen, slot=slot)["child"] != pid
    submit(smtp)
    wait_until(lambda: get(http, "/readyz")[0] == 200)
    assert server.end() == 0


def test_readiness_names_the_process_that_is_missing(start_server: StartServer) -> None:
    server = start_server()
    _, http = server.ports()
    wait_until(lambda: get(http, "/readyz")[0] == 200)
    pid = server.pid_of("delivery-0")
    os.kill(pid, signal.SIGSTOP)  # alive but doing nothing
    try:
        wait_until(lambda: get(http, "/readyz")[0] == 503)
        answer = json.loads(get(http, "/readyz")[1])
        assert any(reason.startswith("delivery-0: not heard of") for reason in answer["reasons"])
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: get(http, "/readyz")[0] == 200)


def test_a_broken_configuration_is_refused_and_the_old_one_stays_sl1(
    start_server: StartServer,
) -> None:
    server = start_server()
    smtp, _ = server.ports()
    text = server.config.read_text()
    server.config.write_text(text + "\n[delivery]\nnonsense = 1\n")
    server.signal(signal.SIGHUP)
    assert "[delivery] is there already" in server.wait_for("configuration_refused")["problem"]
    server.config.write_text(text.replace("poll_s", "pol_s"))
    server.signal(signal.SIGHUP)
    wait_until(
        lambda: any("did you mean 'poll_s'" in str(line.get("problem")) for line in server.lines)
    )
    submit(smtp)
    assert server.end() == 0


def test_a_reload_renews_the_processes_that_it_concerns(start_server: StartServer) -> None:
    server = start_server()
    smtp, http = server.ports()
    old = {slot: server.pid_of(slot) for slot in ("delivery-0", "platform-0", "ingress-0")}
    server.config.write_text(
        server.config.read_text().replace("drain_s = 5.0", "drain_s = 6.0")
        + '\n[log]\nmail_log = "other.log"\n'
    )
    seen = len(server.lines)
    server.signal(signal.SIGHUP)
    assert server.wait_for("restart_needed", seen)["keys"] == ["server.drain_s"]
    assert server.wait_for("process_renewed", seen)["because"] == ["log.mail_log"]
    assert server.wait_for("process_ready", seen, slot="platform-0")["child"] != old["platform-0"]
    assert is_alive(old["ingress-0"])
    assert is_alive(old["delivery-0"])
    assert not [line for line in server.lines if line["event"] == "process_died"]
    submit(smtp)
    wait_until(lambda: get(http, "/readyz")[0] == 200)


@contextlib.contextmanager
def sent_message(slow: socket.socket) -> Iterator[socket.socket]:
    """A host that has a whole message, and has not replied to it yet."""
    peer, _ = slow.accept()
    peer.settimeout(30)
    with peer, peer.makefile("rb") as lines:
        peer.sendall(b"220 mx.test\r\n")
        for command, reply in (
            (b"EHLO", b"250 mx.test"),
            (b"MAIL", b"250 ok"),
            (b"RCPT", b"250 ok"),
            (b"DATA", b"354 go on"),
        ):
            assert lines.readline().startswith(command)
            peer.sendall(reply + b"\r\n")
        while lines.readline() != b".\r\n":
            pass
        yield peer


def test_a_reload_leaves_a_message_that_waits_for_its_last_reply_its_connection(
    start_server: StartServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:
        server = start_server(smart_host=slow.getsockname()[1], drain_s=0.1)
        smtp, _ = server.ports()
        submit(smtp)
        with sent_message(slow) as peer:
            text = server.config.read_text().replace("poll_s = 0.2", "poll_s = 0.1")
            text += "bytes_in_flight = 1000000\nready_limit = 10\nlane_limit = 5\n"
            text += "tls_broken_memory_s = 5\n[dns]\nmx_hosts = 3\n"
            text += '[dkim]\nthreads = 2\ncanonicalization = "simple/simple"\n'
            server.config.write_text(text)
            server.signal(signal.SIGHUP)
            server.wait_for("reloaded", slot="delivery-0")
            peer.sendall(b"250 kept\r\n")
            log = server.config.parent / "data" / "mail.log"
            wait_until(lambda: b'"reply":"250 kept"' in log.read_bytes())
        assert not [line for line in server.lines if line["event"] == "process_renewed"]
        assert server.end() == 0
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events == ["accepted", "relayed"]


def test_a_stop_leaves_a_message_that_waits_for_its_last_reply_its_connection(
    start_server: StartServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as slow:
        server = start_server(
            smart_host=slow.getsockname()[1], drain_s=0.1, server="last_reply_s = 300.0"
        )
        smtp, _ = server.ports()
        submit(smtp)
        with sent_message(slow) as peer:
            server.signal(signal.SIGTERM)
            server.wait_for("draining")
            time.sleep(2)  # drain_s has long passed; more would prove no more
            submit(smtp)
            peer.sendall(b"250 kept\r\n")
            assert server.process.wait(60) == 0
    log = (server.config.parent / "data" / "mail.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in log] == ["accepted", "accepted", "relayed"]


def test_an_unchanged_configuration_is_read_again_in_place(start_server: StartServer) -> None:
    server = start_server()
    server.ports()
    server.signal(signal.SIGHUP)
    for role in ("delivery-0", "ingress-0", "platform-0"):
        server.wait_for("reloaded", slot=role)


def test_a_drain_lets_a_transaction_under_way_end(start_server: StartServer) -> None:
    server = start_server()
    smtp, _ = server.ports()
    with socket.create_connection(("127.0.0.1", smtp), timeout=20) as client:
        lines = client.makefile("rb")

        def say(command: bytes, code: bytes) -> None:
            client.sendall(command)
            while True:
                line = lines.readline()
                assert line.startswith(code), line
                if line[3:4] == b" ":
                    return

        say(b"", b"220")
        say(b"EHLO client.example\r\n", b"250")
        say(b"MAIL FROM:<a@example.com>\r\n", b"250")
        say(b"RCPT TO:<b@example.net>\r\n", b"250")
        say(b"DATA\r\n", b"354")
        client.sendall(MESSAGE)
        server.signal(signal.SIGTERM)
        server.wait_for("draining")
        say(b".\r\n", b"250")
        lines.close()
    assert server.end() == 0
    log = (server.config.parent / "data" / "mail.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in log][:1] == ["accepted"]


def test_a_session_that_waits_for_its_banner_holds_nothing_up(start_server: StartServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts by its backlog, says nothing
        server = start_server(smart_host=silent.getsockname()[1], drain_s=300)
        smtp, _ = server.ports()
        submit(smtp)
        peer, _ = silent.accept()  # the delivery waits for our greeting
        with peer:
            assert server.end(timeout=60) == 0
    assert not [line for line in server.lines if line["event"] == "process_killed"]


@pytest.mark.parametrize("slot", ["ingress-0", "delivery-0", "platform-0"])
def test_a_stopped_process_is_ended_and_the_others_leave_in_order(
    start_server: StartServer, slot: str
) -> None:
    server = start_server(drain_s=300, server="ingress_processes = 2")
    server.ports()
    # Until its first transactions are over: one that is stopped with the queue's write lock holds up all
    time.sleep(3)
    os.kill(server.pid_of(slot), signal.SIGSTOP)
    assert server.end(timeout=60) == 0
    killed = [line for line in server.lines if line["event"] == "process_killed"]
    assert [(line["slot"], line["reason"]) for line in killed] == [(slot, "said nothing")]
    ended = [str(line["role"]) for line in server.lines if line["event"] == "process_ended"]
    stages = [{"campaigns-0", "delivery-0"}, {"ingress-0", "ingress-1"}, {"platform-0"}]
    for stage in stages:
        stage.discard(slot)
        here, ended = ended[: len(stage)], ended[len(stage) :]
        assert set(here) == stage
    assert not ended


@contextlib.contextmanager
def hung_transfer(silent: socket.socket) -> Iterator[None]:
    """A host that takes a session as far as MAIL, and says nothing more."""
    peer, _ = silent.accept()
    peer.settimeout(20)
    with peer, peer.makefile("rb") as lines:
        peer.sendall(b"220 mx.test\r\n")
        assert lines.readline().startswith(b"EHLO")
        peer.sendall(b"250 mx.test\r\n")
        assert lines.readline().startswith(b"MAIL")
        yield


def test_mail_is_taken_in_while_delivery_drains_and_readyz_says_so(
    start_server: StartServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = start_server(smart_host=silent.getsockname()[1], drain_s=300)
        smtp, http = server.ports()
        submit(smtp)
        with hung_transfer(silent):
            server.signal(signal.SIGTERM)
            server.wait_for("draining")
            wait_until(lambda: b"delivery-0: stopping" in get(http, "/readyz")[1])
            assert get(http, "/readyz")[0] == 503
            submit(smtp)
        assert server.process.wait(60) == 0
    log = (server.config.parent / "data" / "mail.log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in log] == ["accepted", "accepted", "deferred"]


def test_a_transfer_that_does_not_end_in_time_is_broken_off_and_not_in_doubt(
    start_server: StartServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = start_server(smart_host=silent.getsockname()[1], drain_s=0.1)
        smtp, _ = server.ports()
        submit(smtp)
        with hung_transfer(silent):
            assert server.end(timeout=60) == 0
    log = (server.config.parent / "data" / "mail.log").read_text().splitlines()
    deferred = json.loads(log[-1])
    assert (deferred["event"], deferred["stage"]) == ("deferred", "mail")


def test_processes_die_with_a_killed_supervisor(start_server: StartServer) -> None:
    server = start_server()
    server.ports()
    pids = [server.pid_of(slot) for slot in ("delivery-0", "platform-0", "ingress-0")]
    server.process.kill()
    server.process.wait(10)
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_a_second_server_on_the_same_data_is_refused_pm1(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start_server()
    first.ports()
    second = start_server()
    assert second.process.wait(40) == 69
    wait_until(lambda: bool(second.other))
    assert f"another server (pid {first.process.pid})" in "".join(second.other)
    assert get(first.ports()[1], "/healthz")[0] == 200


def test_a_start_follows_a_killed_server_at_once(start_server: StartServer) -> None:
    first = start_server()
    first.ports()
    first.process.kill()
    first.process.wait(10)
    second = start_server()
    smtp, _ = second.ports()
    submit(smtp)
    assert second.end() == 0


def test_a_port_in_use_is_said_and_ends_the_start(start_server: StartServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        more = f'[[listener]]\nkind = "http"\naddress = "127.0.0.1:{port}"\n'
        server = start_server(more=more)
        assert server.process.wait(30) == 69
    wait_until(lambda: bool(server.other))
    assert f"listener 127.0.0.1:{port}: the port is in use" in "".join(server.other)


def test_a_missing_certificate_ends_the_start(start_server: StartServer) -> None:
    more = (
        '[[listener]]\nkind = "http"\naddress = "127.0.0.1:0"\ntls = "implicit"\n'
        'certificate = "none.pem"\nprivate_key = "none.key"\n'
    )
    server = start_server(more=more)
    assert server.process.wait(40) == 78
    wait_until(lambda: bool(server.other))
    assert "none.key" in "".join(server.other)


@pytest.mark.parametrize("driver", [(), ("--single",)], ids=["processes", "single"])
def test_a_queue_that_cannot_be_opened_ends_the_start_with_one_error(
    start_server: StartServer, tmp_path: Path, driver: tuple[str, ...]
) -> None:
    (tmp_path / "data" / "queue").mkdir(parents=True)
    (tmp_path / "data" / "queue" / "data.mdb").write_bytes(b"no queue" * 8192)
    server = start_server(*driver)
    assert server.process.wait(60) == EX_DATAERR
    wait_until(lambda: len(server.other) > 0)
    (said,) = server.other
    assert said.startswith("postmaster: ")
    assert str(tmp_path / "data" / "queue") in said
    assert not [line for line in server.lines if line["level"] == "error"]
    arguments = [*(sys.executable, "-m", "angarium"), *("--config", str(server.config))]
    listed = subprocess.run(
        [*arguments, "queue", "list"], check=False, capture_output=True, cwd=TOP
    )
    assert listed.returncode == EX_DATAERR


def test_a_failure_that_stays_the_same_is_said_once_and_tried_again(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(module="tests.service.failing_server")
    server.wait_for("toy_failing", count=3, timeout=90)
    assert server.end() == 0
    (failed,) = [line for line in server.lines if line["event"] == "process_failed"]
    assert failed["reason"] == "not yet"
    assert not [line for line in server.lines if line["event"] == "process_died"]


@pytest.mark.parametrize("arguments", [(), ("--single",)])
def test_systemd_is_told(
    start_server: StartServer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(60)

        def listen() -> None:
            while not any("STOPPING=1" in each for each in told):
                told.append(notify.recv(4096).decode())

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        server = start_server(*arguments, environment=environment)
        server.ports()
        wait_until(lambda: any("WATCHDOG=1" in each for each in told))
        server.signal(signal.SIGHUP)
        wait_until(lambda: any("RELOADING=1" in each for each in told))
        assert server.end() == 0
        listener.join(10)
    assert any("READY=1" in each for each in told)
    assert any("STOPPING=1" in each for each in told)


def find_open_python() -> tuple[str, dict[str, str]] | None:
    """Return an interpreter that every user may run, and what it needs to find our dependencies."""
    packages = sysconfig.get_path("purelib")
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        command = [python, "-c", "import lmdb, uvloop"]
        try:
            subprocess.run(command, env={"PYTHONPATH": packages}, user="nobody", check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, {"PYTHONPATH": f"{TOP}:{packages}"}
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop privileges from")
@pytest.mark.parametrize("arguments", [(), ("--single",)])
def test_privileges_are_dropped_for_good(
    start_server: StartServer, arguments: tuple[str, ...]
) -> None:
    open_python = find_open_python()
    if open_python is None:
        pytest.skip("no Python here that the user nobody may run")
    python, environment = open_python
    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are closed to others
        where = Path(name)
        where.chmod(0o755)
        server = start_server(
            *arguments,
            server='user = "nobody"',
            where=where,
            python=python,
            environment=environment,
        )
        smtp, _ = server.ports()
        uid = pwd.getpwnam("nobody").pw_uid
        slots = () if arguments else ("delivery-0", "platform-0", "ingress-0")
        for pid in [server.pid_of(slot) for slot in slots] or [server.process.pid]:
            status = Path(f"/proc/{pid}/status").read_text()
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert fields["Uid"].split() == [str(uid)] * 4
            assert fields["NoNewPrivs"] == "1"
            assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
            assert "0" not in fields["Groups"].split()
        submit(smtp)
        assert (where / "data").stat().st_uid == uid
        assert (where / "data").stat().st_mode & 0o777 == 0o700  # P8
        assert server.end() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop privileges from")
def test_a_data_directory_that_the_user_cannot_reach_is_refused(
    start_server: StartServer, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    server = start_server(server='user = "nobody"')
    assert server.process.wait(30) == 77
    wait_until(lambda: bool(server.other))
    assert "server.user may not enter" in "".join(server.other)


def test_one_process_can_be_the_whole_server(start_server: StartServer) -> None:
    server = start_server("--single")
    smtp, http = server.ports()
    submit(smtp)
    wait_until(lambda: get(http, "/readyz")[0] == 200)
    wait_until(lambda: b"angarium_accepted_messages_total 1.0" in get(http, "/metrics")[1])
    assert server.end() == 0
