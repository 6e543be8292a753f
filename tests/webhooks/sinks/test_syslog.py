"""Mirrors angarium/webhooks/sinks/syslog.py, with receivers of TCP and TLS, and with rsyslog where it is installed."""

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from angarium.webhooks.sinks.syslog import frame
from tests.authority import Authority
from tests.free_port import free_port
from tests.webhooks.sinks.syslog_receiver import SyslogReceiver
from tests.webhooks.sinks.world import NOW, FakeDns, endpoints, letter, until


def test_a_message_is_as_rfc_5424_has_it() -> None:
    framed = frame(letter("", body=b'{\n"a":\r\n1}'), "mx1.example.com", NOW)
    length, _, message = framed.partition(b" ")
    assert int(length) == len(message)
    assert message == (
        b'<22>1 2027-01-15T08:00:00.123Z mx1.example.com angarium - email.delivered - { "a": 1}'
    )
    assert frame(letter(""), "", NOW).split(b" ")[3] == b"-"


async def test_events_are_told_over_one_connection_and_again_over_the_next() -> None:
    async with SyslogReceiver().serving() as receiver:
        sinks = endpoints()
        url = f"syslog+tcp://127.0.0.1:{receiver.port}"
        for number in (1, 2):
            answered = await sinks.post(letter(url, number))
            assert (answered.status, answered.text) == (200, "written")
        await until(lambda: len(receiver.messages) == 2)
        assert receiver.connections == 1
        assert receiver.messages[1].endswith(letter(url, 2).body)
        receiver.hang_up()
        answers = [await sinks.post(letter(url, number)) for number in (3, 4, 5)]
        # what was written while nobody knew may be lost with it, but no more is
        assert answers[-1].is_success
        await until(lambda: receiver.messages[-1].endswith(letter(url, 5).body))
        assert receiver.connections == 2
        await sinks.close()


async def test_with_tls_it_is_the_host_that_the_url_names(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*authority.server("log.example.com"))
    trusted = ssl.create_default_context(cafile=authority.path)
    async with SyslogReceiver().serving(server) as receiver:
        sinks = endpoints(dns=FakeDns("127.0.0.1"), context=trusted)
        answered = await sinks.post(letter(f"syslog+tls://log.example.com:{receiver.port}"))
        assert answered.is_success, answered.text
        await until(lambda: len(receiver.messages) == 1)
        for host, context in (("other.example.com", trusted), ("log.example.com", None)):
            strict = endpoints(dns=FakeDns("127.0.0.1"), context=context)
            answered = await strict.post(letter(f"syslog+tls://{host}:{receiver.port}"))
            assert (answered.status, "ertificate" in answered.text) == (0, True), answered.text
            await strict.close()
        await sinks.close()


async def test_nobody_there_and_nobody_who_may_be_p1() -> None:
    """SK1"""
    sinks = endpoints()
    answered = await sinks.post(letter(f"syslog+tcp://127.0.0.1:{free_port()}"))
    assert answered.status == 0
    assert "refused" in answered.text.lower() or "connect" in answered.text.lower()
    await sinks.close()
    hidden = endpoints(dns=FakeDns("10.0.0.5"))
    answered = await hidden.post(letter("syslog+tls://log.example.com"))
    assert answered.status == 0
    assert "10.0.0.5, which is not public" in answered.text
    await hidden.close()


RSYSLOG = shutil.which("rsyslogd") or (
    "/usr/sbin/rsyslogd" if Path("/usr/sbin/rsyslogd").exists() else None
)


@pytest.mark.skipif(RSYSLOG is None, reason="rsyslog is not installed")
async def test_rsyslog_reads_what_is_told(tmp_path: Path) -> None:
    port, out = free_port(), tmp_path / "out.log"
    config = tmp_path / "rsyslog.conf"
    config.write_text(
        'module(load="imtcp")\n'
        f'input(type="imtcp" address="127.0.0.1" port="{port}")\n'
        'template(name="t" type="string"'
        ' string="%pri-text%|%hostname%|%app-name%|%msgid%|%msg%\\n")\n'
        f'action(type="omfile" file="{out}" template="t")\n'
    )
    assert RSYSLOG is not None
    command = [RSYSLOG, "-n", "-f", str(config), "-i", str(tmp_path / "pid")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            await until(lambda: _listens(port))
            sinks = endpoints()
            answered = await sinks.post(letter(f"syslog+tcp://127.0.0.1:{port}"))
            assert answered.is_success, answered.text
            await until(lambda: out.exists() and out.read_bytes().endswith(b"\n"))
            line = out.read_text().strip()
            assert re.fullmatch(
                r"mail\.info\|mx1\.example\.com\|angarium\|email\.delivered\| ?\{.*grün\"\}", line
            ), line
            await sinks.close()
        finally:
            peer.terminate()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
