"""``postmaster send --api``."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from angarium.cli.exit import EX_DATAERR, EX_NOPERM, EX_OK, EX_TEMPFAIL, EX_UNAVAILABLE, EX_USAGE
from angarium.cli.send import send
from tests.client.stub import BUSY, SENT, WRONG, Answer, Stub

BASE = ["--from", "a@x.example", "--to", "b@y.example", "--to", "c@y.example"]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], Stub]]:
    stubs: list[Stub] = []

    def start(answer: Answer) -> Stub:
        stubs.append(Stub(*[answer] * 4))
        return stubs[-1]

    yield start
    for each in stubs:
        each.close()


def run(*arguments: str, stdin: str | bytes = b"", key: str | None = "secret") -> tuple[int, str]:
    environment = {"ANGARIUM_API_KEY": key}
    result = CliRunner().invoke(
        send, [*BASE, *arguments], standalone_mode=False, input=stdin, env=environment
    )
    code = result.return_value
    if result.exception is not None:
        code = getattr(result.exception, "exit_code", None)
        assert isinstance(code, int), result.exception
    return code, result.output


def test_a_message_goes_by_the_api_and_its_id_is_shown(
    serve: Callable[[Answer], Stub], tmp_path: Path
) -> None:
    stub = serve((200, SENT))
    html, picture = tmp_path / "a.html", tmp_path / "b.png"
    html.write_text("<p>hi</p>")
    picture.write_bytes(b"\x89PNG")
    code, output = run(
        *("--api", stub.url, "--subject", "s", "--html", str(html), "--attach", str(picture))
    )
    assert (code, output) == (EX_OK, "e1 pending, Message-ID <e1@x>\n")
    (seen,) = stub.seen
    assert seen.headers["authorization"] == "Bearer secret"
    assert seen.body == {
        "from": "a@x.example",
        "to": ["b@y.example", "c@y.example"],
        "subject": "s",
        "bodyHtml": "<p>hi</p>",
        "attachments": [{"content": "iVBORw==", "filename": "b.png"}],
    }


def test_a_whole_message_goes_as_it_is(serve: Callable[[Answer], Stub]) -> None:
    stub = serve((200, SENT))
    code, _ = run("--api", stub.url, "--file", "-", stdin=b"Subject: s\n\nt\n")
    assert code == EX_OK
    (seen,) = stub.seen
    assert seen.path == "/v1/send-raw"
    assert seen.body == {
        "raw": "U3ViamVjdDogcw0KDQp0DQo=",
        "to": ["b@y.example", "c@y.example"],
        "from": "a@x.example",
    }


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, WRONG), EX_DATAERR),
        ((403, WRONG), EX_NOPERM),
        ((422, WRONG), EX_UNAVAILABLE),
        ((503, BUSY), EX_TEMPFAIL),
        (None, EX_TEMPFAIL),
    ],
)
def test_a_refusal_has_the_code_of_its_kind(
    serve: Callable[[Answer], Stub], monkeypatch: pytest.MonkeyPatch, answer: Answer, code: int
) -> None:
    monkeypatch.setattr("angarium.client.wire.time.sleep", lambda _: None)
    assert run("--api", serve(answer).url, "--body", "t")[0] == code


def test_who_is_suppressed_is_named(serve: Callable[[Answer], Stub]) -> None:
    stub = serve((200, SENT[:-1] + b', "suppressed": ["c@y.example"]}'))
    code, output = run("--api", stub.url, "--body", "t")
    assert code == EX_UNAVAILABLE
    assert "c@y.example: suppressed" in output


def test_the_key_may_come_by_stdin(serve: Callable[[Answer], Stub]) -> None:
    stub = serve((200, SENT))
    code, _ = run("--api", stub.url, "--body", "t", "--password-stdin", stdin="other\n", key=None)
    assert code == EX_OK
    assert stub.seen[0].headers["authorization"] == "Bearer other"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--api", "mail.example.com", "--body", "t"),
        ("--api", "http://127.0.0.1:1", "--server", "127.0.0.1:2", "--body", "t"),
        ("--api", "http://127.0.0.1:1", "--body", "t", "--password-stdin"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(arguments: tuple[str, ...]) -> None:
    assert run(*arguments, stdin="\n")[0] == EX_USAGE
