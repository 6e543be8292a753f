"""Mirrors angarium/client: what is asked and read, what is tried again, and that both clients are one."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import angarium.client
from angarium.client import (
    ApiError,
    AsyncClient,
    Campaign,
    Client,
    ConnectionFailedError,
    Email,
    File,
    Parts,
    Recipient,
    TemplateSource,
)
from angarium.client.calls import Call, Reply, call, wait_s
from angarium.client.derive import derive
from tests.client.stub import BUSY, SENT, WRONG, Answer, Stub


@pytest.fixture
def serve() -> Iterator[Callable[..., Stub]]:
    stubs: list[Stub] = []

    def start(*answers: Answer) -> Stub:
        stubs.append(Stub(*answers))
        return stubs[-1]

    yield start
    for each in stubs:
        each.close()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("angarium.client.wire.time.sleep", waits.append)
    return waits


EMAIL = Email(
    sender="a@x.example",
    to=["b@y.example"],
    subject="s",
    text="t",
    attachments=[File(content=b"\xff", filename="f")],
)


def test_a_message_is_sent_with_a_key_of_its_own(serve: Callable[..., Stub]) -> None:
    stub = serve((200, SENT), (200, SENT))
    with Client(stub.url + "/", "k1") as client:
        sent = client.send(EMAIL)
        client.send(EMAIL)
    assert (sent.email_id, sent.message_id) == ("e1", "<e1@x>")
    first, second = stub.seen
    assert (first.method, first.path) == ("POST", "/v1/send")
    assert first.headers["authorization"] == "Bearer k1"
    assert first.body == {
        "from": "a@x.example",
        "to": ["b@y.example"],
        "subject": "s",
        "bodyText": "t",
        "attachments": [{"content": "/w==", "filename": "f"}],
    }
    assert len(first.headers["idempotency-key"]) >= 24
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


def test_a_template_is_named_with_what_fills_it(serve: Callable[..., Stub]) -> None:
    emails = b'[{"to": "b@y.example", "emailId": "e1", "messageId": "<e1@x>"}]'
    stub = serve((200, SENT.rstrip(b"}") + b', "emails": %b}' % emails))
    with Client(stub.url, "k") as client:
        sent = client.send(
            Email(
                sender="a@x.example",
                recipients=[Recipient(address="b@y.example", variables={"name": "Bea"})],
                template_id="welcome",
                template_version=3,
                template_data={"shop": "X"},
                locale="de",
            )
        )
    assert [(each.to, each.email_id) for each in sent.emails] == [("b@y.example", "e1")]
    (asked,) = stub.seen
    assert asked.body == {
        "from": "a@x.example",
        "recipients": [{"address": "b@y.example", "variables": {"name": "Bea"}}],
        "templateId": "welcome",
        "templateVersion": 3,
        "templateData": {"shop": "X"},
        "locale": "de",
    }


@pytest.mark.parametrize("failure", [(503, BUSY), (500, b"oops"), None])
def test_what_failed_is_tried_again_with_the_same_key(
    serve: Callable[..., Stub], slept: list[float], failure: Answer
) -> None:
    stub = serve(failure, (200, SENT))
    with Client(stub.url, "k") as client:
        assert client.send(EMAIL).email_id == "e1"
    first, second = stub.seen
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert slept == [7.0 if failure == (503, BUSY) else 0.5]


def test_what_goes_on_failing_is_told(serve: Callable[..., Stub], slept: list[float]) -> None:
    stub = serve(*[(503, BUSY)] * 4)
    with Client(stub.url, "k") as client, pytest.raises(ApiError) as raised:
        client.send(EMAIL)
    assert (raised.value.status, raised.value.error) == (503, "UNAVAILABLE")
    assert (raised.value.retry_after_s, raised.value.request_id) == (7, "r1")
    assert (len(stub.seen), len(slept)) == (4, 3)
    dead = serve(*[None] * 4)
    with Client(dead.url, "k") as client, pytest.raises(ConnectionFailedError, match="127"):
        client.send(EMAIL)


def test_what_was_refused_is_not_tried_again(serve: Callable[..., Stub]) -> None:
    stub = serve((400, WRONG))
    with Client(stub.url, "k") as client, pytest.raises(ApiError) as raised:
        client.send(EMAIL)
    assert (raised.value.status, raised.value.field) == (400, "to")
    assert str(raised.value) == "VALIDATION_ERROR: Missing required field: to"
    assert len(stub.seen) == 1


def test_what_has_no_key_and_changes_something_is_not_repeated(serve: Callable[..., Stub]) -> None:
    stub = serve((503, BUSY))
    with Client(stub.url, "k") as client, pytest.raises(ApiError):
        client.suppress("b@y.example")
    assert len(stub.seen) == 1


def test_each_message_of_a_batch_has_its_result(serve: Callable[..., Stub]) -> None:
    stub = serve((200, b'{"success": true, "results": [%b, %b]}' % (SENT, WRONG)))
    with Client(stub.url, "k") as client:
        sent, refused = client.send_batch([EMAIL, EMAIL], validation="permissive")
    assert isinstance(sent, angarium.client.Sent)
    assert isinstance(refused, angarium.client.Refused)
    assert (refused.error, refused.details.field) == ("VALIDATION_ERROR", "to")
    assert stub.seen[0].body["validation"] == "permissive"


def test_pages_follow_each_other(serve: Callable[..., Stub]) -> None:
    page = b'{"emails": [{"emailId": "%b", "status": "sent", "new": 1}], "cursor": %b}'
    stub = serve((200, page % (b"1", b'"c+/"')), (200, page % (b"2", b"null")))
    with Client(stub.url, "k") as client:
        assert [each.email_id for each in client.emails(tag="a b")] == ["1", "2"]
    assert [each.path for each in stub.seen] == [
        "/v1/emails?tag=a+b",
        "/v1/emails?tag=a+b&cursor=c%2B%2F",
    ]


async def test_the_client_that_is_awaited_does_the_same(
    serve: Callable[..., Stub], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("angarium.client.wire_aio.AsyncTransport.sleep", staticmethod(sleep))
    stub = serve(None, (503, BUSY), (200, SENT), (400, WRONG))
    async with AsyncClient(stub.url, "k") as client:
        assert (await client.send(EMAIL)).email_id == "e1"
        with pytest.raises(ApiError, match="Missing required field"):
            await client.status("e/1")
    assert waits == [0.5, 7.0]
    assert len({each.headers.get("idempotency-key") for each in stub.seen[:3]}) == 1
    assert stub.seen[3].path == "/v1/status/e%2F1"


def test_the_client_that_waits_is_made_of_the_other_one() -> None:
    folder = Path(angarium.client.__file__).parent
    derived = ast.parse(derive((folder / "aio.py").read_text()))
    assert ast.dump(derived) == ast.dump(ast.parse((folder / "waiting.py").read_text()))


def test_a_path_cannot_be_left(serve: Callable[..., Stub]) -> None:
    assert call("GET", "status", "../key?x=1").path == "/v1/status/..%2Fkey%3Fx%3D1"
    assert call("GET", "emails", query={"a": "", "b": None, "c": True}).path == "/v1/emails?c=true"


@pytest.mark.parametrize(
    ("after", "tries", "expected"),
    [("", 1, 0.5), ("", 3, 2.0), ("3", 1, 3.0), ("9999", 1, 30.0), ("soon", 2, 1.0)],
)
def test_the_next_try_waits_as_the_server_asks(after: str, tries: int, expected: float) -> None:
    headers = {"retry-after": after} if after else {}
    assert wait_s(Reply(status=503, headers=headers, body=b""), tries) == expected


def test_only_what_does_no_harm_twice_is_repeated() -> None:
    assert Call(method="POST", path="/", once="k").may_repeat
    assert Call(method="GET", path="/").may_repeat
    assert not Call(method="POST", path="/").may_repeat
    assert not Call(method="PATCH", path="/").may_repeat


def test_a_template_is_saved_published_and_seen(serve: Callable[..., Stub]) -> None:
    version = (
        b'{"version": 2, "state": "draft", "author": "key k", "warnings": [{"message": "odd"}]}'
    )
    stub = serve(
        (201, b'{"id": "t1", "alias": "a b", "kind": "mail", "publishedVersion": null}'),
        (201, version),
        (200, b'{"version": 2, "state": "published", "renewed": ["mail"]}'),
        (200, b'{"version": 2, "subject": "Hi", "html": "<p>", "size": 9}'),
        (200, SENT),
    )
    source = TemplateSource(
        parts=Parts(subject="Hi {{ x }}", html="<p>"), locales={"de": Parts(text="t")}
    )
    with Client(stub.url, "k") as client:
        made = client.create_template("a b", source, name="A")
        saved = client.save_template("a b", source)
        published = client.publish_template("a b", saved.version)
        preview = client.preview_template("a b", {"x": 1}, locale="de")
        client.test_template("a b", sender="a@x.example", to=["b@y.example"], version=2)
    assert (made.id, made.published_version, saved.warnings[0]["message"]) == ("t1", None, "odd")
    assert (published.state, published.renewed) == ("published", ("mail",))
    assert (preview.subject, preview.html, preview.text, preview.size) == ("Hi", "<p>", None, 9)
    written = {
        "parts": {"subject": "Hi {{ x }}", "html": "<p>"},
        "locales": {"de": {"text": "t"}},
    }
    assert [(each.method, each.path, each.body) for each in stub.seen] == [
        (
            "POST",
            "/v1/templates",
            {"alias": "a b", "name": "A", "kind": "mail", "version": written},
        ),
        ("POST", "/v1/templates/a%20b/versions", written),
        ("POST", "/v1/templates/a%20b/versions/2/publish", None),
        ("POST", "/v1/templates/a%20b/preview", {"locale": "de", "data": {"x": 1}}),
        (
            "POST",
            "/v1/templates/a%20b/test",
            {"locale": "", "version": 2, "from": "a@x.example", "to": ["b@y.example"]},
        ),
    ]


def test_templates_and_their_versions_come_page_by_page(serve: Callable[..., Stub]) -> None:
    stub = serve(
        (200, b'{"templates": [{"id": "1", "alias": "a"}], "cursor": "61"}'),
        (200, b'{"templates": [{"id": "2", "alias": "b"}], "cursor": null}'),
        (200, b'{"versions": [{"version": 2, "state": "draft"}], "cursor": "c"}'),
        (200, b'{"versions": [{"version": 1, "state": "published"}]}'),
    )
    with Client(stub.url, "k") as client:
        assert [each.alias for each in client.templates(kind="mail")] == ["a", "b"]
        assert [each.version for each in client.template_versions("a")] == [2, 1]
    assert [each.path for each in stub.seen] == [
        "/v1/templates?kind=mail",
        "/v1/templates?kind=mail&cursor=61",
        "/v1/templates/a/versions",
        "/v1/templates/a/versions?cursor=c",
    ]


def test_what_is_wrong_in_a_template_has_its_place(serve: Callable[..., Stub]) -> None:
    refused = b"""{"success": false, "error": "VALIDATION_ERROR", "message": "parts.html: no",
     "details": {"field": "parts.html", "line": 3, "column": 7}}"""
    stub = serve((400, refused))
    with Client(stub.url, "k") as client, pytest.raises(ApiError) as caught:
        client.save_template("a", TemplateSource(parts=Parts(html="{{")))
    found = caught.value
    assert (found.field, found.line, found.column) == ("parts.html", 3, 7)


STATE = b'{"transactionId": "t1", "status": "processing", "progress": {"rows": 7}, "summary": {"sent": 3}}'


def test_a_campaign_is_started_once_and_asked_about(serve: Callable[..., Stub]) -> None:
    rows = b'{"rows": [{"row": 1, "line": 2, "address": "a@x", "status": "bounced"}], "cursor": %s}'
    stub = serve(
        (202, STATE),
        (200, STATE),
        (200, rows % b'"c1"'),
        (200, rows % b"null"),
        (200, STATE),
        (202, STATE),
    )
    with Client(stub.url, "k") as client:
        made = client.start_campaign(Campaign(upload_id="u1", template_id="welcome"))
        assert (made.transaction_id, made.progress.rows, made.summary["sent"]) == ("t1", 7, 3)
        assert client.campaign("t1").status == "processing"
        assert [each.line for each in client.campaign_rows("t1", status="failed")] == [2, 2]
        client.change_campaign("t1", "pause")
        client.resend_failed("t1")
    assert [(each.method, each.path) for each in stub.seen] == [
        ("POST", "/v1/email/campaigns"),
        ("GET", "/v1/email/campaigns/t1"),
        ("GET", "/v1/email/campaigns/t1/rows?status=failed&limit=1000"),
        ("GET", "/v1/email/campaigns/t1/rows?status=failed&limit=1000&cursor=c1"),
        ("POST", "/v1/email/campaigns/t1/pause"),
        ("POST", "/v1/email/campaigns/t1/resend-failed"),
    ]
    assert stub.seen[0].body == {"uploadId": "u1", "templateId": "welcome"}
    assert stub.seen[0].headers["idempotency-key"]
