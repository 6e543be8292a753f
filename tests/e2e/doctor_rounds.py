"""What ``test_doctor`` runs in a namespace: one fault after the other in DNS, keys, clock and links, each to be found.

The namespace has addresses of its own, a nameserver that knows all there is (nsd with the root), and a mail host.
"""

import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from angarium.cli.main import run
from angarium.dkim.keygen import generate, record_text, write_private_key
from angarium.dkim.txt import txt_zone_line
from tests.cli.certificate import write_certificate
from tests.e2e.nameserver import Nameserver

ADDRESS, SECOND = "11.25.0.10", "11.25.0.11"
# No address of an interface, so not ours, but routed to here; to the other one nothing leads
MX, UNREACHED = "11.26.0.20", "11.27.0.20"
PTR, SECOND_PTR = "10.0.25.11.in-addr.arpa", "11.0.25.11.in-addr.arpa"
TODAY = datetime.now(UTC).date()
GREETER = """
import socket
listening = socket.create_server(("0.0.0.0", 25))
print("listens", flush=True)
while True:
    peer, _ = listening.accept()
    peer.sendall(b"220 mail.example.net ESMTP\\r\\n")
    peer.close()
"""
Zone = dict[tuple[str, str], list[str]]


class Fault(NamedTuple):
    check: str
    words: Sequence[str]  # of what is expected, found and to do
    records: Mapping[tuple[str, str], list[str]] = {}  # instead of the healthy ones; []: none
    config: str = ""
    days: int = 90  # until the certificate ends


def healthy(record: str) -> Zone:
    return {
        ("mail.example.net", "A"): [MX],
        ("example.com", "MX"): ["10 mx1.example.com."],
        ("mx1.example.com", "A"): [ADDRESS],
        ("mx2.example.com", "A"): [SECOND],
        (PTR, "PTR"): ["mx1.example.com."],
        (SECOND_PTR, "PTR"): ["mx2.example.com."],
        ("example.com", "TXT"): [f"v=spf1 ip4:{ADDRESS} ip4:{SECOND} -all"],
        ("s1._domainkey.example.com", "TXT"): [record],
        ("_dmarc.example.com", "TXT"): ["v=DMARC1; p=none; rua=mailto:d@example.com"],
        ("bounces.example.com", "MX"): ["10 mx1.example.com."],
        ("bounces.example.com", "TXT"): [f"v=spf1 ip4:{ADDRESS} ip4:{SECOND} -all"],
        ("example.net", "MX"): ["10 mail.example.net."],
        ("gmail.com", "MX"): ["10 mail.example.net."],
    }


def faults(record: str) -> list[Fault]:
    other = record_text(generate("ed25519").public_key())
    txt, dmarc = ("example.com", "TXT"), ("_dmarc.example.com", "TXT")
    key = ("s1._domainkey.example.com", "TXT")
    old = TODAY - timedelta(days=31)
    soon = TODAY - timedelta(days=26)
    return [
        Fault("ptr", ["no PTR record", f"{PTR} PTR mx1.example.com"], {(PTR, "PTR"): []}),
        Fault("ptr", ["host-10.provider.test"], {(PTR, "PTR"): ["host-10.provider.test."]}),
        Fault("ptr", [f"{SECOND_PTR} PTR mx2.example.com"], {(SECOND_PTR, "PTR"): []}),
        Fault("ehlo", [f"mx2.example.com A {SECOND}"], {("mx2.example.com", "A"): [MX]}),
        Fault("ehlo", ["no address record"], {("mx2.example.com", "A"): []}),
        Fault("hostname", ["no A or AAAA"], {("mx1.example.com", "A"): []}),
        Fault("spf", [f"v=spf1 ip4:{ADDRESS} ip4:{SECOND} -all"], {txt: []}),
        Fault("spf", [SECOND, f"add ip4:{SECOND}"], {txt: [f"v=spf1 ip4:{ADDRESS} -all"]}),
        Fault("spf", ["'ipv4:1.2.3.4'"], {txt: ["v=spf1 ipv4:1.2.3.4 -all"]}),
        Fault("spf", ["record"], {txt: ["v=spf1 " + " ".join(f"a:{i}.test" for i in range(12))]}),
        Fault("dkim record", ["not published", record], {key: []}),
        Fault("dkim record", ["another key", record], {key: [other]}),
        Fault("dkim record", ["revoked"], {key: ["v=DKIM1; k=ed25519; p="]}),
        Fault("dmarc", ["v=DMARC1; p=none"], {dmarc: []}),
        Fault("dmarc", ["must be none"], {dmarc: ["v=DMARC1; p=most"]}),
        Fault("dmarc", ["2 DMARC records"], {dmarc: ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}),
        Fault(
            "dmarc reports",
            ["example.com._report._dmarc.example.net TXT"],
            {dmarc: ["v=DMARC1; p=none; rua=mailto:d@example.net"]},
        ),
        Fault("replies", ["null MX"], {("example.com", "MX"): ["0 ."]}),
        Fault("replies", ["neither MX nor address"], {("example.com", "MX"): []}),
        Fault(
            "return path",
            ["publish bounces.example.com MX 10 mx1.example.com"],
            {("bounces.example.com", "MX"): []},
        ),
        Fault(
            "return path",
            ["MX mail.example.net, none of which is mx1.example.com"],
            {("bounces.example.com", "MX"): ["10 mail.example.net."]},
        ),
        Fault(
            "spf",
            ["bounces.example.com", f"v=spf1 ip4:{ADDRESS} ip4:{SECOND} -all"],
            {("bounces.example.com", "TXT"): []},
        ),
        Fault("certificate", ["expires in"], days=5),
        Fault("certificate", ["has expired"], days=-3),
        Fault("link", ["has ended", "snds_link"], config=f'snds_link = "{old}"'),
        Fault("link", ["ends in 4 days", "jmrp_link"], config=f'jmrp_link = "{soon}"'),
        Fault(
            "blocklist",
            [ADDRESS, "zen.spamhaus.org: sends spam (SBL)", "removal at https://check.spamhaus"],
            {("10.0.25.11.zen.spamhaus.org", "A"): ["127.0.0.2"]},
        ),
        Fault(
            "blocklist",
            ["zen.spamhaus.org", "does not serve our resolver", "nameservers of your own"],
            {("10.0.25.11.zen.spamhaus.org", "A"): ["127.255.255.254"]},
        ),
        Fault("port 25", ["many networks close"], {("mail.example.net", "A"): [UNREACHED]}),
    ]


def zone_text(records: Zone) -> str:
    lines: list[str] = []
    for (name, kind), values in records.items():
        for value in values:
            text = txt_zone_line(name, value) if kind == "TXT" else f"{name}. IN {kind} {value}"
            lines.append(text)
    return "\n".join(lines) + "\n"


def diagnose(folder: Path, zone: Zone, config: str, days: int) -> tuple[int, list[dict[str, Any]]]:
    write_certificate(folder, days)
    with Nameserver(folder, ".", zone_text(zone)) as nameserver:
        file = folder / "angarium.toml"
        file.write_text(f"""
[server]
hostname = "mx1.example.com"
data_dir = "data"
[[listener]]
kind = "submission"
address = "127.0.0.1:5870"
auth = "required"
tls = "starttls"
certificate = "chain.pem"
private_key = "key.pem"
[[source]]
name = "ip1"
address = "{ADDRESS}"
[[source]]
name = "ip2"
address = "{SECOND}"
ehlo = "mx2.example.com"
[[pool]]
name = "default"
sources = [{{ name = "ip1" }}, {{ name = "ip2" }}]
[dkim]
keys = [{{ domain = "example.com", selector = "s1", file = "dkim.pem" }}]
[dns]
nameservers = ["127.0.0.1:{nameserver.port}"]
timeout_s = "2s"
lifetime_s = "4s"
[feedback]
return_path_domain = "bounces.example.com"
[postmasters]
{config}
""")
        said = io.StringIO()
        with redirect_stdout(said):
            code = run(["doctor", "--json", "--config", str(file)])
    return code, json.loads(said.getvalue())["findings"]


def ill(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # Whether the machine's clock is synchronised is not this test's business
    return [each for each in findings if each["verdict"] != "ok" and each["check"] != "clock"]


def main() -> None:
    greeter = subprocess.Popen([sys.executable, "-c", GREETER], stdout=subprocess.PIPE)
    assert greeter.stdout is not None
    greeter.stdout.readline()
    key = generate("ed25519")
    record = record_text(key.public_key())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_private_key(folder / "dkim.pem", key)
        well = healthy(record)
        code, findings = diagnose(folder, well, "", 90)
        assert not ill(findings), ill(findings)
        print(f"healthy: {len(findings)} examined, exit {code}")
        for fault in faults(record):
            code, findings = diagnose(folder, {**well, **fault.records}, fault.config, fault.days)
            found = [each for each in ill(findings) if each["check"] == fault.check]
            assert code == 69, (fault, code)
            assert found, (fault, ill(findings))
            assert any(
                all(word in json.dumps(each, ensure_ascii=False) for word in fault.words)
                for each in found
            ), (fault, found)
            assert all(each["subject"] and each["found"] for each in found), found
            print(f"found: {fault.check}: {found[0]['text']}")
    greeter.kill()
    greeter.wait()
    print("each fault was found")


main()
