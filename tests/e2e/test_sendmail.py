"""Programs that know only ``sendmail``: as cron calls it, as PHP's mail() does, by hand, and as a session."""

import datetime
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.host.sysexits import (
    EX_CONFIG,
    EX_DATAERR,
    EX_NOPERM,
    EX_NOUSER,
    EX_OK,
    EX_TEMPFAIL,
    EX_USAGE,
)
from angarium.simulator.tls import TestAuthority
from tests.e2e.conftest import StartProduct
from tests.e2e.product import token
from tests.e2e.recording_sink import RecordingSink, Taken
from tests.free_port import free_port
from tests.service.running_server import TOP

PHP = shutil.which("php")
GIT = shutil.which("git")
COMMAND = f"{sys.executable} -m angarium.sendmail"
LOGIN = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
tls = "{tls}"
certificate = "{certificate}"
private_key = "{key}"
"""
CRON = b"""From: root (Cron Daemon)
To: root
Subject: Cron <root@box> test -x /usr/sbin/anacron
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <SHELL=/bin/sh>

%s
"""


class Sendmail:
    """The command, with a configuration of its own."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.file = folder / "sendmail.toml"
        lines = [f"{key} = {_toml(value)}" for key, value in settings.items()]
        self.file.write_text("\n".join(lines) + "\n")
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(TOP),
            "ANGARIUM_SENDMAIL": str(self.file),
        }

    def __call__(self, *arguments: str, stdin: bytes = b"", code: int = EX_OK) -> str:
        done = subprocess.run(
            [*COMMAND.split(), *arguments],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=40,
            check=False,
        )
        assert done.returncode == code, (done.returncode, done.stderr)
        return (done.stdout + done.stderr).decode()


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = "{each}"' for key, each in value.items()) + " }"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _shown(taken: Taken) -> str:
    return taken.content.decode()


def test_cron_s_mail_arrives_at_the_alias_of_root(
    start_product: StartProduct, tmp_path: Path
) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        sendmail = Sendmail(
            tmp_path,
            server=f"127.0.0.1:{product.smtp[0]}",
            domain="box.example",
            aliases={"root": "ops@example.com"},
        )
        mark = token()
        sendmail(
            *["-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root"],
            stdin=CRON % f"caf\u00e9 {mark}\n.\nbehind the dot".encode(),
        )
        taken = sink.wait_for_token(mark)
    assert taken.rcpts == [b"RCPT TO:<ops@example.com>"]
    assert "From: Cron Daemon <root@box.example>\r\n" in _shown(taken)
    assert "\r\n.\r\nbehind the dot" in _shown(taken)


@pytest.mark.interop
@pytest.mark.skipif(PHP is None, reason="php is absent (apt install php-cli)")
def test_php_mail_arrives_and_its_failure_is_seen(
    start_product: StartProduct, tmp_path: Path
) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        sendmail = Sendmail(tmp_path, server=f"127.0.0.1:{product.smtp[0]}", domain="box.example")
        mark = token()
        script = (
            f'exit(mail("bob@example.net", "Gr\u00fc\u00dfe", "text {mark}", '
            '"From: Shop <shop@box.example>\\r\\nBcc: secret@example.net", "-fshop@box.example") ? 0 : 1);'
        )
        assert PHP is not None
        php = [PHP, "-d", f"sendmail_path={COMMAND} -t -i", "-r"]
        subprocess.run([*php, script], env=sendmail.environment, timeout=40, check=True)
        taken = sink.wait_for_token(mark)
        failing = script.replace("bob@example.net", "bob@@example.net")
        done = subprocess.run(
            [*php, failing], env=sendmail.environment, timeout=40, check=False, capture_output=True
        )
    assert done.returncode == 1
    assert taken.mail.startswith(b"MAIL FROM:<shop@box.example>")
    assert sorted(taken.rcpts) == [b"RCPT TO:<bob@example.net>", b"RCPT TO:<secret@example.net>"]
    assert "secret" not in _shown(taken)


@pytest.mark.interop
@pytest.mark.skipif(GIT is None, reason="git is absent")
def test_git_send_email_arrives_by_the_command(start_product: StartProduct, tmp_path: Path) -> None:
    patch = tmp_path / "0001.patch"
    mark = token()
    patch.write_text(
        f"From 0 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\nSubject: [PATCH] {mark}\n\nx\n"
    )
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        sendmail = Sendmail(tmp_path, server=f"127.0.0.1:{product.smtp[0]}", domain="box.example")
        done = subprocess.run(
            [
                *(
                    "git",
                    "send-email",
                    f"--sendmail-cmd={COMMAND}",
                    "--confirm=never",
                    "--suppress-cc=all",
                ),
                *("--from=a@example.org", "--to=b@example.net", "--quiet", str(patch)),
            ],
            env={
                **sendmail.environment,
                "HOME": str(tmp_path),
                "GIT_CONFIG_NOSYSTEM": "1",
                **{f"GIT_{who}_NAME": "A" for who in ("AUTHOR", "COMMITTER")},
                **{f"GIT_{who}_EMAIL": "a@example.org" for who in ("AUTHOR", "COMMITTER")},
            },
            cwd=tmp_path,
            timeout=40,
            check=False,
            capture_output=True,
        )
        if b"not a git command" in done.stderr:
            pytest.skip("git send-email is absent (apt install git-email)")
        assert done.returncode == 0, done.stderr
        taken = sink.wait_for_token(mark)
    assert taken.rcpts == [b"RCPT TO:<b@example.net>"]


def test_a_session_on_stdin_is_the_server_s(start_product: StartProduct, tmp_path: Path) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        sendmail = Sendmail(tmp_path, server=f"127.0.0.1:{product.smtp[0]}")
        mark = token()
        with subprocess.Popen(
            [*COMMAND.split(), "-bs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=sendmail.environment,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"220 ")
            for command, code in [
                (b"HELO box", b"250"),
                (b"MAIL FROM:<a@example.org>", b"250"),
                (b"RCPT TO:<b@example.net>", b"250"),
                (b"DATA", b"354"),
                (b"From: a@example.org\r\nSubject: %s\r\n\r\nx\r\n." % mark.encode(), b"250"),
                (b"QUIT", b"221"),
            ]:
                process.stdin.write(command + b"\r\n")
                process.stdin.flush()
                assert process.stdout.readline().startswith(code)
            process.stdin.close()
            assert process.wait(20) == EX_OK
        assert sink.wait_for_token(mark).rcpts == [b"RCPT TO:<b@example.net>"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_it_encrypts_and_logs_in(start_product: StartProduct, tmp_path: Path, tls: str) -> None:
    authority = TestAuthority(tmp_path, datetime.datetime.now(datetime.UTC))
    certificate, key = authority.issue("mx1.example.com")
    with RecordingSink() as sink:
        product = start_product(
            sink=sink.port,
            listeners=LOGIN.format(tls=tls, certificate=certificate, key=key),
            users=(("shop", "a pass word", "@shop.example"),),
        )
        (tmp_path / "password").write_text("a pass word\n")
        more = {"server": f"127.0.0.1:{product.smtp[0]}", "tls": tls, "user": "shop"}
        sendmail = Sendmail(
            tmp_path, **more, password_file="password", sender="noreply@shop.example"
        )
        mark = token()
        sendmail("-t", stdin=b"To: b@example.net\nFrom: root\n\n%s\n" % mark.encode())
        taken = sink.wait_for_token(mark)
        session = sendmail("-bs", stdin=b"NOOP\r\nQUIT\r\n")
        other = Sendmail(tmp_path, **more, password_file="password", domain="other.example")
        assert "may not send from" in other("-fx", "b@example.net", stdin=b"x\n", code=EX_NOPERM)
        (tmp_path / "password").write_text("wrong\n")
        assert "535" in sendmail("b@example.net", stdin=b"x\n", code=EX_NOPERM)
    assert taken.mail.startswith(b"MAIL FROM:<noreply@shop.example>")
    assert "From: " in _shown(taken)
    assert "noreply@shop.example" in _shown(taken)
    assert "250" in session


def test_what_fails_says_so_with_its_code(start_product: StartProduct, tmp_path: Path) -> None:
    with RecordingSink() as sink:
        product = start_product(sink=sink.port)
        sendmail = Sendmail(tmp_path, server=f"127.0.0.1:{product.smtp[0]}", domain="box.example")
        sendmail("-t", stdin=b"Subject: nobody\n\nx\n", code=EX_DATAERR)
        sendmail("-i", code=EX_USAGE)
        sendmail("good@example.net", "bad@@example.net", stdin=b"x\n", code=EX_NOUSER)
        text = b"Subject: two\nSubject: fields\n\nx\n"
        assert "Subject" in sendmail("good@example.net", stdin=text, code=EX_DATAERR)
        gone = Sendmail(tmp_path, server=f"127.0.0.1:{free_port()}")
        assert "refused" in gone("b@example.net", stdin=b"x\n", code=EX_TEMPFAIL)
        gone("-bs", code=EX_TEMPFAIL)
        Sendmail(tmp_path, serve="x")("b@example.net", stdin=b"x\n", code=EX_CONFIG)
        half = Sendmail(tmp_path, server="mx.example:25", user="shop")
        half("b@example.net", stdin=b"x\n", code=EX_CONFIG)
        assert not sink.taken  # nobody got what somebody was refused
