"""Mirrors angarium/api/answering.py, request_ids.py and measuring.py: what each request is called and counted as."""

import io
import json
import logging
import uuid

import pytest
from aiohttp import web

from angarium.api import Served
from angarium.api.request_ids import choose_request_id
from angarium.intake.order import Fault, FaultError, FaultKind
from angarium.telemetry.api_metrics import DIALECTS, FAULTS
from angarium.telemetry.log import JsonFormatter
from angarium.telemetry.metrics import Metrics
from tests.api.serving import serving
from tests.api.test_app import Toy, route, says


async def refuses(_: web.Request) -> web.Response:
    raise FaultError(Fault(kind=FaultKind.RATE, message="too many", retry_after_s=1))


async def breaks(_: web.Request) -> web.Response:
    raise ZeroDivisionError


async def moves(_: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/elsewhere")


def served(metrics: Metrics) -> Served:
    native = Toy(
        "native",
        route("GET", "/v1/well", says("well")),
        route("GET", "/v1/rate", refuses),
        route("GET", "/v1/moves", moves),
    )
    other = Toy("ses", route("GET", "/v2/breaks", breaks))
    return Served(dialects=(native, other), meter=metrics.api)


async def test_each_answer_is_counted_by_dialect_and_status_and_each_refusal_by_its_reason() -> (
    None
):
    metrics = Metrics()
    async with serving(served(metrics)) as client:
        for path in ("/v1/well", "/v1/well", "/v1/rate", "/v2/breaks", "/nobody"):
            await client.ask("GET", path)
        await client.ask("GET", "/v1/moves", allow_redirects=False)
    text = metrics.render().decode()
    requests = "angarium_api_requests_total"
    assert f'{requests}{{dialect="native",status="2xx"}} 2.0' in text
    assert f'{requests}{{dialect="native",status="3xx"}} 1.0' in text
    assert f'{requests}{{dialect="native",status="4xx"}} 1.0' in text
    assert f'{requests}{{dialect="ses",status="4xx"}} 1.0' in text  # as this toy says it
    assert f'{requests}{{dialect="none",status="4xx"}} 1.0' in text
    assert 'angarium_api_faults_total{kind="rate"} 1.0' in text
    assert 'angarium_api_faults_total{kind="internal"} 1.0' in text
    assert 'angarium_api_faults_total{kind="not_found"} 1.0' in text
    assert 'angarium_api_request_seconds_count{dialect="native"} 4.0' in text
    assert 'angarium_api_request_seconds_count{dialect="ses"} 1.0' in text


@pytest.mark.parametrize(
    "sent",
    ["a", "4f0c2b1e-7c1d-4b7e-9c60-1f1f3c2d9a10", "Root=1-67891233-abcdef01", "x" * 128],
)
async def test_the_clients_id_names_its_request(sent: str) -> None:
    async with serving(served(Metrics())) as client:
        answer = await client.ask("GET", "/v1/well", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] == sent


@pytest.mark.parametrize(
    "sent", [None, "", "x" * 129, "a b", 'a"b', "-a", "ü", "a\nb", "a;b", "{}"]
)
def test_an_id_that_might_not_stand_in_a_log_is_replaced(sent: str | None) -> None:
    found = choose_request_id(sent)
    assert found != sent
    assert uuid.UUID(found).version == 4


def test_every_dialect_and_every_fault_has_its_label() -> None:
    assert {each.value.lower() for each in FaultKind} == set(FAULTS)
    assert set(DIALECTS) >= {"native", "resend", "sendgrid", "postmark", "mailgun", "ses"}


async def test_a_failure_is_in_the_log_by_the_id_that_its_answer_has() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter("ingress"))
    logger = logging.getLogger("angarium.api.answering")
    logger.addHandler(handler)
    try:
        async with serving(served(Metrics())) as client:
            answer = await client.ask("GET", "/v2/breaks", headers={"X-Request-Id": "mine"})
    finally:
        logger.removeHandler(handler)
    (line,) = [json.loads(each) for each in written.getvalue().splitlines()]
    assert (line["event"], line["path"], line["request_id"]) == (
        "http_failed",
        "/v2/breaks",
        "mine",
    )
    assert "ZeroDivisionError" in line["exception"]
    assert answer.headers["X-Request-Id"] == "mine"
