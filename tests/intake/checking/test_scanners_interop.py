"""The scanners against a real clamd and a real rspamd; skipped where they are not installed."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from angarium.intake.checking.clamd import Clamd
from angarium.intake.checking.rspamd import Rspamd
from tests.free_port import free_port

pytestmark = pytest.mark.interop
SIGNATURE = b"angarium-test-malware"
# What rspamd has agreed with everybody to refuse, in two pieces so that no scanner finds it here
UNWANTED = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MAIL = b"From: a@b.test\r\nSubject: s\r\n\r\n%s\r\n"
START_S = 60.0


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """With one signature, ours: nothing is downloaded."""
    program = shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("clamd is not installed (Debian: clamav-daemon)")
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "own.ndb").write_text(f"Angarium.Test:0:*:{SIGNATURE.hex()}\n")
    place = folder / "s"
    configuration = folder / "clamd.conf"
    configuration.write_text(
        f"DatabaseDirectory {folder}\nLocalSocket {place}\nForeground yes\nConcurrentDatabaseReload no\n"
    )
    yield from running(
        [program, "-c", str(configuration)], f"unix:{place}", lambda: answers(str(place))
    )


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Without DNS, Redis and rules: what it says of itself is enough."""
    program = shutil.which("rspamd")
    if program is None:
        pytest.skip("rspamd is not installed")
    folder = tmp_path_factory.mktemp("rspamd")
    port = free_port()
    (folder / "tld").write_text("test\ncom\n")
    (folder / "r.conf").write_text(
        f"""
        options {{ pidfile = "{folder}/pid"; tempdir = "{folder}"; hs_cache_dir = "{folder}"; filters = "";
            url_tld = "{folder}/tld";
            disable_hyperscan = true; gtube_patterns = "all"; dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; }} }}
        logging {{ type = "console"; level = "error"; }}
        metric {{ name = "default"; actions {{ reject = 15; add_header = 6; }}
            group "own" {{ symbol "OWN" {{ weight = 1.0; }} }} }}
        worker {{ type = "normal"; bind_socket = "127.0.0.1:{port}"; count = 1; }}
        """
    )
    command = [program, "-f", "-c", str(folder / "r.conf")]
    if os.geteuid() == 0:
        command += ["--insecure", "-u", "root", "-g", "root"]
    yield from running(command, f"http://127.0.0.1:{port}", lambda: answers(("127.0.0.1", port)))


def answers(place: str | tuple[str, int]) -> bool:
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(1)
        return client.connect_ex(place) == 0


def running(command: list[str], place: str, is_there: Callable[[], bool]) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while not is_there():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"{Path(command[0]).name} does not run here")
            time.sleep(0.05)
        yield place
    finally:
        process.terminate()
        process.wait(30)


async def test_clamd_finds_what_it_knows(clamd: str) -> None:
    asked = Clamd(clamd, timeout_s=30, octets=10_000_000)
    assert (await asked.scan(MAIL % SIGNATURE)).malware.startswith("Angarium.Test")
    clean = await asked.scan(MAIL % (b"hello\r\n" * 100_000))
    assert (clean.malware, clean.trouble) == ("", "")
    assert (await asked.scan(b"")).trouble == ""


async def test_rspamd_says_what_it_thinks(rspamd: str) -> None:
    asked = Rspamd(rspamd, timeout_s=30)
    try:
        good = await asked.ask(MAIL % b"hello", "a@b.test", ["c@d.test"])
        assert (good.trouble, good.action, good.required_score) == ("", "no action", 15)
        bad = await asked.ask(MAIL % UNWANTED, "a@b.test", ["c@d.test"])
        assert bad.rejects
        assert [each.name for each in bad.symbols] == ["GTUBE"]
    finally:
        await asked.close()
