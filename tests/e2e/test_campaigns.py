"""Campaigns of the running product: a file goes in, each row gets its mail once, whatever is killed on the way."""

import asyncio
import contextlib
import email
import email.policy
import hashlib
import hmac
import io
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from angarium.cli.main import run
from tests.e2e.campaign_server import PATH, CampaignServer, list_of
from tests.e2e.recording_sink import RecordingSink
from tests.webhooks.receiver import Receiver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def refuse(_client: str, line: bytes) -> bytes | None:
    """Some are refused, for what does not suppress them."""
    return b"554 5.7.1 refused by policy" if line.startswith(b"RCPT TO:<gone") else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CampaignServer]:
    with RecordingSink(says=refuse) as sink:
        started = CampaignServer(tmp_path_factory.mktemp("campaigns"), sink, batch_rows=100)
        try:
            yield started
            started.product.assert_clean()
        finally:
            started.kill()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as started:
        yield started


def test_each_row_of_a_file_gets_its_mail_and_bad_ones_are_named(server: CampaignServer) -> None:
    text = (
        "email,name\na1@example.net,Ann\n,Bob\n=x,Carl\ngone1@example.net,Dora\nA1@example.net,E\n"
    )
    made = server.create(text, name="July", tags={"list": "all"})
    assert (made["status"], made["columns"]) == ("accept", ["email", "name"])
    assert made["from"] == "noreply@shop.example"
    found = server.completed(made["transactionId"])
    summary = found["summary"]
    assert (summary["totalMessages"], summary["sent"], summary["bounced"]) == (2, 1, 1)
    assert (summary["refused"], summary["duplicate"]) == (2, 1)
    assert found["progress"]["rows"] == 5
    rows = server.rows(made["transactionId"])
    assert [each["status"] for each in rows] == [
        *("sent", "refused", "refused", "bounced", "duplicate"),
    ]
    assert [each["line"] for each in rows] == [2, 3, 4, 5, 6]
    assert "554 5.7.1 refused by policy" in rows[3]["reason"]
    status = server.api.right("GET", f"/v1/status/{rows[0]['emailId']}")
    assert status["recipient"] == "a1@example.net"
    errors = server.api.ask("GET", f"{PATH}/{made['transactionId']}/errors").body.decode()
    lines = errors.splitlines()
    assert lines[0] == "line,status,reason,text"
    assert [each.partition(",")[0] for each in lines[1:]] == ["3", "4", "5", "6"]
    assert "'=x" in lines[2]  # P7: no spreadsheet reckons with it
    batches = server.api.right("GET", f"{PATH}/{made['transactionId']}/batches")["batches"]
    assert [(each["status"], each["rows"], each["accepted"]) for each in batches] == [
        ("completed", 5, 2)
    ]


def test_only_what_failed_is_sent_again(server: CampaignServer) -> None:
    made = server.create("email\nb1@example.net\ngone2@example.net\nb1@example.net\nnone\n")
    first = server.completed(made["transactionId"])["transactionId"]
    server.sink.says = None  # type: ignore[assignment]
    try:
        reply = server.api.ask("POST", f"{PATH}/{first}/resend-failed", {})
        assert reply.status == 202, reply.body
        again = server.completed(reply.json["transactionId"])
    finally:
        server.sink.says = refuse
    assert again["resendOf"] == first
    rows = server.rows(again["transactionId"])
    assert [(each["line"], each["address"], each["status"]) for each in rows] == [
        (3, "gone2@example.net", "sent"),
        (5, "", "refused"),
    ]
    assert sum(server.sent_to()["b1@example.net"].values()) == 1


def test_a_dry_run_sends_nothing(server: CampaignServer) -> None:
    made = server.create("email\nc1@example.net\nnone\n", dryRun=True)
    found = server.completed(made["transactionId"])
    assert (found["summary"]["checked"], found["summary"]["refused"]) == (1, 1)
    assert "c1@example.net" not in server.sent_to()


def test_the_contracts_own_spelling_is_understood(server: CampaignServer) -> None:
    upload = server.upload("email\nd1@example.net\n")
    later = "2099-01-01T10:00:00Z"
    body = {
        "csv_file_url": f"http://127.0.0.1:{server.product.http}/v1/uploads/{upload}/content?x=1",
        "schedule": {"send_at": later},
        "subject": "News",
        "bodyHtml": "<p>Hello</p>",
    }
    reply = server.api.ask("POST", f"/api{PATH}", body)
    assert reply.status == 202, reply.body
    campaign = reply.json["transactionId"]
    server.wait(campaign, lambda each: each["status"] == "scheduled")
    assert server.show(campaign)["sendAt"] == "2099-01-01T10:00:00.000Z"
    moved = server.api.right(
        "PATCH", f"{PATH}/{campaign}", {"schedule": {"sendAt": "2000-01-01T00:00:00Z"}}
    )
    assert moved["status"] == "accept"
    server.completed(campaign)
    assert "d1@example.net" in server.sent_to()


def test_the_same_key_makes_one_campaign(server: CampaignServer) -> None:
    body = {"uploadId": server.upload(list_of(1, "e")), "subject": "News", "bodyText": "x"}
    key = {"Idempotency-Key": "once"}
    made = [server.api.ask("POST", PATH, body, headers=key) for _ in range(2)]
    assert [each.status for each in made] == [202, 202]
    assert made[0].json["transactionId"] == made[1].json["transactionId"]
    other = server.api.ask("POST", PATH, {**body, "subject": "Other"}, headers=key)
    assert other.fault == (422, "IDEMPOTENCY_KEY_REUSED", "Idempotency-Key")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, (400, "VALIDATION_ERROR", "uploadId")),
        ({"uploadId": "none"}, (400, "VALIDATION_ERROR", "uploadId")),
        ({"csvFileUrl": "ftp://x.example/list.csv"}, (400, "VALIDATION_ERROR", "csvFileUrl")),
        ({"csvFileUrl": "https://10.0.0.1/list.csv"}, (400, "VALIDATION_ERROR", "csvFileUrl")),
        ({"csvFileUrl": "http://[::1"}, (400, "VALIDATION_ERROR", "csvFileUrl")),
        ({"subject": ""}, (400, "VALIDATION_ERROR", "templateId")),
        ({"templateId": "no-such"}, (400, "VALIDATION_ERROR", "templateId")),
        ({"from": "a@other.example"}, (403, "DOMAIN_NOT_VERIFIED", "from")),
        ({"from": "a b"}, (400, "VALIDATION_ERROR", "from")),
        ({"stream": "no-such"}, (400, "VALIDATION_ERROR", "stream")),
        ({"callbackUrl": "http://10.0.0.1/x"}, (400, "VALIDATION_ERROR", "callbackUrl")),
        ({"file": {"addressColumn": "nope"}}, (400, "VALIDATION_ERROR", "file.addressColumn")),
        ({"expiresAt": "2001-01-01T00:00:00Z"}, (400, "VALIDATION_ERROR", "expiresAt")),
        ({"template_id": "a", "templateId": "b"}, (400, "VALIDATION_ERROR", "template_id")),
        ({"unknown": 1}, (400, "VALIDATION_ERROR", "unknown")),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    server: CampaignServer, body: dict[str, object], fault: tuple[int, str, str]
) -> None:
    usual = {"subject": "News", "bodyText": "x"}
    if "uploadId" not in body and "csvFileUrl" not in body and body:
        usual["uploadId"] = server.upload("email,x\na@example.net,1\n")
    assert server.api.ask("POST", PATH, {**usual, **body}).fault == fault


def test_what_is_not_there_is_not_found(server: CampaignServer) -> None:
    for path in ("x", "01890000-0000-7000-8000-000000000000"):
        assert server.api.ask("GET", f"{PATH}/{path}").fault[:2] == (404, "NOT_FOUND")


def test_what_is_paused_sends_nothing_and_goes_on(server: CampaignServer) -> None:
    made = server.create(list_of(300, "f"))
    campaign = made["transactionId"]
    paused = server.api.right("POST", f"{PATH}/{campaign}/pause")
    assert paused["paused"] is True
    resumed = server.api.right("POST", f"{PATH}/{campaign}/resume")
    assert resumed["paused"] is False
    server.completed(campaign)
    got = [each for each in server.sent_to() if each.startswith("f")]
    assert len(got) == 300
    cancelled = server.api.ask("POST", f"{PATH}/{campaign}/cancel")
    assert cancelled.fault[:2] == (409, "CONFLICT")


async def test_a_file_is_fetched_from_where_it_is_though_the_server_is_killed(
    server: CampaignServer, receiver: Receiver
) -> None:
    ready = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        await ready.wait()
        return web.Response(body=b"email,name\nl1@example.net,Ann\nl2@example.net,Bob\n")

    receiver.answer = answer
    url = receiver.url("/bucket/may.csv?X-Amz-Signature=a%2Fb")
    made = await asyncio.to_thread(server.create, csvFileUrl=url)
    assert (made["status"], made["columns"], made["addressColumn"]) == ("accept", [], "")
    campaign = made["transactionId"]
    await receiver.until(lambda: len(receiver.taken) == 1)
    waits = "its file is fetched"
    await asyncio.to_thread(server.wait, campaign, lambda each: each["waitingFor"] == waits)
    server.kill()
    await asyncio.to_thread(server.start_again)
    await receiver.until(lambda: len(receiver.taken) == 2)
    ready.set()
    found = await asyncio.to_thread(server.completed, campaign)
    assert (found["summary"]["sent"], found["filename"]) == (2, "may.csv")
    assert {each.path for each in receiver.taken} == {"/bucket/may.csv?X-Amz-Signature=a%2Fb"}
    assert {"l1@example.net", "l2@example.net"} <= server.sent_to().keys()
    uploads = (await asyncio.to_thread(server.api.right, "GET", "/v1/uploads?limit=100"))["uploads"]
    assert campaign not in [each["uploadId"] for each in uploads]


async def test_a_file_that_cannot_be_fetched_fails_the_campaign_and_says_why_p1(
    server: CampaignServer, receiver: Receiver
) -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data")

    receiver.answer = elsewhere
    made = await asyncio.to_thread(server.create, csvFileUrl=receiver.url("/m.csv"))
    campaign = made["transactionId"]
    is_failed = await asyncio.to_thread(
        server.wait, campaign, lambda each: each["status"] == "failed"
    )
    assert "csvFileUrl: is answered with 302" in is_failed["reason"]
    assert len(receiver.taken) == 1


async def test_callbacks_tell_each_status_signed(
    server: CampaignServer, receiver: Receiver
) -> None:
    made = server.create(list_of(2, "g"), callbackUrl=receiver.url())
    await receiver.until(
        lambda: any(json.loads(each.body)["status"] == "completed" for each in receiver.taken)
    )
    told = [json.loads(each.body) for each in receiver.taken]
    statuses = [each["status"] for each in told]
    assert statuses == ["accept", "processing", "ready_to_send", "sent", "completed"]
    assert {each["transaction_id"] for each in told} == {made["transactionId"]}
    assert told[-1]["summary"]["total_messages"] == 2
    assert set(told[-1]["summary"]) >= {"delivered", "bounced", "complained", "opened", "clicked"}
    for each in receiver.taken:
        key = made["callbackSecret"].encode()
        right = hmac.new(key, each.body, hashlib.sha256).hexdigest()
        assert each.headers["x-signature"] == right


def test_a_template_is_filled_with_each_rows_columns(server: CampaignServer) -> None:
    parts = {"subject": "For {{ name }}", "text": "Dear {{ name }}, in {{ city }}: {{ all }}"}
    template = {"alias": "welcome", "version": {"parts": parts, "publish": True}}
    template_id = server.api.right("POST", "/v1/templates", template)["id"]
    text = "email;name;city\n i1@example.net ;Ann;Bonn\ni2@example.net;Bjørn;Köln\n"
    made = server.create(
        text, subject="", bodyText="", templateId="welcome", templateData={"all": "x", "name": "y"}
    )
    assert (made["templateId"], made["templateVersion"]) == (template_id, 1)
    server.completed(made["transactionId"])
    found = [each.content for each in server.sink.taken if b"i2@example.net" in each.content]
    mail = email.message_from_bytes(found[0], policy=email.policy.default)
    assert mail["Subject"] == "For Bjørn"
    assert mail.get_content().strip() == "Dear Bjørn, in Köln: x"


def test_commands_do_the_same(
    server: CampaignServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANGARIUM_API", f"http://127.0.0.1:{server.product.http}")
    monkeypatch.setenv("ANGARIUM_API_KEY", server.api.key)
    text = tmp_path / "text"
    text.write_text("Hello")
    upload = server.upload("email\nh1@example.net\ngone3@example.net\n")
    words = ("start", upload, "--subject", "News", "--text-file", str(text))
    made = json.loads(command(*words, "--json"))["transactionId"]
    server.completed(made)
    assert command("show", made).startswith(f"{made} completed: 2 rows, 1 sent, 1 bounced")
    assert "line 3\tbounced\tgone3@example.net" in command("rows", made, "--status", "failed")
    assert command("errors", made).startswith("line 3: 554 5.7.1 refused by policy")
    assert made in command("list")
    again = json.loads(command("resend", made, "--json"))
    assert again["resendOf"] == made
    server.completed(again["transactionId"])
    assert command("cancel", made, code=69) == ""
    assert command("pause", "x", code=69) == ""


def test_one_command_uploads_a_file_and_starts_it(
    server: CampaignServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANGARIUM_API", f"http://127.0.0.1:{server.product.http}")
    monkeypatch.setenv("ANGARIUM_API_KEY", server.api.key)
    text, file = tmp_path / "text", tmp_path / "june.csv"
    text.write_text("Hello")
    file.write_text("email\nm1@example.net\n")
    words = ("start", str(file), "--subject", "News", "--text-file", str(text), "--json")
    made = json.loads(command(*words, "--at", "2099-01-01T09:00+02:00"))["transactionId"]
    shown = server.wait(made, lambda each: each["status"] == "scheduled")
    assert (shown["filename"], shown["sendAt"]) == ("june.csv", "2099-01-01T07:00:00.000Z")
    assert command("reschedule", made, "--at", "2020-01-01T09:00Z").startswith(f"{made} accept")
    server.completed(made)
    assert "m1@example.net" in server.sent_to()
    again = json.loads(command(*words))["transactionId"]  # what is there is not uploaded again
    assert server.show(again)["uploadId"] == shown["uploadId"]
    assert command("start", str(tmp_path / "none.csv"), code=66) == ""
    assert command("start", "https://10.0.0.1/x.csv", "--subject", "x", code=65) == ""


def command(*words: str, code: int = 0) -> str:
    """Run it in this process, which saves the start of another one."""
    out = io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        found = run(["campaign", *words])
    assert found == code
    out.flush()
    out.seek(0)
    return out.read()


def test_killed_again_and_again_no_row_is_left_out_nor_accepted_twice(
    server: CampaignServer,
) -> None:
    kill_while_sending(server, rows=1200, kills=2, seed=1)


def kill_while_sending(server: CampaignServer, *, rows: int, kills: int, seed: int) -> None:
    chooses = random.Random(seed)
    name = f"k{seed}x"
    text = list_of(rows, name) + f"none\n{name}7@example.net,again\n"
    campaign = server.create(text)["transactionId"]
    for _ in range(kills):
        time.sleep(chooses.uniform(0.05, 1.2))
        server.kill()
        server.start_again()
    found = server.completed(campaign, timeout=180)
    summary = found["summary"]
    assert found["progress"]["rows"] == rows + 2
    # Each file line is in the ledger once, in order; each has its final state
    listed = server.rows(campaign)
    assert [each["line"] for each in listed] == list(range(2, rows + 4))
    states = Counter(each["status"] for each in listed)
    assert states == {"sent": rows, "refused": 1, "duplicate": 1}
    assert (summary["sent"], summary["refused"], summary["duplicate"]) == (rows, 1, 1)
    got = {to: ids for to, ids in server.sent_to().items() if to.startswith(name)}
    assert got.keys() == {f"{name}{at}@example.net" for at in range(rows)}
    # One message for each: what came twice to the sink is the copy of an attempt that was cut
    assert [to for to, ids in got.items() if len(ids) > 1] == []
    assert len({each["emailId"] for each in listed if each["emailId"]}) == rows
