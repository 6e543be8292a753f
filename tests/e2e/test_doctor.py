"""``postmaster doctor`` in a namespace with a nameserver of its own: a healthy sender, then each fault by itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.nameserver import NSD
from tests.service.running_server import TOP

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces"),
    pytest.mark.skipif(NSD is None, reason="nsd is absent (apt install nsd)"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="ip is absent (apt install iproute2)"),
]
MACHINE = """
ip link set lo up || exit 77
for address in 11.25.0.10 11.25.0.11; do ip addr add $address/32 dev lo || exit 77; done
ip route add local 11.26.0.0/24 dev lo || exit 77
exec "$0" -m tests.e2e.doctor_rounds
"""


def test_each_fault_is_found_and_a_healthy_sender_has_none() -> None:
    done = subprocess.run(
        ["unshare", "-np", "--fork", "--kill-child", "sh", "-c", MACHINE, sys.executable],
        capture_output=True,
        timeout=120,
        check=False,
        cwd=TOP,
        env={**os.environ, "PYTHONPATH": str(Path(TOP))},
    )
    said = (done.stdout + done.stderr).decode()
    if done.returncode == 77 or "unshare:" in said:
        pytest.skip(f"no namespace can be made here: {said}")
    assert done.returncode == 0, said
    assert "each fault was found" in said
