"""Mirrors bench/private_program.py: a program sees what was laid over the machine, and the machine does not."""

import os
import urllib.request
from pathlib import Path

import pytest

from bench.errors import BenchError, PeerAbsent
from bench.ports import free_port
from bench.private_program import PrivateProgram, check_private
from bench.processes import tree

# A shell script that the machine does not have: it tells of its surroundings by HTTP.
SERVER = """\
#!/bin/sh
cd /var/spool/ours
{ id -u ourdaemon; stat -c %U .; cat /etc/ours/conf; } >index.html
exec python3 -c '
import http.server, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the first of a pid namespace has no default
handler = http.server.SimpleHTTPRequestHandler
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), handler).serve_forever()
' "$1"
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    program = tmp_path / "packages/usr/sbin/our-server"
    program.parent.mkdir(parents=True)
    program.write_text(SERVER)
    program.chmod(0o755)
    try:
        check_private(tmp_path / "packages", "/usr/sbin/our-server")
    except PeerAbsent as e:
        pytest.skip(str(e))
    return tmp_path / "packages"


def test_a_program_runs_as_if_it_were_installed(tmp_path: Path, packages: Path) -> None:
    program = PrivateProgram(tmp_path / "run", packages, ["ourdaemon"])
    program.configure("ours/conf", "relay = yes\n")
    program.make_folder("var/spool/ours", owner="ourdaemon")
    port = free_port()
    program.start(["/usr/sbin/our-server", str(port)], port)
    pids = tree(program.roots())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        uid, owner, *rest = answer.read().decode().split("\n")
    program.stop()
    assert owner == "ourdaemon"
    assert rest == ["relay = yes", ""]
    assert not [each for each in ("/usr/sbin/our-server", "/etc/ours") if Path(each).exists()]
    assert not Path("/var/spool/ours").exists()
    assert (tmp_path / "run/var/spool/ours").stat().st_uid == int(uid)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_program_that_ends_at_once_is_an_error_with_what_it_said(
    tmp_path: Path, packages: Path
) -> None:
    program = PrivateProgram(tmp_path / "run", packages, [])
    with pytest.raises(BenchError, match="no such thing"):
        program.start(["sh", "-c", "echo no such thing; exit 3"], free_port())


def test_a_program_that_is_not_in_the_packages_is_absent(tmp_path: Path, packages: Path) -> None:
    with pytest.raises(PeerAbsent, match="our-client is missing"):
        check_private(packages, "/usr/sbin/our-client")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
def test_only_root_may_run_one(tmp_path: Path) -> None:
    with pytest.raises(PeerAbsent, match="root"):
        check_private(tmp_path, "/bin/true")
