"""A server warms a source: its hour holds over SIGKILL, and operators see and steer it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.recording_sink import RecordingSink, wait_until
from tests.service.life.test_supervisor import get, submit
from tests.service.running_server import TOP, StartServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MORE = """
[[source]]
name = "ip2"
[[pool]]
name = "default"
sources = [{ name = "ip2" }]
[[warmup]]
source = "ip2"
messages_per_hour = [3, 5]
"""


def postmaster(config: Path, *arguments: str) -> Any:
    command = [sys.executable, "-m", "angarium", "--config", str(config), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, cwd=TOP, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def this_hour() -> int:
    return int(time.time()) // 3600


@pytest.mark.parametrize("driver", [(), ("--single",)], ids=["processes", "single"])
def test_an_hour_holds_over_a_crash_and_a_promotion_is_obeyed(
    start_server: StartServer, driver: tuple[str, ...]
) -> None:
    hour = this_hour()
    with RecordingSink() as sink:
        server = start_server(*driver, smart_host=sink.port, more=MORE)
        smtp, http = server.ports()
        for _ in range(7):
            submit(smtp)
        sink.wait_for(3)
        provider = f"smtp://127.0.0.1:{sink.port}"

        def shown() -> dict[str, Any]:
            (row,) = postmaster(server.config, "warmup", "show")["warmups"]
            assert (row["source"], row["provider"]) == ("ip2", provider)
            return dict(row)

        if this_hour() != hour:
            return  # a new hour began: there is nothing to compare
        row = shown()
        assert (row["day"], row["hour_limit"], row["hour_used"]) == (0, 3, 3)
        assert row["queued"] == 4
        (entry, *_) = postmaster(server.config, "queue", "list")["entries"]
        why = postmaster(server.config, "queue", "explain", entry["id"])
        assert f"the warm-up of ip2 allows 3 an hour at {provider} (day 0)" in json.dumps(why)
        wait_until(lambda: b"angarium_warmup_hour_used_messages{" in get(http, "/metrics")[1])
        if driver:
            assert server.end() == 0
            server = start_server(*driver, smart_host=sink.port, more=MORE)
            smtp, http = server.ports()
        else:
            seen = len(server.lines)
            os.kill(server.pid_of("delivery-0"), signal.SIGKILL)
            server.wait_for("process_ready", seen, slot="delivery-0")
            wait_until(lambda: get(http, "/readyz")[0] == 200, timeout=60)
        time.sleep(1.0)  # time to do wrong in
        if this_hour() != hour:
            return
        assert len(sink.taken) == 3
        assert shown()["hour_used"] == 3
        changed = postmaster(server.config, "warmup", "promote", "ip2", "--reason", "all is well")
        assert [(each["day"], each["hour_limit"]) for each in changed["warmups"]] == [(1, 5)]
        wait_until(lambda: len(sink.taken) == 5 or this_hour() != hour, timeout=90)
        wait_until(lambda: "warmup_changed" in mail_log(server.config))
        assert server.end(timeout=60) == 0
    assert '"reason":"all is well"' in mail_log(server.config)


def test_what_has_not_begun_cannot_be_changed(start_server: StartServer) -> None:
    server = start_server(more=MORE)
    server.ports()
    command = [sys.executable, "-m", "angarium", "--config", str(server.config)]
    command += ["warmup", "hold", "ip3"]
    done = subprocess.run(command, capture_output=True, cwd=TOP, timeout=60, check=False)
    assert done.returncode == 66
    assert b"no warm-up of ip3 has begun" in done.stderr
    server.signal(signal.SIGTERM)


def mail_log(config: Path) -> str:
    return (config.parent / "data" / "mail.log").read_text()
