"""Mirrors angarium/webhooks/caller.py (P1)."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from angarium.routing.dns import Answer, DnsTrouble, Found, NoData
from angarium.webhooks.caller import MAX_ANSWER_OCTETS, Caller
from angarium.webhooks.guard import Guard
from tests.webhooks.receiver import Receiver

LOOPBACK = Guard(["127.0.0.0/8"])


class FakeDns:
    """Answers by turns; the last one for ever."""

    def __init__(self, *answers: Answer[str] | Iterable[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def ipv4(self, name: str) -> Answer[str]:
        self.asked.append(name)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Found(tuple(answer), 60.0) if isinstance(answer, list) else answer

    async def ipv6(self, name: str) -> Answer[str]:
        return NoData(60.0)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as started:
        yield started


async def post(caller: Caller, url: str, body: bytes = b"{}"):  # type: ignore[no-untyped-def]
    try:
        return await caller.post(url, {"X-One": "1"}, body)
    finally:
        await caller.close()


def caller(guard: Guard = LOOPBACK, dns: FakeDns | None = None, **more: float) -> Caller:
    return Caller(guard, dns or FakeDns(NoData(1.0)), **{"timeout_s": 20, **more})


async def test_a_request_goes_out_as_it_is_given(receiver: Receiver) -> None:
    answered = await post(caller(), receiver.url("/a%20b?q=%C3%A4"), b"\x00body")
    assert (answered.status, answered.is_success) == (200, True)
    (taken,) = receiver.taken
    assert (taken.path, taken.body, taken.headers["x-one"]) == ("/a%20b?q=%C3%A4", b"\x00body", "1")
    assert "authorization" not in taken.headers


async def test_user_and_password_of_the_url_become_a_header(receiver: Receiver) -> None:
    url = receiver.url().replace("//", "//me:secret@")
    assert (await post(caller(), url)).is_success
    assert receiver.taken[0].headers["authorization"] == "Basic bWU6c2VjcmV0"


async def test_a_name_at_an_inner_address_is_never_connected_to_p1(receiver: Receiver) -> None:
    dns = FakeDns(["127.0.0.1"])
    url = receiver.url(host="hooks.example.com")
    answered = await post(caller(Guard(allow_http=True), dns), url)
    assert answered.status == 0
    assert "hooks.example.com is at 127.0.0.1, which is not public" in answered.text
    assert receiver.taken == []
    assert dns.asked == ["hooks.example.com"]


async def test_an_answer_that_changes_is_judged_when_it_is_connected_to_wc1_p1() -> None:
    """Two servers, one allowed: DNS names the one, then the other."""
    async with Receiver("127.1.0.1") as allowed, Receiver("127.2.0.1") as inner:
        dns = FakeDns(["127.1.0.1"], ["127.2.0.1"])
        one = caller(Guard(["127.1.0.0/16"]), dns)
        first = await one.post(allowed.url(host="hooks.example.com"), {}, b"1")
        second = await post(one, inner.url(host="hooks.example.com"), b"2")
        assert first.is_success
        assert second.status == 0
        assert "not public" in second.text
        assert (len(allowed.taken), len(inner.taken)) == (1, 0)
        assert len(dns.asked) == 2  # no answer is looked up again between judging and connecting


async def test_of_several_addresses_only_those_that_may_be_are_tried_p1() -> None:
    async with Receiver("127.1.0.1") as allowed:
        dns = FakeDns(["10.0.0.1", "127.1.0.1"])
        url = allowed.url(host="hooks.example.com")
        assert (await post(caller(Guard(["127.1.0.0/16"]), dns), url)).is_success


async def test_localhost_is_loopback_and_no_nameserver_is_asked(receiver: Receiver) -> None:
    dns = FakeDns(["8.8.8.8"])
    assert (await post(caller(dns=dns), receiver.url(host="localhost"))).is_success
    assert dns.asked == []


async def test_a_redirect_is_a_failure_and_not_followed_wc2_p1(receiver: Receiver) -> None:
    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": receiver.url("/inner")})

    receiver.answer = redirect
    answered = await post(caller(), receiver.url())
    assert (answered.status, answered.is_success) == (307, False)
    assert [each.path for each in receiver.taken] == ["/hook"]


async def test_an_endless_answer_is_cut_off_wc2_p1(receiver: Receiver) -> None:
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Encoding": "gzip"})
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)
            sent += 65536

    receiver.answer = endless
    answered = await post(caller(), receiver.url())
    assert (answered.status, len(answered.text)) == (200, 1000)
    assert sent < 64 * MAX_ANSWER_OCTETS


async def test_an_answer_that_trickles_ends_with_the_time_out_wc2_p1(receiver: Receiver) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.01)

    receiver.answer = trickle
    answered = await post(caller(timeout_s=0.2), receiver.url())
    assert (answered.status, answered.text) == (0, "no answer within 0.2 s")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (DnsTrouble("DNS: SERVFAIL"), "DNS: SERVFAIL"),
        (NoData(1.0), "hooks.example.com has no address"),
    ],
)
async def test_a_name_without_an_address_is_a_failure(answer: Answer[str], text: str) -> None:
    answered = await post(caller(dns=FakeDns(answer)), "https://hooks.example.com/")
    assert (answered.status, answered.text) == (0, text)


async def test_nobody_there_is_a_failure(receiver: Receiver) -> None:
    url = receiver.url()
    await receiver.__aexit__()
    answered = await post(caller(), url)
    assert answered.status == 0
    assert "Connect" in answered.text


async def test_what_is_answered_is_kept_in_part_and_printable(receiver: Receiver) -> None:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Retry-After": "120"}
        return web.Response(status=503, body=b"\x1b[31mno\n\xff" + b"y" * 2000, headers=headers)

    receiver.answer = answer
    answered = await post(caller(), receiver.url())
    assert answered.text.startswith("?[31mno\n\ufffdyyy")
    assert (answered.status, answered.retry_after_s) == (503, 120.0)


async def test_a_certificate_that_does_not_fit_is_a_failure_p1(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "both.pem"
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    taken = []

    async def take(request: web.Request) -> web.Response:
        taken.append(request.path)
        return web.Response()

    application = web.Application()
    application.router.add_post("/", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    url = f"https://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        refused = await post(caller(), url)
        assert (refused.status, taken) == (0, [])
        assert "certificate verify failed" in refused.text
        trusting = ssl.create_default_context(cafile=str(file))
        dns = FakeDns(NoData(1.0))
        known = Caller(LOOPBACK, dns, timeout_s=20, context=trusting)
        assert (await post(known, url)).status == 200
    finally:
        await runner.cleanup()
