"""Mirrors angarium/service/platform/alarms/posting.py and mailing.py: what goes out, and why if it does not."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from angarium.alarms.catalogue import find_alarm
from angarium.alarms.notice import Notice, Words
from angarium.config.alarms import Notify, NotifyKind
from angarium.config.schema import Config, Server
from angarium.queue import PartitionNumber, QueueFullError, RouteHint, Submission, UnixMs
from angarium.service.platform.alarms.mailing import NoticeMail
from angarium.service.platform.alarms.posting import post_notice
from angarium.service.platform.alarms.told import Outcome
from angarium.webhooks.caller import Answered
from tests.queue.samples import FakeClock

NOW = UnixMs(1_796_000_000_000)
WORDS = Words(alarm=find_alarm("disk_full"), hostname="mx1.example.com", runbooks="docs/runbooks")
TEST = Notice(id="an_1", target="a", alarm="test", kind="test", at=NOW)
SECRET = f"whsec_{b64encode(b's' * 24).decode()}"


class Far:
    def __init__(self, *answers: Answered) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Mapping[str, str], bytes]] = []

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        self.asked.append((url, headers, body))
        return self.answers.pop(0) if self.answers else Answered(status=202)


async def told(notify: Notify, far: Far) -> Outcome:
    return await post_notice(notify, TEST, WORDS, far, lambda: NOW)


def target(kind: NotifyKind, tmp_path: Path, secret: str | None = None, url: str = "") -> Notify:
    path = tmp_path / "secret"
    if secret is not None:
        path.write_text(secret)
    given = {"url": url} if url else {"url_file": str(path)} if kind == "slack" else {}
    return Notify(name="a", kind=kind, secret_file=str(path), **given)


async def test_a_webhook_is_signed_and_slacks_url_comes_from_its_file(tmp_path: Path) -> None:
    far = Far()
    assert await told(target("webhook", tmp_path, SECRET + "\n", "https://a.example/"), far) == (
        Outcome()
    )
    ((url, headers, body),) = far.asked
    assert url == "https://a.example/"
    assert headers["webhook-id"] == "an_1"
    assert headers["webhook-timestamp"] == str(NOW // 1000)
    signed = Webhook(SECRET).sign("an_1", datetime.fromtimestamp(NOW // 1000, UTC), body.decode())
    assert headers["webhook-signature"] == signed
    assert b'"alarm.test"' in body
    far = Far()
    await told(target("slack", tmp_path, "https://hooks.example/s3cret\nmore\n"), far)
    assert far.asked[0][0] == "https://hooks.example/s3cret"


async def test_pagerduty_hears_trigger_and_resolve_and_stops_at_the_first_that_fails(
    tmp_path: Path,
) -> None:
    far = Far()
    assert not (await told(target("pagerduty", tmp_path, "KEY"), far)).problem
    assert [url for url, _, _ in far.asked] == ["https://events.pagerduty.com/v2/enqueue"] * 2
    far = Far(Answered(status=429, text="slow\ndown", retry_after_s=30.0))
    outcome = await told(target("pagerduty", tmp_path, "KEY"), far)
    assert outcome == Outcome(problem="HTTP 429: slow down", retry_after_s=30.0)
    assert len(far.asked) == 1


@pytest.mark.parametrize(
    ("kind", "secret", "words"),
    [
        ("pagerduty", None, "No such file"),
        ("pagerduty", "\n\n", "its first line is empty"),
        ("webhook", "not a secret", "no secret of a webhook"),
    ],
    ids=["missing", "empty", "no-secret"],
)
async def test_what_is_wrong_with_a_file_is_said_and_nothing_is_sent(
    kind: NotifyKind, secret: str | None, words: str, tmp_path: Path
) -> None:
    far = Far()
    outcome = await told(target(kind, tmp_path, secret, "https://a.example/"), far)
    assert words in outcome.problem
    assert not far.asked


async def test_nobody_who_answers_is_a_problem_in_words(tmp_path: Path) -> None:
    far = Far(Answered(status=0, text="no answer within 15 s"))
    outcome = await told(target("slack", tmp_path, "https://a.example/"), far)
    assert outcome.problem == "no answer within 15 s"


class Queue:
    def __init__(self) -> None:
        self.accepted: list[Submission] = []
        self.is_full = False

    def partitions(self) -> Sequence[PartitionNumber]:
        return [PartitionNumber(0)]

    def find_route(self, domain: str) -> RouteHint | None:
        return None

    async def accept(self, batch: Sequence[Submission]) -> None:
        if self.is_full:
            raise QueueFullError("the disk is full")
        self.accepted += batch


async def test_a_mail_is_queued_from_nobody_as_ours_and_answered_by_no_machine() -> None:
    queue = Queue()
    mail = NoticeMail(Config(server=Server(hostname="mx1.example.com")), queue, FakeClock())
    notify = Notify(name="a", kind="mail", to=("ops@example.org", "b@example.net"))
    assert await mail.send(notify, TEST, WORDS) == Outcome()
    (submission,) = queue.accepted
    assert submission.envelope.reverse_path == ""
    assert [each.forward_path for each in submission.envelope.recipients] == list(notify.to)
    assert submission.origin.kind == "dsn"
    assert submission.header_from == "mx1.example.com"
    parsed = message_from_bytes(submission.content, policy=policy.default)
    assert parsed["From"] == "Angarium <postmaster@mx1.example.com>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Message-ID"] == submission.message_id_header
    assert submission.content[: submission.header_octets].endswith(b"\r\n\r\n")
    assert "Nothing is wrong." in parsed.get_content()


async def test_a_mail_that_cannot_be_queued_is_tried_again() -> None:
    queue = Queue()
    queue.is_full = True
    mail = NoticeMail(Config(server=Server(hostname="mx1.example.com")), queue, FakeClock())
    outcome = await mail.send(Notify(name="a", kind="mail", to=("o@example.org",)), TEST, WORDS)
    assert outcome.problem == "the disk is full"
    outcome = await mail.send(Notify(name="a", kind="mail", to=("o o@example.org",)), TEST, WORDS)
    assert outcome.problem.startswith("to: ")
