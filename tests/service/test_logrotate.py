"""packaging/logrotate with the real logrotate, beside the mail log that the server writes."""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from angarium.service.platform.mail_log_file import MailLogFile

SAMPLE = Path(__file__).parents[2] / "packaging" / "logrotate"
LOGROTATE = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed"),
]


@pytest.fixture
def rotate(tmp_path: Path) -> Callable[..., str]:
    """The sample for a log in ``tmp_path``, as this user."""
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    text = SAMPLE.read_text()
    for sample, here in (
        ("/var/lib/angarium/mail.log", str(tmp_path / "mail.log")),
        ("su angarium angarium", f"su {user} {group}"),
    ):
        assert text.count(sample) == 1
        text = text.replace(sample, here)
    (tmp_path / "logrotate.conf").write_text(text)
    (tmp_path / "logrotate.conf").chmod(0o644)

    def run(*options: str) -> str:
        assert LOGROTATE is not None
        state = ["--state", str(tmp_path / "state")]
        done = subprocess.run(
            [LOGROTATE, *options, *state, str(tmp_path / "logrotate.conf")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "error" not in done.stderr, done.stderr
        return done.stderr

    return run


def test_the_sample_is_understood_and_loses_no_line(
    tmp_path: Path, rotate: Callable[..., str]
) -> None:
    path = tmp_path / "mail.log"
    log = MailLogFile(str(path))
    log.open()
    log.append(b'{"sequence":1}\n')
    assert "rotating pattern" in rotate("--debug")
    assert path.exists()
    rotate("--force")
    assert not path.exists()  # nocreate
    log.append(b'{"sequence":2}\n')  # no signal: it finds out
    log.close()
    (moved,) = tmp_path.glob("mail.log-*")
    assert moved.suffix != ".gz"  # delaycompress
    assert moved.read_bytes() == b'{"sequence":1}\n'
    assert path.read_bytes() == b'{"sequence":2}\n'


def test_without_a_log_there_is_nothing_to_say(rotate: Callable[..., str]) -> None:
    assert rotate("--force") == ""
