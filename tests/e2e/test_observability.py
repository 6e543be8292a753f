"""A running server as its operators' tools see it: its metrics, the dashboard in a real Prometheus, and its traces."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from angarium.config.alarm_limits import ALARM_NAMES
from angarium.config.alarms import SEVERITIES
from angarium.config.providers import shipped
from angarium.config.rules import shipped_rules
from angarium.feedback.classes import BounceClass
from angarium.telemetry.dashboard.grafana import expressions
from angarium.telemetry.metrics import Metrics
from tests.e2e.api_client import ApiClient
from tests.e2e.product import TRUSTED, Product, good_session
from tests.e2e.recording_sink import RecordingSink
from tests.free_port import free_port
from tests.promql import as_asked
from tests.service.running_server import wait_until
from tests.traces.collector_stub import CollectorStub, attributes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
MORE = """
[tracing]
endpoint = "{url}"
headers_file = "headers"

[[provider]]
name = "mine"
mx_suffixes = ["mine.example"]

[webhook]
allow_networks = ["127.0.0.0/8"]
"""


class World:
    def __init__(self, product: Product, sink: RecordingSink, collector: CollectorStub) -> None:
        self.product = product
        self.sink = sink
        self.collector = collector
        made = product.postmaster("domain", "add", "shop.example", "--assume-verified", "--json")
        self.domain = json.loads(made)
        key = json.loads(product.postmaster("key", "create", "--json"))["key"]
        self.api = ApiClient(product.http, key)
        self.request_ids: list[str] = []

    def send(self, to: str, **headers: str) -> str:
        body = {
            "from": "Shop <a@shop.example>",
            "to": [to],
            "subject": "Hello",
            "bodyText": "Hello",
        }
        reply = self.api.ask("POST", "/v1/send", body, headers=headers)
        assert reply.status in (200, 201, 202), reply.body
        self.request_ids.append(reply.headers["X-Request-Id"])
        return str(reply.json["emailId"])

    def metrics(self) -> str:
        url = f"http://127.0.0.1:{self.product.http}/metrics"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    def refuse(_: str, line: bytes) -> bytes | None:
        return b"550 5.1.1 No such user\r\n" if b"nobody@" in line else None

    folder = tmp_path_factory.mktemp("observed")
    (folder / "headers").write_text("Authorization: Bearer a-token\n")
    with RecordingSink(says=refuse) as sink, CollectorStub() as collector:
        more = MORE.format(url=collector.url)
        product = Product(folder, sink=sink.port, single=False, listeners=TRUSTED, more=more)
        try:
            made = World(product, sink, collector)
            product.postmaster("queue", "hold", "--domain", "held.example", "--rule")
            good_session(product.smtp[0], "b@example.net")
            good_session(product.smtp[0], "b@held.example")
            made.send("c@example.net", traceparent=f"00-{TRACE}-{SPAN}-01")
            made.send("nobody@example.net", **{"X-Request-Id": "order-4711"})
            made.api.ask("GET", "/v1/emails/none")
            sink.wait_for(2)
            yield made
        finally:
            product.kill()


# --- metrics


class Sample(msgspec.Struct, frozen=True):
    name: str
    labels: dict[str, str]


def samples(text: str) -> Iterator[Sample]:
    for line in text.splitlines():
        found = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
        if found is not None:
            yield Sample(found[1], dict(re.findall(r'(\w+)="([^"]*)"', found[2] or "")))


# Which values the configuration of this server allows, of labels that have no closed set of their own
OPEN: dict[str, set[str]] = {
    "provider": {*(each.name for each in shipped().provider), "mine", "other"},
    "source": {"default", "other"},
    "process": {f"{role}-{n}" for role in ("ingress", "delivery") for n in range(8)}
    | {"platform-0", "campaigns-0"},
    "listener": set(),
    "alarm": set(ALARM_NAMES),
    "severity": set(SEVERITIES),
    "rule": {*shipped_rules(), "other"},
    "class": {each.value for each in BounceClass},
    "state": {"scheduled", "held", "in_flight"},
    "outcome": {"delivered", "relayed", "deferred", "bounced", "expired"},
    "result": {"opened", "refused"},
    "kind": {"rule", "warm_up", "source", "hold", "own", "mapped"},
}


def test_a_running_server_has_the_metrics_that_are_described_and_no_other(world: World) -> None:
    wait_until(lambda: "angarium_bounces_total{" in world.metrics())
    wait_until(lambda: "angarium_path_connections_limit{" in world.metrics())
    text = world.metrics()
    known = {each.name: each for each in Metrics().described}
    helped = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE))
    assert {name: each.text for name, each in known.items() if name in helped} == helped
    for sample in samples(text):
        name = sample.name
        if name not in known:
            name = re.sub(r"_(bucket|sum|count)$", "", name)
        metric = known[name]
        assert set(sample.labels) - {"le"} == set(metric.labels), sample
        for label, value in sample.labels.items():
            if label not in ("le", "version", "python"):
                assert value in (metric.labels[label] or OPEN[label]), sample
        assert "example" not in str(sample.labels), sample
    shown = {each.name for each in samples(text)}
    assert {
        name for name in known if known[name].type == "gauge" and not known[name].labels
    } <= shown


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say_of_them(world: World) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=world.metrics(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_the_api_answered_is_counted(world: World) -> None:
    wait_until(lambda: 'angarium_api_faults_total{kind="not_found"} ' in world.metrics())
    text = world.metrics()
    # Other tests ask, too
    for name in (
        'angarium_api_requests_total{dialect="native",status="2xx"}',
        'angarium_api_requests_total{dialect="native",status="4xx"}',
        'angarium_api_request_seconds_count{dialect="native"}',
    ):
        assert re.search(rf"^{re.escape(name)} [1-9]", text, re.MULTILINE), name
    assert re.search(r'^angarium_smtp_replies_total\{reply="2"\} [1-9]', text, re.MULTILINE)


# --- the dashboard, in a real Prometheus


class Prometheus:
    def __init__(self, folder: Path, target: int) -> None:
        self.port = free_port()
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: angarium\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{target}']}}]\n"
        )
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, expr: str) -> Any:
        form = urllib.parse.urlencode({"query": expr}).encode()
        url = f"http://127.0.0.1:{self.port}/api/v1/query"
        with urllib.request.urlopen(url, form, timeout=20) as answer:
            found = json.loads(answer.read())
        assert found["status"] == "success", found
        return found["data"]["result"]

    def has(self, expr: str) -> bool:
        try:
            return bool(self.ask(expr))
        except OSError:
            return False  # it is starting

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def prometheus(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    if shutil.which("prometheus") is None:
        pytest.skip("Prometheus is not installed")
    started = Prometheus(tmp_path_factory.mktemp("prometheus"), world.product.http)
    try:
        # Two scrapes, so that there are rates
        wait_until(lambda: started.has("count_over_time(angarium_build_info[1m]) > 2"), 60)
        yield started
    finally:
        started.close()


# What every server has data for that has sent some mail
MAIN = (
    "angarium_deliveries_total",
    "angarium_attempts_total",
    "angarium_delivery_seconds_bucket",
    "angarium_queue_recipients",
    "angarium_provider_queue_recipients",
    "angarium_path_recipients_total",
    "angarium_path_connections_limit",
    "angarium_api_requests_total",
    "angarium_api_request_seconds_bucket",
    "angarium_smtp_replies_total",
    "angarium_event_lag_seconds",
    "angarium_webhook_deliveries",
    "angarium_commit_seconds_bucket",
    "angarium_process_cpu_seconds_total",
    "angarium_process_memory_bytes",
    "angarium_event_loop_late_seconds_bucket",
    "angarium_disk_free_bytes",
)


def test_prometheus_answers_every_question_of_the_dashboard(prometheus: Prometheus) -> None:
    for name in MAIN:
        asking = [expr for expr in expressions() if f"{name}{{" in expr]
        assert asking, name
        for expr in asking:
            if "> 0)" not in expr:
                wait_until(lambda expr=expr: prometheus.ask(as_asked(expr)), 60)
    silent = [expr for expr in expressions() if not prometheus.ask(as_asked(expr))]
    # Of what this server does not have: warm-ups, campaigns' rules, SES, certificates
    assert len(silent) < len([*expressions()]) / 4, silent


# --- traces


def test_a_trace_leads_from_the_request_to_the_last_reply(world: World) -> None:
    stub = world.collector
    spans = stub.wait_for(12)  # of three messages; the fourth is held
    by_trace: dict[str, dict[str, Any]] = {}
    for each in spans:
        by_trace.setdefault(each.trace_id.hex(), {})[each.name] = each
    assert {len(each) for each in by_trace.values()} == {4}
    asked = by_trace[TRACE]
    assert asked["mail"].parent_span_id.hex() == SPAN
    for name in ("accept mail", "wait in queue", "deliver mail"):
        assert asked[name].parent_span_id == asked["mail"].span_id
        assert asked[name].start_time_unix_nano <= asked[name].end_time_unix_nano
    delivered = attributes(asked["deliver mail"])
    assert delivered["server.address"] == "127.0.0.1"
    assert delivered["messaging.destination.name"] == "example.net"
    assert delivered["angarium.smtp.reply_code"] == 250
    (failed,) = [
        each["mail"]
        for each in by_trace.values()
        if attributes(each["mail"]).get("angarium.request_id") == "order-4711"
    ]
    assert failed.status.code == 2
    assert stub.headers[0]["authorization"] == "Bearer a-token"
    assert not any("@" in str(each.attributes) for each in spans)  # ids are octets, of any kind


def test_a_collector_that_is_away_holds_no_mail_and_no_event(world: World) -> None:
    world.collector.status = 503
    before = len(world.sink.taken)
    for number in range(5):
        world.send(f"later{number}@example.net")
    world.sink.wait_for(before + 5)
    lag = re.compile(r'^angarium_event_lag_events\{consumer="tracing"\} 0\.0$', re.MULTILINE)
    wait_until(lambda: lag.search(world.metrics()) is not None)
    failed = re.compile(r'^angarium_trace_spans_total\{outcome="failed"\} [1-9]', re.MULTILINE)
    wait_until(lambda: failed.search(world.metrics()) is not None, 60)
    world.collector.status = 200
