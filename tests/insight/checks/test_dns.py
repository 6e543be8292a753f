"""Mirrors angarium/insight/checks/dns.py and the checks that it calls, against a scripted nameserver on loopback."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from angarium.access.credential_file import User
from angarium.config.schema import (
    Config,
    Delivery,
    Dkim,
    DkimKey,
    Pool,
    PoolMember,
    Route,
    Server,
    Source,
)
from angarium.dkim.keygen import generate, record_text, write_private_key
from angarium.insight.checks import dns as check_dns_module
from angarium.insight.checks.dns import check_dns
from angarium.insight.checks.domains import check_domains
from angarium.insight.checks.finding import Finding
from angarium.insight.checks.outbound import check_outbound
from angarium.insight.checks.patient_dns import PatientDns
from angarium.insight.egress_addresses import EgressAddress, egress_addresses, sends_by_mx
from angarium.insight.sender_domains import SenderDomains, sender_domains
from angarium.routing.dns import DnsResolver
from tests.routing.scripted_dns import ScriptedDns

ADDRESS = "203.0.113.10"
PTR = "10.113.0.203.in-addr.arpa"
NAME = "mx1.example.com"


@pytest.fixture
async def server() -> AsyncIterator[ScriptedDns]:
    """A nameserver with all that example.com needs, but for the key."""
    scripted = ScriptedDns()
    scripted.add(NAME, "A", ADDRESS)
    scripted.add(PTR, "PTR", f"{NAME}.")
    scripted.add("example.com", "TXT", '"proof-of-something=1"', f'"v=spf1 ip4:{ADDRESS} " "-all"')
    scripted.add("_dmarc.example.com", "TXT", '"v=DMARC1; p=reject; rua=mailto:d@example.com"')
    scripted.add("example.com", "MX", f"10 {NAME}.")
    await scripted.start()
    yield scripted
    await scripted.stop()


def make_config(
    server: ScriptedDns, tmp_path: Path, *, route: Route | None = None
) -> tuple[Config, Ed25519PrivateKey]:
    key = generate("ed25519")
    assert isinstance(key, Ed25519PrivateKey)
    write_private_key(tmp_path / "key.pem", key)
    dkim_key = DkimKey(domain="example.com", selector="s1", file=str(tmp_path / "key.pem"))
    config = Config(
        server=Server(hostname=NAME, data_dir=str(tmp_path)),
        source=(Source(name="ip1", address=ADDRESS),),
        pool=(Pool(name="default", sources=(PoolMember(name="ip1"),)),),
        route=(route,) if route else (),
        dkim=Dkim(keys=(dkim_key,)),
        dns=server.config,
    )
    return config, key


@pytest.fixture(autouse=True)
def outbound(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(*_: object) -> Finding:
        return Finding("port 25", "ok", "not looked at here")

    monkeypatch.setattr(check_dns_module, "check_outbound", answer)


async def found(config: Config) -> dict[str, list[tuple[str, str]]]:
    by_name: dict[str, list[tuple[str, str]]] = {}
    for each in await check_dns(config):
        by_name.setdefault(each.name, []).append((each.verdict, each.text))
        assert each.evidence is not None or each.name in ("dns", "hostname", "port 25", "spf"), each
    return by_name


async def test_a_host_that_is_set_up_passes(server: ScriptedDns, tmp_path: Path) -> None:
    config, key = make_config(server, tmp_path)
    server.add("s1._domainkey.example.com", "TXT", f'"{record_text(key.public_key())}"')
    by_name = await found(config)
    assert [verdict for each in by_name.values() for verdict, _ in each] == ["ok"] * 10, by_name
    assert list(by_name) == [
        *("dns", "hostname", "ptr", "ehlo", "dkim record", "spf", "dmarc", "alignment", "replies"),
        "port 25",
    ]
    assert by_name["ptr"][0][1] == f"ip1: {ADDRESS} is {NAME}"
    assert by_name["ehlo"][0][1] == f"ip1: {ADDRESS} says EHLO {NAME}, which leads back"
    assert by_name["alignment"][0][1].endswith("both are aligned")
    assert by_name["spf"][0][1].startswith(f"example.com: {ADDRESS} may send (ip4:{ADDRESS} of")
    assert by_name["dmarc"][0][1] == "example.com: p=reject"


async def test_without_any_record_each_is_given_to_paste(
    server: ScriptedDns, tmp_path: Path
) -> None:
    config, _ = make_config(server, tmp_path)
    server.records.clear()
    by_name = await found(config)
    texts = {name: each[0] for name, each in by_name.items()}
    fine = ("dns", "port 25", "alignment")
    assert {verdict for name, (verdict, _) in texts.items() if name not in fine} == {"warn"}
    assert f"publish {NAME} A {ADDRESS}" in texts["ehlo"][1]
    assert "neither MX nor address" in texts["replies"][1]
    assert f"ask its owner for {PTR} PTR {NAME}" in texts["ptr"][1]
    assert f'publish example.com TXT "v=spf1 ip4:{ADDRESS} -all"' in texts["spf"][1]
    assert 'publish _dmarc.example.com TXT "v=DMARC1; p=none;' in texts["dmarc"][1]
    assert "`postmaster dkim dns` prints it" in texts["dkim record"][1]


@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        (
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            "fail",
            "another key",
        ),
        ("v=DKIM1; k=ed25519; p=", "fail", "revoked"),
        ("v=DKIM1; k=rsa; p={key}", "fail", "k='rsa' is published"),
        ("v=DKIM1; k=ed25519", "fail", "no p="),
        ("v=DKIM1; k=ed25519; h=sha1; p={key}", "fail", "h= does not allow"),
        ("v=DKIM1; k=ed25519; s=tlsrpt; p={key}", "fail", "s= does not allow"),
        ("v=DKIM1; k=ed25519; t=y:s; p={key}", "warn", "t=y"),
        ("k=ed25519; s=email:x; p={key}", "ok", "is the key's"),
        ("nonsense", "fail", "no list of tags"),
    ],
)
async def test_the_published_key_is_compared_with_the_file(
    server: ScriptedDns, tmp_path: Path, record: str, verdict: str, words: str
) -> None:
    config, key = make_config(server, tmp_path)
    ours = record_text(key.public_key()).rpartition("p=")[2]
    server.add("s1._domainkey.example.com", "TXT", f'"{record.format(key=ours)}"')
    (finding,) = (await found(config))["dkim record"]
    assert (finding[0], words in finding[1]) == (verdict, True), finding


@pytest.mark.parametrize(
    ("record", "verdict", "words"),
    [
        ("v=spf1 a:mx1.example.com -all", "ok", "1 of 10 look-ups"),
        (
            "v=spf1 ip4:192.0.2.1 -all",
            "warn",
            f"may not send: fail by -all of example.com; add ip4:{ADDRESS}",
        ),
        ("v=spf1 ip4:192.0.2.1 ~all", "warn", "softfail"),
        ("v=spf1 ip4:192.0.2.1", "warn", "neutral"),
        ("v=spf1 ipv4:192.0.2.1 -all", "fail", "'ipv4:192.0.2.1' is no term"),
        ("v=spf1 include:none.test -all", "fail", "none.test has no SPF record"),
    ],
)
async def test_spf_is_asked_for_the_address_that_mail_leaves_from(
    server: ScriptedDns, tmp_path: Path, record: str, verdict: str, words: str
) -> None:
    config, _ = make_config(server, tmp_path)
    server.add("example.com", "TXT", f'"{record}"')
    (finding,) = (await found(config))["spf"]
    assert (finding[0], words in finding[1]) == (verdict, True), finding


@pytest.mark.parametrize(
    ("records", "verdict", "words"),
    [
        ([(PTR, ["other.example.com."])], "warn", "has the PTR other.example.com, but EHLO says"),
        ([(PTR, ["other.example.com.", "MX1.example.com."])], "ok", f"is {NAME}"),
        ([(NAME, ["192.0.2.99"])], "warn", f"does not lead back: publish {NAME} A {ADDRESS}"),
    ],
)
async def test_the_address_must_name_us_and_the_name_lead_back(
    server: ScriptedDns,
    tmp_path: Path,
    records: list[tuple[str, list[str]]],
    verdict: str,
    words: str,
) -> None:
    config, _ = make_config(server, tmp_path)
    for name, values in records:
        server.add(name, "PTR" if name == PTR else "A", *values)
    (finding,) = (await found(config))["ptr" if records[0][0] == PTR else "ehlo"]
    assert (finding[0], words in finding[1]) == (verdict, True), finding


@pytest.mark.parametrize(
    ("name", "record", "verdict", "words"),
    [
        ("_dmarc.news.example.com", "v=DMARC1; p=none", "ok", "news.example.com: p=none"),
        ("_dmarc.example.com", "v=DMARC1; p=none", "ok", "news.example.com: p=none of example.com"),
        ("_dmarc.example.com", "v=DMARC1; p=none; sp=reject", "ok", "p=reject of example.com"),
        ("_dmarc.example.com", "v=DMARC1; p=reject; t=y", "ok", "p=reject of example.com, in test"),
        (
            "_dmarc.example.com",
            "v=DMARC1; p=none; pct=50; rf=afrf",
            "warn",
            "pct=, rf= mean nothing",
        ),
        ("_dmarc.example.com", "v=dmarc1; p=none", "warn", "in capitals"),
        ("_dmarc.example.com", "v=DMARC1; p=maybe", "warn", "must be none, quarantine"),
        ("_dmarc.com", "v=DMARC1; p=quarantine; psd=y", "ok", "p=quarantine of com"),
        ("_dmarc.test", "v=DMARC1; p=none", "warn", "has no DMARC record"),
    ],
)
async def test_dmarc_is_looked_for_at_the_domain_and_above(
    server: ScriptedDns,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    record: str,
    verdict: str,
    words: str,
) -> None:
    config, _ = make_config(server, tmp_path)
    known = SenderDomains(domains=("news.example.com",), users={}, unbound=())
    monkeypatch.setattr(check_dns_module, "find_sender_domains", lambda _: known)
    del server.records["_dmarc.example.com", "TXT"]
    server.add(name, "TXT", f'"{record}"')
    (finding,) = (await found(config))["dmarc"]
    assert (finding[0], words in finding[1]) == (verdict, True), finding


@pytest.mark.parametrize(
    ("record", "return_path", "verdict", "words"),
    [
        ("p=none", None, "ok", "both are aligned"),
        ("p=none", "bounces.example.com", "ok", "both are aligned"),
        ("p=none", "bounces.other.test", "ok", "the signature is aligned"),
        ("p=none; aspf=s", "bounces.example.com", "ok", "the signature is aligned"),
        ("p=none; adkim=s", "news.example.com", "warn", "only SPF is"),
        ("p=none; adkim=s; aspf=s", "bounces.example.com", "fail", "nothing is: DMARC fails"),
        ("p=none; adkim=s", "other.test", "fail", "adkim=s: give news.example.com a key"),
    ],
)
async def test_what_dmarc_compares_is_told(
    server: ScriptedDns,
    tmp_path: Path,
    record: str,
    return_path: str | None,
    verdict: str,
    words: str,
) -> None:
    config, _ = make_config(server, tmp_path)
    server.records["_dmarc.example.com", "TXT"] = []
    server.add("_dmarc.example.com", "TXT", f'"v=DMARC1; {record}"')
    resolver = DnsResolver(config.dns, time.monotonic)
    try:
        findings = await check_domains(
            config, ["news.example.com"], (), PatientDns(resolver), return_path
        )
    finally:
        await resolver.close()
    (finding,) = (each for each in findings if each.name == "alignment")
    assert (finding.verdict, words in finding.text) == (verdict, True), finding


@pytest.mark.parametrize(
    ("rua", "agrees", "told"),
    [
        ("mailto:d@example.com", False, False),
        ("mailto:d@reports.example.com", False, False),
        ("mailto:a@dmarc.other.test!10m, https://x.test", False, True),
        ("mailto:a@dmarc.other.test", True, False),
    ],
)
async def test_who_gets_reports_about_another_domain_has_to_agree(
    server: ScriptedDns, tmp_path: Path, rua: str, agrees: bool, told: bool
) -> None:
    config, _ = make_config(server, tmp_path)
    server.records["_dmarc.example.com", "TXT"] = []
    server.add("_dmarc.example.com", "TXT", f'"v=DMARC1; p=none; rua={rua}"')
    agreement = "example.com._report._dmarc.dmarc.other.test"
    if agrees:
        server.add(agreement, "TXT", '"v=DMARC1;"')
    by_name = await found(config)
    assert ("dmarc reports" in by_name) is told
    if told:
        assert f'publish {agreement} TXT "v=DMARC1;"' in by_name["dmarc reports"][0][1]


@pytest.mark.parametrize(
    ("kind", "value", "verdict", "words"),
    [
        ("MX", "0 .", "warn", "a null MX"),
        ("A", ADDRESS, "ok", f"no MX, but the address {ADDRESS}"),
        (None, "", "warn", "neither MX nor address"),
    ],
)
async def test_a_sender_to_whom_nobody_can_answer_is_told(
    server: ScriptedDns, tmp_path: Path, kind: str | None, value: str, verdict: str, words: str
) -> None:
    config, _ = make_config(server, tmp_path)
    del server.records["example.com", "MX"]
    if kind is not None:
        server.add("example.com", kind, value)
    (finding,) = (await found(config))["replies"]
    assert (finding[0], words in finding[1]) == (verdict, True), finding


async def test_unsigned_mail_under_a_strict_policy_is_told(
    server: ScriptedDns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = make_config(server, tmp_path)
    config = msgspec.structs.replace(config, dkim=Dkim())
    known = SenderDomains(domains=("example.com",), users={}, unbound=())
    monkeypatch.setattr(check_dns_module, "find_sender_domains", lambda _: known)
    assert "its mail is unsigned" in (await found(config))["dmarc"][0][1]


async def test_mail_that_smart_hosts_take_is_not_asked_for_our_address(
    server: ScriptedDns, tmp_path: Path
) -> None:
    config, _ = make_config(server, tmp_path, route=Route(domain="*", via="smtp://127.0.0.1:25"))
    by_name = await found(config)
    assert list(by_name) == [
        *("dns", "hostname", "spf", "dkim record", "dmarc", "alignment", "replies"),
    ]
    assert "all mail leaves by smart hosts" in by_name["spf"][0][1]


async def test_a_name_that_is_not_answered_spoils_no_other_check(
    server: ScriptedDns, tmp_path: Path
) -> None:
    config, _ = make_config(server, tmp_path)
    config = msgspec.structs.replace(
        config, dns=msgspec.structs.replace(config.dns, timeout_s=0.2, lifetime_s=0.3)
    )
    server.silent.add("s1._domainkey.example.com")
    by_name = await found(config)
    assert by_name["dkim record"][0][0] == "warn"
    assert "no answer in time" in by_name["dkim record"][0][1]
    assert by_name["spf"][0][0] == "ok"


def test_the_systems_choice_of_address_is_looked_at_too() -> None:
    server = Server(hostname=NAME)
    assert egress_addresses(Config(server=server), lambda: (ADDRESS, "2001:db8::10")) == (
        EgressAddress(source="default", address=ADDRESS, ehlo=NAME),
        EgressAddress(source="default", address="2001:db8::10", ehlo=NAME),
    )
    named = Config(server=server, source=(Source(name="a", address="192.0.2.1", ehlo="a.test"),))
    pool = Pool(name="default", sources=(PoolMember(name="a"),))
    (only,) = egress_addresses(msgspec.structs.replace(named, pool=(pool,)), lambda: (ADDRESS,))
    assert only == EgressAddress(source="a", address="192.0.2.1", ehlo="a.test")
    assert len(egress_addresses(named, lambda: (ADDRESS,))) == 2


@pytest.mark.parametrize(
    ("routes", "by_mx"),
    [
        ([], True),
        ([("*", "smtp://a.test")], False),
        ([("x.test", "smtp://a.test")], True),
        ([("x.test", "mx"), ("*", "smtp://a.test")], True),
    ],
)
def test_who_sends_by_mx(routes: list[tuple[str, str]], by_mx: bool) -> None:
    table = tuple(Route(domain=domain, via=via) for domain, via in routes)
    assert sends_by_mx(Config(server=Server(hostname=NAME), route=table)) is by_mx


async def test_a_private_address_is_taken_for_what_its_name_is(
    server: ScriptedDns, tmp_path: Path
) -> None:
    config, _ = make_config(server, tmp_path)
    inside = Source(name="ip1", address="10.0.0.5")
    by_name = await found(msgspec.structs.replace(config, source=(inside,)))
    assert "10.0.0.5 is private" in by_name["ptr"][0][1]
    assert by_name["ptr"][1] == ("ok", f"ip1: {ADDRESS} is {NAME}")
    assert by_name["spf"][0][0] == "ok"
    del server.records[NAME, "A"]
    by_name = await found(msgspec.structs.replace(config, source=(inside,)))
    assert [verdict for verdict, _ in by_name["ptr"]] == ["warn"]
    assert f"{NAME} has no A record" in by_name["ptr"][0][1]
    assert "spf" not in by_name
    six = Source(name="ip1", address="fd00::5")
    assert "ptr" not in await found(msgspec.structs.replace(config, source=(six,)))


def test_sender_domains_are_of_users_and_of_keys() -> None:
    def user(name: str, *senders: str) -> User:
        return User(name=name, hash="", senders=senders, created="")

    key = DkimKey(domain="Key.test", selector="s", file="f")
    config = Config(server=Server(hostname=NAME), dkim=Dkim(keys=(key,)))
    users = [user("a", "@x.test", "me@y.test"), user("b", "*"), user("c", "you@X.test", "i@x.test")]
    assert sender_domains(config, users) == SenderDomains(
        domains=("key.test", "x.test", "y.test"),
        users={"x.test": ("a", "c"), "y.test": ("a",)},
        unbound=("b",),
    )


class MailHost:
    """Greets, or does not."""

    def __init__(self, greeting: bytes) -> None:
        self._greeting = greeting
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._greeting)
        self.lines.put_nowait(await reader.readline())
        writer.close()


async def outbound_finding(server: ScriptedDns, port: int) -> Finding:
    server.add("example.com", "MX", "10 mail.example.com.")
    server.add("mail.example.com", "A", "127.0.0.1")
    config = Config(
        server=Server(hostname=NAME),
        delivery=Delivery(port=port, allow_private=True),
        dns=server.config,
    )
    resolver = DnsResolver(config.dns, time.monotonic)
    try:
        return await check_outbound(config, ["none.test", "example.com"], (), resolver, ())
    finally:
        await resolver.close()


async def test_a_mail_host_that_greets_shows_that_the_port_is_open(server: ScriptedDns) -> None:
    host = MailHost(b"220 mail.example.com ESMTP\r\n")
    async with host as port:
        finding = await outbound_finding(server, port)
        async with asyncio.timeout(20):
            assert await host.lines.get() == b"QUIT\r\n"
    assert finding[:3] == ("port 25", "ok", f"mail.example.com [127.0.0.1]:{port} answers")


@pytest.mark.parametrize("greeting", [b"", b"554 go\x1b away\r\n", b"x" * 2000])
async def test_what_greets_otherwise_is_told(server: ScriptedDns, greeting: bytes) -> None:
    async with MailHost(greeting + b"\r\n") as port:
        finding = await outbound_finding(server, port)
    assert finding.verdict == "warn"
    assert "none greets us" in finding.text
    assert finding.text.isprintable()


async def test_a_closed_port_fails_with_what_to_do(server: ScriptedDns) -> None:
    async with MailHost(b"") as port:
        pass
    finding = await outbound_finding(server, port)
    assert finding.verdict == "fail"
    assert "ask yours to open it, or send by a smart host" in finding.text


async def test_without_a_mail_host_in_dns_nothing_is_tried(server: ScriptedDns) -> None:
    config = Config(server=Server(hostname=NAME), dns=server.config)
    resolver = DnsResolver(config.dns, time.monotonic)
    try:
        finding = await check_outbound(config, ["none.test"], (), resolver, ("no.test",))
    finally:
        await resolver.close()
    assert finding.verdict == "warn"
    assert "not tried: no mail host of none.test, no.test" in finding.text
