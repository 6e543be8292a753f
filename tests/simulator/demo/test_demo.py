"""``bin/demo`` as a newcomer runs it, without a terminal."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "angarium.simulator.demo")
DEADLINE_S = 20


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline, "processes of the demo are left"
        time.sleep(0.05)


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for file in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found |= {int(file), *descendants(int(file))}
    return found


@pytest.mark.slow
@pytest.mark.timeout(100)
def test_once_checks_itself_and_exits_with_0() -> None:
    result = subprocess.run([*COMMAND, "--once"], capture_output=True, timeout=90, check=False)
    said = result.stdout.decode()
    assert result.returncode == 0, said + result.stderr.decode()
    assert result.stderr == b""
    checks = re.findall(r"^(ok|FAIL) ", said, re.MULTILINE)
    assert checks == ["ok"] * 14
    assert re.search(r"^cold at acorn: day 0 of 36, \d+ of 20 used this hour$", said, re.MULTILINE)
    assert re.search(r"^cedar-ts04: at most .* by source warm at cedar", said, re.MULTILINE)
    folder = re.search(r"\S+/angarium\.toml", said)
    assert folder is not None
    assert not Path(folder[0]).parent.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running_when_it_is_ended_midway(
    number: signal.Signals, tmp_path: Path
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, env=environment) as demo:
        try:
            assert demo.stdout is not None
            for line in demo.stdout:
                if b" sent " in line:
                    break
            started = descendants(demo.pid)
            assert len(started) >= 4  # supervisor, ingress, delivery, platform
            demo.send_signal(number)
            said = demo.stdout.read()
            demo.wait(DEADLINE_S)
        finally:
            demo.kill()
    wait_until_gone(started)
    if number != signal.SIGKILL:
        assert demo.returncode == 0
        assert b"nothing is left running" in said
        assert list(tmp_path.iterdir()) == []
