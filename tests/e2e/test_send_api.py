"""Sending by HTTP with a running server: what is answered is durable, signed, delivered, once."""

import base64
import email
import email.policy
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.product import TRUSTED, Product, token
from tests.e2e.recording_sink import RecordingSink, Taken
from tests.e2e.test_tenancy import verifies

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    json: Any


class Api:
    """A tenant's key, and the server behind it."""

    def __init__(self, product: Product, sink: RecordingSink) -> None:
        self.product = product
        self.sink = sink
        self.domain = json.loads(
            product.postmaster("domain", "add", "shop.example", "--assume-verified", "--json")
        )
        product.postmaster("domain", "add", "pending.example", "--json")
        self.key = self.new_key()

    def new_key(self, *more: str) -> str:
        made = json.loads(self.product.postmaster("key", "create", *more, "--json"))
        return str(made["key"])

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        octets = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        fields = {"X-API-Key": self.key, "Content-Type": "application/json"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = HTTPConnection("127.0.0.1", self.product.http, timeout=60)
        try:
            connection.request(method, path, octets, fields)
            found = connection.getresponse()
            read = found.read()
            return Answer(found.status, dict(found.getheaders()), json.loads(read))
        finally:
            connection.close()

    def send(self, **more: Any) -> Answer:
        return self.ask("POST", "/v1/send", mail(**more))

    def copies(self, mark: str) -> list[Taken]:
        return [each for each in self.sink.taken if mark.encode() in each.content]


HEALTH_ONLY = """
[[listener]]
kind = "http"
address = "127.0.0.1:0"
serves = ["health"]
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with RecordingSink() as sink:
        listeners = TRUSTED + HEALTH_ONLY
        product = Product(tmp_path_factory.mktemp("api"), listeners=listeners, sink=sink.port)
        try:
            yield Api(product, sink)
            product.assert_clean()
        finally:
            product.kill()


def mail(**more: Any) -> dict[str, Any]:
    return {
        "from": "Shop <orders@shop.example>",
        "to": ["b@example.net"],
        "subject": "Hello",
        "bodyText": "Hi.",
        **more,
    }


def test_what_is_sent_arrives_signed_with_its_id(api: Api) -> None:
    mark = token()
    found = api.send(
        to=["b@example.net", "Ünal <c@example.net>"],
        bcc=["d@example.net"],
        subject="Größe",
        bodyText=mark,
        bodyHtml="<p>x</p>",
        headers={"X-Order": "1"},
        attachments=[{"filename": "a.pdf", "content": base64.b64encode(b"%PDF").decode()}],
        tags={"campaign": "welcome", "type": "receipt"},
        metadata={"userId": 7},
        replyTo="help@shop.example",
    )
    assert found.status == 200, found.json
    assert set(found.json) == {"success", "emailId", "messageId", "status", "acceptedAt"}
    assert found.json["success"] is True
    assert found.json["status"] == "pending"
    assert found.json["messageId"] == f"<{found.json['emailId']}@shop.example>"
    assert found.headers["X-Request-Id"]
    assert found.headers["RateLimit-Limit"] == "1000"
    taken = api.sink.wait_for_token(mark)
    assert verifies(taken.content, api.domain)
    read = email.message_from_bytes(taken.content, policy=email.policy.default)
    assert read["subject"] == "Größe"
    assert read["message-id"] == found.json["messageId"]
    assert read["x-order"] == "1"
    assert read["bcc"] is None
    assert "127.0.0.1" not in read["received"]
    parts = [each.get_content_type() for each in read.walk()]
    assert parts[-1] == "application/pdf"
    assert {"text/plain", "text/html"} <= set(parts)
    got = {each.decode() for taken in api.copies(mark) for each in taken.rcpts}
    assert all(any(name in each for each in got) for name in ("b@", "c@", "d@"))
    accepted = api.product.wait_for_disposition(event="accepted", message=found.json["emailId"])
    assert accepted["campaign"] == "welcome"
    assert accepted["tags"] == ["campaign:welcome", "type:receipt"]


@pytest.mark.parametrize("path", ["/send", "/send-email", "/v1/send-email", "//v1/send"])
def test_other_ways_to_write_the_path(api: Api, path: str) -> None:
    assert api.ask("POST", path, mail(sandbox=True)).status == 200


@pytest.mark.parametrize(
    ("more", "status", "word", "field"),
    [
        ({"to": []}, 400, "VALIDATION_ERROR", "to"),
        ({"to": None}, 400, "VALIDATION_ERROR", "to"),
        ({"subject": ""}, 400, "VALIDATION_ERROR", "subject"),
        ({"from": None}, 400, "VALIDATION_ERROR", "from"),
        ({"bodyText": ""}, 400, "VALIDATION_ERROR", "bodyText"),
        ({"to": ["x"]}, 400, "VALIDATION_ERROR", "to[0]"),
        ({"to": ["a@b.test", "a@b.test, c@d.test"]}, 400, "VALIDATION_ERROR", "to[1]"),
        ({"to": ["a@g\u043e\u043egle.com"]}, 400, "VALIDATION_ERROR", "to[0]"),
        ({"subject": "x" * 999}, 400, "VALIDATION_ERROR", "subject"),
        ({"templateId": "x"}, 400, "VALIDATION_ERROR", "templateId"),
        ({"tracking": {"opens": True}}, 400, "VALIDATION_ERROR", "tracking.opens"),
        ({"headers": {"X-A": 1}}, 400, "VALIDATION_ERROR", "headers.X-A"),
        ({"headers": {"Bcc": "a@b.test"}}, 400, "VALIDATION_ERROR", "headers.Bcc"),
        ({"stream": "nothing"}, 400, "VALIDATION_ERROR", "stream"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, 400, "VALIDATION_ERROR", "expiresAt"),
        ({"sendAt": "2020-01-01T00:00:00"}, 400, "VALIDATION_ERROR", "sendAt"),
        ({"sendAt": "3020-01-01T00:00:00Z"}, 400, "VALIDATION_ERROR", "sendAt"),
        ({"callbackUrl": "ftp://a"}, 400, "VALIDATION_ERROR", "callbackUrl"),
        ({"sendId": "x" * 257}, 400, "VALIDATION_ERROR", "sendId"),
        ({"tags": ["x"] * 51 + [str(at) for at in range(50)]}, 400, "VALIDATION_ERROR", "tags"),
        ({"metadata": {"a": "x" * 66_000}}, 400, "VALIDATION_ERROR", "metadata"),
        (
            {"to": [f"a{at}@b.test" for at in range(1001)]},
            400,
            "VALIDATION_ERROR",
            "to",
        ),
        (
            {"attachments": [{"filename": "a.txt", "content": "YQ"}]},
            400,
            "VALIDATION_ERROR",
            "attachments[0].content",
        ),
        (
            {"attachments": [{"path": "/etc/passwd"}]},
            400,
            "VALIDATION_ERROR",
            "attachments[0].path",
        ),
        (
            {"attachments": [{"filename": "a.PIF. ", "content": "YQ=="}]},
            400,
            "VALIDATION_ERROR",
            "attachments[0].filename",
        ),
        (
            {"attachments": [{"content": base64.b64encode(b"\x7fELF").decode()}]},
            400,
            "VALIDATION_ERROR",
            "attachments[0].content",
        ),
        ({"from": "a@other.example"}, 403, "DOMAIN_NOT_VERIFIED", "from"),
        ({"from": "a@pending.example"}, 403, "DOMAIN_NOT_VERIFIED", "from"),
        ({"from": "a@sub.shop.example"}, 403, "DOMAIN_NOT_VERIFIED", "from"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(
    api: Api, more: dict[str, Any], status: int, word: str, field: str
) -> None:
    """P4: also what would have us read a file of ours."""
    found = api.send(**more)
    assert (found.status, found.json["error"]) == (status, word), found.json
    assert found.json["details"]["field"] == field
    assert found.json["success"] is False


def test_a_listener_serves_what_it_is_told(api: Api) -> None:
    both, health = api.product.http, api.product.smtp[1]
    found: dict[tuple[int, str], int] = {}
    for port in (both, health):
        for path in ("/healthz", "/metrics", "/v1/send"):
            connection = HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", path)
            found[port, path] = connection.getresponse().status
            connection.close()
    assert [found[both, path] for path in ("/healthz", "/metrics", "/v1/send")] == [200, 200, 405]
    assert [found[health, path] for path in ("/healthz", "/metrics", "/v1/send")] == [200, 404, 404]


def test_who_may_not_is_told_so(api: Api) -> None:
    reader = api.new_key("--scopes", "emails:read")
    for key, status in (("", 401), ("ang_api_x_y", 401), (reader, 403)):
        found = api.ask("POST", "/v1/send", mail(), X_API_Key=key)
        assert found.status == status, found.json
    found = api.send(**{"from": "a@pending.example"})
    assert "not verified yet" in found.json["message"]
    found = api.send(**{"from": "a@other.example"})
    assert "domain add other.example" in found.json["message"]


INJECTED = ["\r\n", "\n", "\r", "\0", "\x85", "\u2028", "\u2029"]
ENDINGS = ["Bcc: x@evil.example", "\r\nX-Evil: 1", " X-Evil: 1", ""]
FIELDS: dict[str, Any] = {
    "from": lambda bad: {"from": f"Shop{bad} <orders@shop.example>"},
    "to[0]": lambda bad: {"to": [f"B{bad} <b@example.net>"]},
    "cc[1]": lambda bad: {"cc": ["b@example.net", f"c@example.net{bad}"]},
    "bcc[0]": lambda bad: {"bcc": [f"b{bad}@example.net"]},
    "replyTo": lambda bad: {"replyTo": f'"a{bad}" <b@example.net>'},
    "recipients[0].address": lambda bad: {"recipients": [{"address": f"a{bad}@example.net"}]},
    "subject": lambda bad: {"subject": f"Hello{bad}"},
    "headers.X-A": lambda bad: {"headers": {"X-A": f"v{bad}"}},
    "headers.": lambda bad: {"headers": {f"X-A{bad}": "v"}},
    "attachments[0].filename": lambda bad: {
        "attachments": [{"content": "YQ==", "filename": f"a{bad}.txt"}]
    },
    "attachments[0].contentType": lambda bad: {
        "attachments": [{"content": "YQ==", "contentType": f"text/plain{bad}"}]
    },
    "attachments[0].contentId": lambda bad: {
        "attachments": [{"content": "YQ==", "contentId": f"a{bad}"}]
    },
    "stream": lambda bad: {"stream": f"default{bad}"},
    "campaign": lambda bad: {"campaign": f"c{bad}"},
    "tags": lambda bad: {"tags": {"type": f"t{bad}"}},
    "callbackUrl": lambda bad: {"callbackUrl": f"https://a.example/{bad}"},
    "unsubscribeUrl": lambda bad: {"unsubscribeUrl": f"https://a.example/{bad}"},
    "Idempotency-Key": lambda bad: {"sendId": f"k{bad}"},
}
# Text beyond ASCII, which is encoded where it stands: what only looks like a line end is none
ENCODED = {"subject", "headers.X-A", "attachments[0].filename"}


@pytest.mark.parametrize("field", FIELDS)
def test_no_header_is_injected_c1(api: Api, field: str) -> None:
    """C1: every string of a request, with each line end that some reader takes for one."""
    for end in INJECTED:
        for ending in ENDINGS:
            bad = f"{end}{ending}"
            found = api.send(sandbox=True, **FIELDS[field](bad))
            if field in ENCODED and end > "\x7f" and "\r" not in ending:
                assert found.status == 200, (bad, found.json)
                continue
            assert found.status == 400, (bad, found.json)
            assert found.json["details"]["field"].startswith(field), (bad, found.json)


def test_what_only_looks_like_a_line_end_arrives_inside_its_field(api: Api) -> None:
    mark = token()
    found = api.send(subject="a\u2028X-Evil: 1\x85b", bodyText=mark, headers={"X-A": "c\u2029d"})
    assert found.status == 200, found.json
    taken = api.sink.wait_for_token(mark)
    read = email.message_from_bytes(taken.content)  # the older parser knows one line end only
    assert "X-Evil" not in read.keys()  # noqa: SIM118
    assert taken.content.partition(b"\r\n\r\n")[0].isascii()


def test_fifty_twins_yield_one_message(api: Api) -> None:
    mark = token()
    body = mail(bodyText=mark)

    def twin(number: int) -> Answer:
        return api.ask("POST", "/v1/send", {**body, "sendId": mark})

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(twin, range(50)))
    assert {each.status for each in found} == {200}
    assert len({each.json["emailId"] for each in found}) == 1
    api.sink.wait_for_token(mark)
    other = api.ask("POST", "/v1/send", {**body, "subject": "Other"}, Idempotency_Key=mark)
    assert (other.status, other.json["error"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert other.json["details"]["field"] == "Idempotency-Key"
    both = api.ask("POST", "/v1/send", {**body, "sendId": "a"}, Idempotency_Key="b")
    assert both.status == 400
    api.product.wait_for_disposition(event="relayed", message=found[0].json["emailId"])
    assert len(api.copies(mark)) == 1


def test_a_client_that_goes_away_leaves_a_message_with_its_key_or_nothing(api: Api) -> None:
    mark = token()
    body = json.dumps(mail(bodyText=mark, sendId=mark, sendAt="2035-01-01T00:00:00Z")).encode()
    head = f"POST /v1/send HTTP/1.1\r\nHost: x\r\nX-API-Key: {api.key}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    for cut in (None, -1, 10):
        with socket.create_connection(("127.0.0.1", api.product.http), 20) as peer:
            peer.sendall(head.encode() + body[:cut])
    found = api.ask("POST", "/v1/send", body)
    assert found.status == 200, found.json
    again = api.ask("POST", "/v1/send", body)
    assert again.json == found.json
    queued = {each["id"].partition(".")[0] for each in api.product.queued()}
    accepted = [each for each in api.product.mail_log() if each["event"] == "accepted"]
    assert found.json["emailId"] in queued
    ours = [each for each in accepted if each["size_octets"] == accepted[-1]["size_octets"]]
    assert sum(each["message"] in queued for each in ours) == 1


def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    key = token()
    assert api.send(sendId=key, subject="").status == 400
    assert api.send(sendId=key, sandbox=True).status == 200


def test_a_batch_is_one_commit_with_one_result_each(api: Api) -> None:
    mark = token()
    messages = [mail(bodyText=f"{mark} {at}", to=f"r{at}@example.net") for at in range(100)]
    found = api.ask("POST", "/v1/batch_send", {"messages": messages})
    assert found.status == 200, found.json
    ids = [each["emailId"] for each in found.json["results"]]
    assert len(set(ids)) == 100
    assert ids == sorted(ids)
    messages[7]["subject"] = ""
    messages[9]["no"] = 1
    strict = api.ask("POST", "/batch_send", {"messages": messages})
    assert strict.status == 400
    assert strict.json["details"]["field"] == "messages[7].subject"
    assert strict.json["message"].count("messages[7]") == 1
    loose = {"messages": messages, "validation": "permissive", "sendId": mark}
    first = api.ask("POST", "/v1/batch_send", loose)
    assert first.status == 200
    failed = [at for at, each in enumerate(first.json["results"]) if not each["success"]]
    assert failed == [7, 9]
    assert first.json["results"][9]["details"]["field"] == "no"
    again = api.ask("POST", "/v1/batch_send", loose)
    assert again.json == first.json
    wrong = api.ask("POST", "/v1/batch_send", {"messages": []})
    assert wrong.json["details"]["field"] == "messages"
    many = api.ask("POST", "/v1/batch_send", {"messages": [{}] * 1001})
    assert (many.status, many.json["details"]["field"]) == (400, "messages")


def test_a_written_message_goes_to_its_envelope(api: Api) -> None:
    mark = token()
    raw = f"From: orders@shop.example\nTo: all@shop.example\nBcc: x@y.test\nSubject: s\n\n{mark}"
    body = {"to": ["b@example.net"], "raw": base64.b64encode(raw.encode()).decode()}
    found = api.ask("POST", "/v1/send-raw", body)
    assert found.status == 200, found.json
    taken = api.sink.wait_for_token(mark)
    assert taken.rcpts == [b"RCPT TO:<b@example.net>"]
    assert b"MAIL FROM:<orders@shop.example>" in taken.mail
    assert b"\r\nTo: all@shop.example\r\n" in taken.content
    assert b"Bcc" not in taken.content
    assert f"Message-ID: {found.json['messageId']}\r\n".encode() in taken.content
    assert found.json["messageId"] == f"<{found.json['emailId']}@shop.example>"
    assert verifies(taken.content, api.domain)
    for wrong, status, field in (
        ({"raw": base64.b64encode(raw.replace("shop", "evil").encode()).decode()}, 403, "from"),
        ({"raw": base64.b64encode(b"no header").decode()}, 400, "raw"),
        ({"raw": "?"}, 400, "raw"),
        ({"raw": ""}, 400, "raw"),
        ({"to": []}, 400, "to"),
        ({"from": "a@evil.example"}, 403, "from"),
    ):
        answer = api.ask("POST", "/v1/send-raw", {**body, **wrong})
        assert (answer.status, answer.json["details"]["field"]) == (status, field), answer.json


def test_nobody_gets_what_is_in_the_sandbox(api: Api) -> None:
    mark = token()
    found = api.send(bodyText=mark, sandbox=True)
    assert (found.status, found.json["status"]) == (200, "sandbox")
    api.product.wait_for_disposition(event="accepted", message=found.json["emailId"])
    assert not [each for each in api.product.queued() if found.json["emailId"] in each["id"]]


def test_suppressed_recipients_are_named(api: Api) -> None:
    api.product.postmaster("suppress", "add", "gone@example.net", "--reason", "manual")
    found = api.send(to=["gone@example.net"])
    assert (found.status, found.json["error"]) == (422, "RECIPIENTS_SUPPRESSED")
    assert found.json["details"]["addresses"] == ["gone@example.net"]
    mark = token()
    some = api.send(to=["gone@example.net", "b@example.net"], bodyText=mark)
    assert (some.status, some.json["suppressed"]) == (200, ["gone@example.net"])
    api.sink.wait_for_token(mark)
    assert all(b"gone@" not in rcpt for each in api.sink.taken for rcpt in each.rcpts)


def test_mail_that_waits_is_moved_or_called_off(api: Api) -> None:
    mark = token()
    ids = []
    for _ in range(2):
        found = api.send(bodyText=mark, sendAt="2035-01-01T00:00:00Z")
        assert (found.status, found.json["status"]) == (200, "scheduled")
        ids.append(f"/v1/emails/{found.json['emailId']}")
    gone = api.ask("DELETE", ids[0])
    assert (gone.status, gone.json["status"], gone.json["recipients"]) == (200, "cancelled", 1)
    again = api.ask("DELETE", ids[0])
    assert (again.status, again.json["error"]) == (409, "CONFLICT")
    moved = api.ask("PATCH", ids[1], {"sendAt": "2034-01-01T00:00:00+01:00"})
    assert moved.status == 200, moved.json
    assert moved.json["sendAt"] == "2033-12-31T23:00:00.000Z"
    for body, field in (({}, "sendAt"), ({"sendAt": "soon"}, "sendAt"), ({"x": 1}, "x")):
        wrong = api.ask("PATCH", ids[1], body)
        assert (wrong.status, wrong.json["details"]["field"]) == (400, field)
    now = api.ask("PATCH", ids[1], {"sendAt": "2001-01-01T00:00:00Z"})
    assert now.status == 200
    api.sink.wait_for_token(mark)
    assert len(api.copies(mark)) == 1
    api.product.postmaster("tenant", "create", "other")
    stranger = api.new_key("--tenant", "other")
    for path in ("/v1/emails/nothing", f"/v1/emails/{'0' * 8}-0000-7000-8000-{'0' * 12}"):
        assert api.ask("DELETE", path).status == 404
    assert api.ask("DELETE", ids[1], X_API_Key=stranger).status == 404
    assert (
        api.ask("PATCH", ids[1], {"sendAt": "2035-01-01T00:00:00Z"}, X_API_Key=stranger).status
        == 404
    )


def test_fifty_twins_and_a_sigkill_yield_one_message(tmp_path: Path) -> None:
    with RecordingSink() as sink:
        product = Product(tmp_path, sink=sink.port, single=False)
        try:
            api = Api(product, sink)
            body = mail(sendId="twin", sendAt="2035-01-01T00:00:00Z")
            answered = threading.Event()

            def twin(_: int) -> str:
                try:
                    found = api.ask("POST", "/v1/send", body)
                except (OSError, HTTPException, ValueError):
                    return ""
                answered.set()
                return str(found.json.get("emailId", ""))

            with ThreadPoolExecutor(50) as pool:
                twins = [pool.submit(twin, number) for number in range(50)]
                assert answered.wait(30)
                product.kill()
                told = {each.result() for each in twins} - {""}
            product = Product(tmp_path, sink=sink.port)
            api.product = product
            last = api.ask("POST", "/v1/send", body)
            assert last.status == 200, last.json
            assert told == {last.json["emailId"]}
            assert len(product.queued()) == 1
        finally:
            product.kill()
