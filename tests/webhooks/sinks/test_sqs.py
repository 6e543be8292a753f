"""Mirrors angarium/webhooks/sinks/sqs.py. The stand-in holds each request to Amazon's own model of SQS (botocore's),
and to the signature that boto3 would make.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import botocore.session
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator

from tests.webhooks.sinks.world import FakeDns, endpoints, letter

MODEL = botocore.session.get_session().get_service_model("sqs")
OPERATION = MODEL.operation_model("SendMessage")


class Queue:
    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.problems: list[str] = []
        self.answer: tuple[int, dict[str, str]] | None = None
        self.digest = ""
        self.port = 0

    @property
    def url(self) -> str:
        return f"sqs+http://AKID:se%2Fcret@127.0.0.1:{self.port}/000000000000/mail?region=eu-west-1"

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._check(request, body)
        if self.answer is not None:
            return web.json_response(self.answer[1], status=self.answer[0])
        asked = json.loads(body)
        self.taken.append(asked)
        digest = hashlib.md5(asked["MessageBody"].encode()).hexdigest()
        said = {"MessageId": "m-1", "MD5OfMessageBody": self.digest or digest}
        return web.json_response(said, content_type="application/x-amz-json-1.0")

    def _check(self, request: web.Request, body: bytes) -> None:
        said = MODEL.metadata
        if request.headers["Content-Type"] != f"application/x-amz-json-{said['jsonVersion']}":
            self.problems.append("content type")
        if request.headers["X-Amz-Target"] != f"{said['targetPrefix']}.{OPERATION.name}":
            self.problems.append("target")
        report = ParamValidator().validate(json.loads(body), OPERATION.input_shape)
        if report.has_errors():
            self.problems.append(report.generate_report())
        again = AWSRequest(
            method="POST",
            url=f"http://{request.headers['Host']}/",
            data=body,
            headers={name: request.headers[name] for name in ("Content-Type", "X-Amz-Target")},
        )
        again.context["timestamp"] = request.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials("AKID", "se/cret"), "sqs", "eu-west-1")
        again.headers["X-Amz-Date"] = request.headers["X-Amz-Date"]
        canonical = signer.canonical_request(again)
        signature = signer.signature(signer.string_to_sign(again, canonical), again)
        if f"Signature={signature}" not in request.headers["Authorization"]:
            self.problems.append("signature")


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    made = Queue()
    application = web.Application()
    application.router.add_post("/", made.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()
    assert made.problems == []


async def test_events_are_messages_with_what_verifies_them(queue: Queue) -> None:
    sinks = endpoints()
    answered = await sinks.post(letter(queue.url))
    assert (answered.status, answered.text) == (200, "message m-1")
    (asked,) = queue.taken
    assert asked["QueueUrl"] == f"http://127.0.0.1:{queue.port}/000000000000/mail"
    assert asked["MessageBody"].encode() == letter("").body
    attributes = {name: each["StringValue"] for name, each in asked["MessageAttributes"].items()}
    assert attributes == {
        "Content-Type": "application/json",
        "webhook-id": "event-1",
        "webhook-timestamp": "1800000000",
        "webhook-signature": "v1,sig",
    }
    assert "MessageGroupId" not in asked
    await sinks.close()


async def test_a_fifo_queue_has_each_message_in_order_and_once(queue: Queue) -> None:
    sinks = endpoints()
    answered = await sinks.post(letter(queue.url.replace("/mail?", "/mail.fifo?")))
    assert answered.is_success
    (asked,) = queue.taken
    assert (asked["MessageGroupId"], asked["MessageDeduplicationId"]) == ("mail-1", "event-1")
    await sinks.close()


async def test_what_amazon_refuses_is_told_in_its_words(queue: Queue) -> None:
    sinks = endpoints()
    queue.answer = (400, {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "No queue."})
    answered = await sinks.post(letter(queue.url))
    assert (answered.status, answered.text) == (0, "HTTP status 400: QueueDoesNotExist No queue.")
    queue.answer = (503, {})
    assert (await sinks.post(letter(queue.url))).text == "HTTP status 503:"
    queue.answer, queue.digest = None, "0" * 32
    assert "digests differ" in (await sinks.post(letter(queue.url))).text
    await sinks.close()


async def test_nobody_is_asked_who_is_not_public_p1() -> None:
    sinks = endpoints(dns=FakeDns("10.0.0.5"))
    url = "sqs+https://AKID:secret@sqs.eu-west-1.amazonaws.com/1/q"
    answered = await sinks.post(letter(url))
    assert "10.0.0.5, which is not public" in answered.text
    await sinks.close()
