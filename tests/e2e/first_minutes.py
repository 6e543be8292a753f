"""What ``test_first_minutes`` runs at the far end of the wire. Each step prints what it did; a failed one ends it."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dkim

from tests.e2e.nameserver import NSD
from tests.e2e.recording_sink import RecordingSink, Taken, wait_until

ADDRESS, MX, DNS = "11.25.0.10", "11.25.0.20", "11.25.0.53"
NSD_CONF = """server:
  ip-address: {address}
  port: 53
  username: ""
  zonesdir: "/mnt"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "/mnt/zone.list"
  cookie-secret-file: ""
remote-control:
  control-enable: no
zone:
  name: .
  zonefile: zone
"""
ZONE = """$ORIGIN .
$TTL 60
. SOA ns. hm. 1 3600 600 86400 60
. NS ns.
ns. A {dns}
mail.example.net. A {mx}
example.net. MX 10 mail.example.net.
"""


# Into the machine: this process's files are the machine's already, its network is not.
INTO = ("nsenter", "-n", "-t", "1", "--")
POSTMASTER = (*INTO, sys.executable, "-m", "angarium")


def postmaster(*arguments: str, input_: str = "", code: int = 0) -> str:
    done = subprocess.run(
        [*POSTMASTER, *arguments],
        input=input_.encode(),
        capture_output=True,
        timeout=40,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    print(f"$ postmaster {' '.join(arguments)}\n{said}")
    assert done.returncode == code, done.returncode
    return said


def main() -> None:
    said = postmaster("quickstart", "example.com", "--address", ADDRESS)
    found = re.search(r"shown this once: (\S+)", said)
    assert found
    password = found[1]
    records = [line for line in said.splitlines() if re.match(r"\S+\. \d+ IN ", line)]
    Path("/mnt/zone").write_text(
        ZONE.format(dns=DNS, mx=MX) + "".join(line + "\n" for line in records)
    )
    Path("/mnt/nsd.conf").write_text(NSD_CONF.format(address=DNS))
    assert NSD is not None
    nameserver = subprocess.Popen([NSD, "-d", "-c", "/mnt/nsd.conf"])
    with RecordingSink(at=(MX, 25)) as sink:
        wait_until(lambda: "answers" in postmaster_check())
        checked = postmaster_check()
        assert "FAIL" not in checked, checked
        server = subprocess.Popen([*POSTMASTER, "serve"])
        try:
            wait_until(is_ready)
            taken = first_message(password, sink)
            verify(taken)
            verify(first_by_http(sink))
        finally:
            server.terminate()
            assert server.wait(20) == 0
    nameserver.terminate()
    nameserver.wait(10)
    print("all went as the README says")


def postmaster_check() -> str:
    done = subprocess.run([*POSTMASTER, "check"], capture_output=True, timeout=40, check=False)
    return done.stdout.decode()


def is_ready() -> bool:
    asked = [*INTO, "curl", "-s", "http://127.0.0.1:8025/readyz"]
    done = subprocess.run(asked, capture_output=True, timeout=10, check=False)
    return done.stdout.strip() == b'{"status":"ok"}'


def first_message(password: str, sink: RecordingSink) -> Taken:
    arguments = "send --user example --from hello@example.com --to you@example.net --subject Hello"
    said = postmaster(
        *arguments.split(), "--body", "It works.", "--password-stdin", input_=password + "\n"
    )
    found = re.search(r"queued as (\S+)", said)
    assert found
    deadline = time.monotonic() + 20
    while not sink.taken:
        assert time.monotonic() < deadline, postmaster("queue", "explain", found[1])
        time.sleep(0.1)
    return sink.taken[0]


def first_by_http(sink: RecordingSink) -> Taken:
    before = len(sink.taken)
    postmaster("domain", "add", "example.com", "--assume-verified")
    found = re.search(r"key:\s+(ang_api_\S+)", postmaster("key", "create"))
    assert found
    key = f"X-API-Key: {found[1]}"
    wanted = {
        "from": "hello@example.com",
        "to": ["you@example.net"],
        "subject": "Hello",
        "bodyText": "It works.",
    }
    as_json = "Content-Type: application/json"
    sent = curl("/v1/send", "-H", key, "-H", as_json, "-d", json.dumps(wanted))
    assert sent["success"], sent
    wait_until(lambda: len(sink.taken) > before)
    status = f"/v1/status/{sent['emailId']}"
    wait_until(lambda: curl(status, "-H", key)["status"] == "delivered")
    return sink.taken[-1]


def curl(path: str, *arguments: str) -> Any:
    asked = [*INTO, "curl", "-s", f"http://127.0.0.1:8025{path}", *arguments]
    done = subprocess.run(asked, capture_output=True, timeout=20, check=False)
    print(f"$ curl {path}\n{done.stdout.decode()}")
    return json.loads(done.stdout)


def verify(taken: Taken) -> None:
    """By a verifier that is not ours, with the keys as the zone has them."""
    records = {
        line.split()[0]: "".join(re.findall(r'"([^"]*)"', line))
        for line in Path("/mnt/zone").read_text().splitlines()
        if " TXT " in line
    }
    signatures = re.findall(rb"(?m)^DKIM-Signature:", taken.content)
    assert len(signatures) == 2, taken.content
    for index in range(2):
        assert dkim.DKIM(taken.content).verify(
            index, dnsfunc=lambda name, timeout=5: records[name.decode()].encode()
        )


main()
