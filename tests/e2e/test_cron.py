"""The real cron, in a mount namespace where ``sendmail`` is ours: what a job prints arrives."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import StartProduct
from tests.e2e.recording_sink import RecordingSink
from tests.service.running_server import TOP

CRON = shutil.which("cron", path="/usr/sbin:/usr/bin:/sbin")
SENDMAIL = Path("/usr/sbin/sendmail")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces"),
    pytest.mark.skipif(CRON is None, reason="cron is absent (apt install cron)"),
    pytest.mark.skipif(not SENDMAIL.exists(), reason="there is no sendmail to stand in for"),
]
RUN = """
mount --make-rprivate / && mount --bind {command} {sendmail} && mount --bind {tabs} /var/spool/cron/crontabs \\
    && mount -t tmpfs none /etc/cron.d && mount -t tmpfs none /run || exit 77
exec timeout 100 {cron} -f
"""


def test_what_a_cron_job_prints_arrives(start_product: StartProduct, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        settings = tmp_path / "sendmail.toml"
        settings.write_text(
            f'server = "127.0.0.1:{product.smtp[0]}"\ndomain = "box.example"\n'
            'aliases = { root = "ops@example.com" }\n'
        )
        command = tmp_path / "sendmail"
        command.write_text(
            f"#!/bin/sh\nPYTHONPATH={TOP} ANGARIUM_SENDMAIL={settings} exec {sys.executable}"
            ' -m angarium.sendmail "$@"\n'
        )
        command.chmod(0o755)
        tabs = tmp_path / "crontabs"
        tabs.mkdir()
        (tabs / "root").write_text("* * * * * echo the backup läuft nicht\n")
        (tabs / "root").chmod(0o600)
        script = RUN.format(command=command, sendmail=SENDMAIL, tabs=tabs, cron=CRON)
        cron = subprocess.Popen(["unshare", "-m", "sh", "-c", script], stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 90  # it looks once a minute
            while not sink.taken and cron.poll() is None:
                assert time.monotonic() < until, product.mail_log()
                time.sleep(0.2)
        finally:
            cron.terminate()
            cron.wait(10)
        if cron.returncode == 77:
            pytest.skip("nothing can be mounted here")
        (taken, *_) = sink.taken
    assert taken.rcpts == [b"RCPT TO:<ops@example.com>"]
    assert b"From: Cron Daemon <root@box.example>\r\n" in taken.content
    assert "the backup läuft nicht".encode() in taken.content
