"""Each temper of a provider, met over real sockets by clients that are not ours."""

import asyncio
import ssl

import aiosmtplib
import pytest
from msgspec import convert

from angarium.simulator.scenario import (
    Behaviour,
    Delay,
    Drop,
    MailboxRule,
    Report,
    Throttle,
)
from tests.simulator.oak import MESSAGE, OakFactory, dialogue, exchange, smtplib_session


async def test_an_accepting_provider_takes_a_message_byte_for_byte(oak: OakFactory) -> None:
    content = MESSAGE + b".a dot\r\n..two\r\n.\r\n" + b"x" * 3000 + b"\r\n\xc3\xa9 8bit\r\n"
    async with oak() as net:
        assert await net.send("b@oak.example", content=content) == (250, "2.0.0 Ok: queued as 1")
        (message,) = net.mailboxes.messages
        assert message.content == content
        assert message.reverse_path == "a@sender.example"
        assert message.recipients == ("b@oak.example",)
        assert message.id == "<1@sender.example>"
        assert (message.ehlo, message.client) == ("client.example", "127.0.0.1")
        assert net.statistics.malformed == 0


async def test_smtplib_delivers_too(oak: OakFactory) -> None:
    def deliver(host: str, port: int) -> dict[str, tuple[int, bytes]]:
        with smtplib_session(host, port) as client:
            return client.sendmail("a@sender.example", ["b@oak.example"], MESSAGE)

    async with oak() as net:
        assert await asyncio.to_thread(deliver, net.host, net.port) == {}
        assert net.mailboxes.messages[0].content == MESSAGE


async def test_an_empty_message_and_one_of_a_megabyte_arrive(oak: OakFactory) -> None:
    large = MESSAGE + (b"y" * 998 + b"\r\n") * 1050
    async with oak(scenario={"keep_octets": 2_000_000}) as net:
        async with net.client() as client:
            await client.mail("a@sender.example")
            await client.rcpt("b@oak.example")
            assert (await client.execute_command(b"DATA")).code == 354
            assert (await client.execute_command(b".")).code == 250
            assert await exchange(client, content=large) == (250, "2.0.0 Ok: queued as 2")
        assert [m.content for m in net.mailboxes.messages] == [b"", large]


async def test_a_pipelined_dialogue_is_answered_in_order(oak: OakFactory) -> None:
    async with oak() as net:
        transaction = (
            b"MAIL FROM:<a@s.example> BODY=8BITMIME\r\nRCPT TO:<b@oak.example>\r\nDATA\r\n"
            b"X-Angarium-Test: 7\r\n\r\nbody\r\n.\r\n"
        )
        octets = b"EHLO c.example\r\n" + transaction * 2 + b"QUIT\r\n"
        codes = [line[:3] for line in await dialogue(net.host, net.port, octets)]
        expected = [b"220", b"250"] + [b"250", b"250", b"354", b"250"] * 2 + [b"221"]
        assert codes == expected
        assert net.mailboxes.duplicates() == {("7", "b@oak.example"): 2}


async def test_bare_line_ends_and_nul_are_counted(oak: OakFactory) -> None:
    async with oak() as net:
        octets = b"EHLO c.example\r\n"
        for text in (b"a\nb\r\n", b"a\rb\r\n", b"a\0b\r\n", b"a\n.\nb\r\n", b"ab\r\n"):
            octets += (
                b"MAIL FROM:<a@s.example>\r\nRCPT TO:<b@oak.example>\r\nDATA\r\n" + text + b".\r\n"
            )
        await dialogue(net.host, net.port, octets + b"QUIT\r\n")
        assert (net.statistics.malformed, net.statistics.messages) == (4, 5)


async def test_the_null_reverse_path_and_quoted_local_parts_are_accepted(oak: OakFactory) -> None:
    async with oak() as net:
        assert (await net.send('"odd > local"@oak.example', reverse_path=""))[0] == 250
        (message,) = net.mailboxes.messages
        assert message.reverse_path == ""
        assert message.recipients == ('"odd > local"@oak.example',)


async def test_greylisting_defers_until_its_time_has_passed(oak: OakFactory) -> None:
    async with oak(greylist_s=60) as net:
        first = await net.send("b@oak.example")
        net.clock.now += 59
        second = await net.send("b@oak.example")
        net.clock.now += 1
        third = await net.send("b@oak.example")
        assert first == (451, "4.7.1 Greylisted, try again in 60 seconds")
        assert [second[0], third[0]] == [451, 250]
        assert (await net.send("other@oak.example"))[0] == 451  # known by sender and recipient
        assert (net.statistics.deferred, net.statistics.accepted) == (3, 1)


@pytest.mark.parametrize(
    ("style", "code", "phrase"),
    [
        ("yahoo", 421, "[TSS04] Messages from 127.0.0.1 temporarily deferred"),
        ("gmail", 421, "unusual rate"),
        ("outlook", 451, "4.7.500 Server busy. Please try again later from"),
        ("apple", 421, "[HCM1]"),
        ("comcast", 421, "RL000005"),
        ("gmx", 450, "Reject due to policy restrictions"),
        ("orange", 421, "Service refuse"),
        ("qq", 550, "Ip frequency limited"),
        ("netease", 451, "DT:SPM"),
        ("generic", 451, "4.7.1 Rate limit"),
    ],
)
async def test_a_throttle_speaks_as_its_provider_does(
    oak: OakFactory, style: str, code: int, phrase: str
) -> None:
    async with oak(
        plan={"style": style}, throttle=Throttle(messages_per_s=1, burst=2, penalty_s=5)
    ) as net:
        assert [(await net.send())[0] for _ in range(2)] == [250, 250]
        reply = await net.send()
        assert reply[0] == code
        assert phrase in reply[1]
        net.clock.now += 4.9
        assert (await net.send())[0] == code  # the penalty
        net.clock.now += 10
        assert (await net.send())[0] == 250
        assert net.statistics.throttled == 2


async def test_a_421_closes_the_connection(oak: OakFactory) -> None:
    async with oak(plan={"style": "yahoo"}, throttle=Throttle(messages_per_s=0, burst=0)) as net:
        octets = b"EHLO c.example\r\nMAIL FROM:<a@s.example>\r\n"
        replies = await dialogue(net.host, net.port, octets)
        assert replies[-1].startswith(b"421 4.7.0 [TSS04]")


async def test_connections_above_the_limit_are_greeted_with_421(oak: OakFactory) -> None:
    async with oak(plan={"connections": 2, "style": "outlook"}) as net:
        async with net.client(), net.client() as second:
            with pytest.raises(aiosmtplib.SMTPConnectError, match="maximum number of connections"):
                await net.client().connect()
            assert (await exchange(second))[0] == 250
        assert (await net.send())[0] == 250  # there is room again
        assert net.statistics.peak_connections == 3
        assert net.statistics.connections_refused == 1


async def test_messages_above_the_limit_of_a_connection_are_deferred(oak: OakFactory) -> None:
    async with oak(plan={"messages_per_connection": 2, "style": "yahoo"}) as net:
        async with net.client() as client:
            replies = [await exchange(client) for _ in range(3)]
        assert [code for code, _ in replies] == [250, 250, 421]
        assert "Max message per connection reached" in replies[2][1]
        assert (await net.send())[0] == 250


async def test_a_provider_may_close_after_some_messages_without_a_word(oak: OakFactory) -> None:
    async with oak(plan={"close_after_messages": 1}) as net, net.client() as client:
        assert (await exchange(client))[0] == 250
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await client.noop()


@pytest.mark.parametrize(
    ("refuse", "code", "enhanced"),
    [
        ("unknown", 550, "5.1.1"),
        ("full", 452, "4.2.2"),
        ("disabled", 550, "5.2.1"),
        ("spam", 554, "5.7.1"),
        ("policy", 550, "5.7.1"),
    ],
)
async def test_a_mailbox_refuses_and_its_neighbours_do_not(
    oak: OakFactory, refuse: str, code: int, enhanced: str
) -> None:
    rule = MailboxRule(local="BAD*", behaviour=convert({"refuse": refuse}, Behaviour))
    async with oak(plan={"mailboxes": (rule,)}) as net:
        reply = await net.send("bad.one@oak.example")
        assert reply[0] == code
        assert reply[1].startswith(enhanced)
        assert (await net.send("good@oak.example"))[0] == 250
        assert net.statistics.accepted == 1
        assert net.statistics.refused + net.statistics.deferred == 1


async def test_one_refused_recipient_of_several_leaves_the_others(oak: OakFactory) -> None:
    rule = MailboxRule(local="gone", behaviour=Behaviour(refuse="unknown"))
    async with oak(plan={"mailboxes": (rule,)}) as net, net.client() as client:
        errors, _ = await client.sendmail(
            "a@sender.example",
            ["b@oak.example", "gone@oak.example", "c@oak.example", "d@elsewhere.example"],
            MESSAGE,
        )
        assert {address: reply.code for address, reply in errors.items()} == {
            "gone@oak.example": 550,
            "d@elsewhere.example": 550,
        }
        assert net.mailboxes.messages[0].recipients == ("b@oak.example", "c@oak.example")


async def test_without_catch_all_only_named_mailboxes_exist(oak: OakFactory) -> None:
    rule = MailboxRule(local="known", behaviour=Behaviour())
    async with oak(plan={"mailboxes": (rule,), "catch_all": False}) as net:
        assert (await net.send("known@oak.example"))[0] == 250
        assert (await net.send("unknown@oak.example"))[0] == 550


async def test_a_slow_provider_takes_its_time_at_each_stage(oak: OakFactory) -> None:
    delay = Delay(banner_s=0.1, ehlo_s=0.1, mail_s=0.1, rcpt_s=0.1, data_s=0.1, final_dot_s=0.1)
    async with oak(delay=delay) as net:
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert (await net.send())[0] == 250
        assert loop.time() - started >= 0.59


@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "content", "final_dot", "accepted"])
async def test_a_connection_is_dropped_at_each_stage_and_the_next_is_not(
    oak: OakFactory, at: str
) -> None:
    drop = convert({"at": at, "times": 1, "after_octets": 100}, Drop)
    async with oak(drop=drop) as net:
        client = net.client()
        await client.connect()
        with pytest.raises((aiosmtplib.SMTPServerDisconnected, ConnectionError)):
            await exchange(client, content=MESSAGE * 100)
        client.close()
        assert (await net.send())[0] == 250
        assert net.statistics.drops == 1
        assert net.statistics.accepted == (2 if at == "accepted" else 1)


async def test_a_refusing_host_says_554_and_nothing_else(oak: OakFactory) -> None:
    async with oak(plan={"banner": "refuse"}) as net:
        with pytest.raises(aiosmtplib.SMTPConnectError) as caught:
            await net.client().connect()
        assert "No SMTP service here for 127.0.0.1" in str(caught.value)
        assert net.statistics.connections_refused == 1


async def test_a_silent_host_never_greets(oak: OakFactory) -> None:
    async with oak(plan={"banner": "silent"}) as net:
        reader, writer = await asyncio.open_connection(net.host, net.port)
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reader.read(1)
        finally:
            writer.close()


async def test_a_provider_that_is_down_refuses_connections_until_it_is_back(
    oak: OakFactory,
) -> None:
    async with oak() as net:
        client = net.client()
        await client.connect()
        await net.net.take_down("oak")
        with pytest.raises((aiosmtplib.SMTPServerDisconnected, ConnectionError)):
            await client.noop()
        client.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(net.host, net.port)
        await net.net.bring_up("oak")
        assert (await net.send())[0] == 250


async def test_good_tls_verifies_against_the_test_authority(oak: OakFactory) -> None:
    async with oak(plan={"tls": "good"}) as net:
        context = ssl.create_default_context(cafile=str(net.net.ca_file))
        client = net.client()
        await client.connect()
        await client.ehlo()
        assert client.supports_extension("starttls")
        await client.starttls(server_hostname="mx1.oak.example", tls_context=context)
        await client.ehlo()
        assert not client.supports_extension("starttls")
        assert (await exchange(client, content=MESSAGE * 1000))[0] == 250
        await client.quit()
        assert net.mailboxes.messages[0].tls == "TLSv1.3"
        assert net.statistics.tls_handshakes == 1


@pytest.mark.parametrize(
    ("tls", "reason"), [("expired", "expired"), ("wrong_name", "(?i)hostname mismatch")]
)
async def test_a_bad_certificate_fails_only_who_verifies(
    oak: OakFactory, tls: str, reason: str
) -> None:
    async with oak(plan={"tls": tls}) as net:
        context = ssl.create_default_context(cafile=str(net.net.ca_file))
        client = net.client()
        await client.connect()
        with pytest.raises((aiosmtplib.SMTPException, ssl.SSLError), match=reason):
            await client.starttls(server_hostname="mx1.oak.example", tls_context=context)
        client.close()
        assert (await net.send(start_tls=True, validate_certs=False))[0] == 250


async def test_broken_tls_is_offered_and_fails(oak: OakFactory) -> None:
    async with oak(plan={"tls": "broken"}) as net:
        client = net.client()
        await client.connect()
        await client.ehlo()
        assert client.supports_extension("starttls")
        with pytest.raises((aiosmtplib.SMTPException, OSError)):
            await client.starttls(validate_certs=False)
        client.close()
        assert (await net.send())[0] == 250  # in the clear it works
        assert net.statistics.tls_failures == 1


async def test_plaintext_behind_starttls_is_dropped_s3(oak: OakFactory) -> None:
    async with oak(plan={"tls": "good"}) as net:
        context = ssl.create_default_context(cafile=str(net.net.ca_file))
        reader, writer = await asyncio.open_connection(net.host, net.port)
        try:
            async with asyncio.timeout(10):
                await reader.readuntil(b"\r\n")
                writer.write(b"EHLO c.example\r\n")
                await reader.readuntil(b"250 STARTTLS\r\n")
                writer.write(b"STARTTLS\r\nEHLO injected.example\r\n")
                await reader.readuntil(b"\r\n")
                await writer.start_tls(context, server_hostname="mx1.oak.example")
                writer.write(b"NOOP\r\n")
                assert (await reader.readuntil(b"\r\n")).startswith(b"250 ")
                writer.write(b"MAIL FROM:<a@s.example>\r\n")
                assert (await reader.readuntil(b"\r\n")).startswith(b"503 ")  # no EHLO seen
        finally:
            writer.close()


async def test_size_utf8_and_dsn_are_offered_as_planned(oak: OakFactory) -> None:
    plan = {"message_octets": 2000, "offers_utf8": False, "offers_dsn": True}
    async with oak(plan=plan) as net, net.client() as client:
        await client.ehlo()
        assert client.supports_extension("dsn")
        assert not client.supports_extension("smtputf8")
        assert client.esmtp_extensions["size"] == "2000"
        await client.mail("a@sender.example", options=["RET=HDRS", "ENVID=x+2Dy"])
        await client.rcpt("b@oak.example", options=["NOTIFY=SUCCESS,FAILURE"])
        await client.data(MESSAGE)
        expected = ("RET=HDRS", "ENVID=x+2Dy", "NOTIFY=SUCCESS,FAILURE")
        assert net.mailboxes.messages[0].parameters == expected
        assert (await exchange(client, content=MESSAGE * 30))[0] == 552
        with pytest.raises(aiosmtplib.SMTPResponseException, match="552"):
            await client.mail("a@sender.example", options=["SIZE=2001"])
        assert (await exchange(client))[0] == 250


async def test_a_dsn_and_a_complaint_come_back_to_the_outbox(oak: OakFactory) -> None:
    rules = (
        MailboxRule(local="late", behaviour=Behaviour(report=Report(kind="dsn", status="5.2.1"))),
        MailboxRule(local="angry", behaviour=Behaviour(report=Report(kind="arf", every=2))),
    )
    async with oak(plan={"mailboxes": rules}) as net:
        await net.send("late@oak.example", "angry@oak.example")
        await net.send("angry@oak.example")
        await net.send("late@oak.example", reverse_path="")  # never to the null reverse-path
        async with asyncio.timeout(10):
            while len(net.net.outbox) < 2:
                await asyncio.sleep(0.01)
        dsn, arf = net.net.outbox
        assert (dsn.kind, dsn.reverse_path, dsn.recipient) == ("dsn", "", "a@sender.example")
        assert b"\r\nStatus: 5.2.1\r\n" in dsn.content
        assert b"\r\nFinal-Recipient: rfc822; late@oak.example\r\n" in dsn.content
        assert (arf.kind, arf.recipient) == ("arf", "a@sender.example")
        assert b"\r\nFeedback-Type: abuse\r\n" in arf.content
        assert MESSAGE.rstrip() in arf.content


async def test_reports_are_delivered_to_the_address_that_is_set(oak: OakFactory) -> None:
    async with oak() as inbound:
        rule = MailboxRule(
            local="late", behaviour=Behaviour(report=Report(kind="dsn", after_s=0.05))
        )
        async with oak(
            plan={"mailboxes": (rule,)},
            scenario={
                "reports_to": f"{inbound.host}:{inbound.port}",
                "network": "127.21.0.0",
            },
        ) as net:
            await net.send("late@oak.example", reverse_path="bounces@oak.example")
            async with asyncio.timeout(10):
                while not inbound.mailboxes.messages:
                    await asyncio.sleep(0.01)
        (report,) = inbound.mailboxes.messages
        assert report.reverse_path == ""
        assert report.recipients == ("bounces@oak.example",)
        assert inbound.statistics.malformed == 0


async def test_a_complaint_may_have_headers_only_and_name_nobody(oak: OakFactory) -> None:
    rule = MailboxRule(local="angry", behaviour=Behaviour(report=Report(kind="jmrp")))
    async with oak(plan={"mailboxes": (rule,), "feedback_to": "fbl@sender.example"}) as net:
        await net.send(
            "angry@oak.example",
            content=MESSAGE.replace(b"To: b@oak.example", b"To: angry@oak.example"),
        )
        async with asyncio.timeout(10):
            while not net.net.outbox:
                await asyncio.sleep(0.01)
        (report,) = net.net.outbox
    assert (report.kind, report.recipient) == ("jmrp", "fbl@sender.example")
    assert b"\r\nFeedback-Type: abuse\r\n" in report.content
    assert b"To: redacted@oak.example\r\n" in report.content
    assert b"angry@" not in report.content


async def test_what_is_kept_is_bounded(oak: OakFactory) -> None:
    limits = {"keep_messages": 2, "keep_octets": 100, "keep_ids": 1}
    async with oak(scenario=limits) as net, net.client() as client:
        for number in range(3):
            await exchange(
                client, content=f"X-Angarium-Test: {number}\r\n\r\n".encode() + b"x" * 99
            )
        assert [m.id for m in net.mailboxes.messages] == ["1", "2"]
        assert [m.content for m in net.mailboxes.messages] == [None, None]
        assert net.mailboxes.copies == {("0", "b@oak.example"): 1}
        assert net.statistics.uncounted_ids == 2


async def test_long_paths_and_many_connections_do_not_share_limits(oak: OakFactory) -> None:
    # aiosmtpd keeps the limits of commands in one dict for all connections.
    async with oak() as net, net.client() as client:
        await client.ehlo()
        async with net.client() as other:
            await other.ehlo()
        long = "b" * 600 + "@oak.example"
        assert (await exchange(client, long))[0] == 250
