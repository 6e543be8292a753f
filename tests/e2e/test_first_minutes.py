"""The README's first minutes, word for word, on a machine of their own: from quickstart to a signed message.

The machine is a network and mount namespace with its own /etc. Behind a wire are a mail host and a nameserver, whose
zone is what quickstart printed.
"""

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
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is absent"),
]
MACHINE = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs none /mnt
for each in etc opt var/lib; do
    mkdir -p /mnt/upper/$each /mnt/work/$each
    mount -t overlay overlay -o "lowerdir=/$each,upperdir=/mnt/upper/$each,workdir=/mnt/work/$each" /$each
done || exit 77
mkdir -p /opt/code /opt/angarium /etc/angarium
rm -rf /etc/angarium/* /var/lib/angarium
mount --bind {top} /opt/code
mount --bind {venv} /opt/angarium
id angarium >/dev/null 2>&1 || useradd --system --home-dir /var/lib/angarium --no-create-home angarium
ip link set lo up
unshare -n sleep 1000 &
peer=$!
while [ "$(readlink /proc/$peer/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link add wire type veth peer name far || exit 77
ip link set far netns $peer
ip addr add 11.25.0.10/24 dev wire
ip link set wire up
far="nsenter -n -t $peer ip"
$far link set lo up
$far addr add 11.25.0.20/24 dev far
$far addr add 11.25.0.53/24 dev far
$far link set far up
rm -f /etc/resolv.conf
echo "nameserver 11.25.0.53" > /etc/resolv.conf
export PYTHONPATH=/opt/code HOME=/root
cd /
nsenter -n -t $peer /opt/angarium/bin/python -m tests.e2e.first_minutes
"""


def test_the_first_minutes_go_as_the_readme_says() -> None:
    script = MACHINE.format(top=TOP, venv=Path(sys.prefix).resolve())
    done = subprocess.run(
        ["unshare", "-mnp", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
        capture_output=True,
        timeout=55,
        check=False,
        env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    said = (done.stdout + done.stderr).decode()
    if done.returncode == 77 or "unshare:" in said:
        pytest.skip(f"no such machine can be made here: {said}")
    assert done.returncode == 0, said
    assert "all went as the README says" in said
