"""Mirrors angarium/mta/transport/ses, against the stub; calls and answers are held to botocore's model of sesv2."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import pytest_asyncio
from botocore.parsers import create_parser
from botocore.validate import validate_parameters

from angarium.config.quantity import Rate
from angarium.config.schema import Ses
from angarium.mta.transport.outcome import Permanent, Scope, Taken, Transient
from angarium.mta.transport.ses.call import MAX_CONTENT_OCTETS
from angarium.mta.transport.ses.connection import SesConnection, SesConnector
from angarium.mta.transport.ses.pacer import Pacer
from angarium.mta.transport.transfer import EgressPath, ProxyAccess, TlsPolicy
from angarium.queue.model import UnixMs
from angarium.routing.resolution import MxHost
from angarium.simulator.ses import SesStub
from tests.mta.transport.transfers import HEADER, message

PATH = EgressPath(source="ip1", bind_address="127.0.0.1", ehlo="client.example")
MODEL = botocore.session.get_session().get_service_model("sesv2")


@pytest_asyncio.fixture
async def stub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SesStub]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    found = SesStub()
    await found.start()
    yield found
    await found.close()
    for operation, call, status, output in found.calls:
        assert_of_model(operation, call, status, output)


def assert_of_model(operation: str, call: Any, status: int, output: Any) -> None:
    model = MODEL.operation_model(operation)
    validate_parameters(call, model.input_shape)
    if status < 400:
        parser = create_parser(MODEL.metadata["protocol"])
        answer = {"status_code": status, "headers": {}, "body": json.dumps(output).encode()}
        parsed = parser.parse(answer, model.output_shape)
        parsed.pop("ResponseMetadata")
        assert parsed == output


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def settings(stub: SesStub, **more: Any) -> Ses:
    return Ses(**{"region": "eu-central-1", "endpoint_url": stub.url, "timeout_s": 5, **more})


def fast() -> Pacer:
    return Pacer(lambda: Rate(count=1_000_000, period_s=1))


async def connected(
    stub: SesStub, path: EgressPath = PATH, address: str = "127.0.0.1", **more: Any
) -> Any:
    connector = SesConnector(settings(stub, **more), 5, lambda: UnixMs(1_000), fast())
    host = MxHost(name="127.0.0.1", port=stub.port, preference=0, addresses=(address,))
    return await connector.connect(host, address, path, TlsPolicy())


async def sent(stub: SesStub, *recipients: str, **more: Any) -> Any:
    connection = await connected(stub)
    assert isinstance(connection, SesConnection)
    try:
        outcomes = await connection.transfer(message(*recipients, **more))
        assert all(each == outcomes[0] for each in outcomes)
        assert len(outcomes) == max(1, len(recipients))
        return outcomes[0]
    finally:
        await connection.close()


async def test_a_message_goes_out_as_it_is_to_its_envelope(stub: SesStub) -> None:
    outcome = await sent(stub, "b@example.net", "c@example.net", body=b"caf\xe9\r\n.\r\n")
    (mail,) = stub.mails
    assert mail.sender == "a@example.org"
    assert mail.recipients == ("b@example.net", "c@example.net")
    assert mail.content == HEADER + b"caf\xe9\r\n.\r\n"
    assert isinstance(outcome, Taken)
    assert (outcome.attempt.code, outcome.attempt.text) == (250, f"Ok {mail.message_id}")


async def test_one_connection_carries_many(stub: SesStub) -> None:
    connection = await connected(stub)
    for number in range(3):
        (outcome,) = await connection.transfer(message(f"b{number}@example.net"))
        assert isinstance(outcome, Taken)
    assert (connection.transfers, connection.is_open) == (3, True)
    await connection.close()
    assert [each.recipients[0] for each in stub.mails] == [f"b{n}@example.net" for n in range(3)]


async def test_a_large_message_is_signed_too(stub: SesStub) -> None:
    body = b"x" * 76 + b"\r\n"
    assert isinstance(await sent(stub, body=body * 10_000), Taken)
    assert len(stub.mails[0].content) == len(HEADER) + 780_000


@pytest.mark.parametrize(
    ("fault", "code", "enhanced", "scope"),
    [
        ("TooManyRequestsException", 454, "4.7.0", Scope.MESSAGE),
        ("LimitExceededException", 454, "4.7.0", Scope.MESSAGE),
        ("Throttling", 454, "4.7.0", Scope.MESSAGE),
        ("SendingPausedException", 454, "4.7.0", Scope.SITE),
        ("AccountSuspendedException", 454, "4.7.0", Scope.SITE),
        ("AccessDeniedException", 454, "4.7.0", Scope.SITE),
        ("NotFoundException", 451, "4.3.5", Scope.SITE),
        ("InternalFailure", 451, "4.3.0", Scope.MESSAGE),
        ("SomethingNew", 451, "4.5.0", Scope.MESSAGE),
    ],
)
async def test_what_the_account_may_not_do_now_waits(
    stub: SesStub, fault: str, code: int, enhanced: str, scope: Scope
) -> None:
    stub.faults.append(fault)
    outcome = await sent(stub)
    assert isinstance(outcome, Transient)
    assert (outcome.attempt.code, outcome.attempt.enhanced) == (code, enhanced)
    assert outcome.scope is scope
    assert fault in outcome.attempt.text


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("MessageRejected", 554),
        ("MailFromDomainNotVerifiedException", 550),
        ("BadRequestException", 554),
    ],
)
async def test_what_is_refused_is_refused_for_ever(stub: SesStub, fault: str, code: int) -> None:
    stub.faults.append(fault)
    outcome = await sent(stub)
    assert isinstance(outcome, Permanent)
    assert (outcome.attempt.code, outcome.scope) == (code, Scope.MESSAGE)


async def test_an_answer_that_is_lost_leaves_the_message_in_doubt(stub: SesStub) -> None:
    stub.faults.append("hang up")
    outcome = await sent(stub)
    assert isinstance(outcome, Transient)
    assert (outcome.attempt.stage, outcome.attempt.code) == ("final_dot", 0)
    assert len(stub.mails) == 1


async def test_no_connection_is_no_doubt(stub: SesStub) -> None:
    await stub.close()
    outcome = await sent(stub)
    assert isinstance(outcome, Transient)
    assert (outcome.attempt.stage, outcome.scope) == ("connect", Scope.SITE)


async def test_one_that_is_broken_off_after_the_message_was_sent_is_in_doubt(stub: SesStub) -> None:
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    stub.port = silent.sockets[0].getsockname()[1]
    connection = await connected(stub)
    transfer = asyncio.create_task(connection.transfer(message()))
    while not connection.content_sent:
        await asyncio.sleep(0.01)
    connection.abort()
    (outcome,) = await transfer
    assert (outcome.attempt.stage, outcome.attempt.code) == ("final_dot", 0)
    assert "broken off here" in outcome.attempt.text
    assert not connection.is_open
    await connection.close()
    silent.close()
    await silent.wait_closed()


async def test_no_answer_in_time_is_doubt_too(stub: SesStub) -> None:
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    stub.port = silent.sockets[0].getsockname()[1]
    connector = SesConnector(settings(stub, timeout_s=0.1), 0.1, lambda: UnixMs(1_000), fast())
    host = MxHost(name="127.0.0.1", port=stub.port, preference=0, addresses=("127.0.0.1",))
    connection = await connector.connect(host, "127.0.0.1", PATH, TlsPolicy())
    assert isinstance(connection, SesConnection)
    (outcome,) = await connection.transfer(message())
    assert (outcome.attempt.stage, outcome.attempt.enhanced) == ("final_dot", "4.4.1")
    await connection.close()
    silent.close()
    await silent.wait_closed()


async def test_what_ses_never_takes_is_not_sent(stub: SesStub) -> None:
    for more in ({"body": b"x" * MAX_CONTENT_OCTETS}, {}):
        outcome = await sent(stub, "ü@example.net" if not more else "b@example.net", **more)
        assert isinstance(outcome, Permanent)
    assert not stub.calls


async def test_a_wrong_secret_is_told_and_not_shown(stub: SesStub, tmp_path: Path) -> None:
    secret = tmp_path / "ses.key"
    secret.write_text("not-the-secret\n")
    keys: dict[str, Any] = {"access_key_id": "AKIASTUB", "secret_key_file": str(secret)}
    connection = await connected(stub, **keys)
    (outcome,) = await connection.transfer(message())
    assert (outcome.scope, outcome.attempt.code) == (Scope.SITE, 454)
    assert "InvalidSignatureException" in outcome.attempt.text
    await connection.close()
    secret.write_text("secret\n")
    connection = await connected(stub, **keys)
    (outcome,) = await connection.transfer(message())
    assert isinstance(outcome, Taken)
    await connection.close()


async def test_without_keys_nothing_is_asked(
    stub: SesStub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    failure = await connected(stub)
    assert isinstance(failure, Transient)
    assert "AWS_SECRET_ACCESS_KEY" in failure.attempt.text
    keys: dict[str, Any] = {"access_key_id": "AKIA", "secret_key_file": str(tmp_path / "none")}
    failure = await connected(stub, **keys)
    assert failure.attempt.text == "ses.secret_key_file: No such file or directory"


async def test_a_source_behind_a_proxy_does_not_go_out_without_it(stub: SesStub) -> None:
    path = EgressPath(
        source="ip1",
        bind_address=None,
        ehlo="client.example",
        proxy=ProxyAccess(host="127.0.0.1", port=1080),
    )
    failure = await connected(stub, path)
    assert isinstance(failure, Transient)
    assert "proxy" in failure.attempt.text
