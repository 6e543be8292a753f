"""Mirrors angarium/service/ingress/sns_intake.py, over the queue in memory."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from angarium.api.notifications import Refused, Taken, Unavailable
from angarium.config.schema import Ses
from angarium.queue.memory.spool import MemorySpool
from angarium.queue.reports import ReportBounds, Shelf
from angarium.service.ingress.sns_intake import SnsIntake, report_id
from angarium.simulator.sns import TOPIC, SnsSigner, bounce, mail
from tests.queue.samples import FakeClock

AMAZON = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abc.pem"
SIGNER = SnsSigner()
BOUNCE = bounce(mail("0107", "b@example.net"), "b@example.net")


class Rig:
    def __init__(self, *, waiting: int = 100, **ses: Any) -> None:
        self.spool = MemorySpool(FakeClock())
        self.fetched: list[str] = []
        self.serves: bytes | None = SIGNER.pem
        now = int(datetime.now(UTC).timestamp() * 1000)
        self.intake = SnsIntake(
            self.spool.reports,
            ReportBounds(reports=waiting, octets=1_000_000),
            lambda: now,  # type: ignore[arg-type, return-value]
            self._fetch,
        )
        self.intake.exchange(Ses(**{"region": "eu-central-1", "topic_arns": (TOPIC,), **ses}))

    async def _fetch(self, url: str) -> bytes | None:
        self.fetched.append(url)
        return self.serves

    async def take(self, signed: dict[str, str]) -> Any:
        return await self.intake.take(json.dumps(signed).encode())

    @property
    def waiting(self) -> int:
        return self.spool.reports.count(Shelf.WAITING).reports


def signed(message: str = BOUNCE, **more: Any) -> dict[str, str]:
    return SIGNER.message(message, **{"certificate_url": AMAZON, **more})


async def test_what_is_taken_is_durable_and_counts_once() -> None:
    rig = Rig()
    message = signed()
    assert await rig.take(message) == Taken()
    assert await rig.take(message) == Taken()
    assert rig.waiting == 1
    assert rig.fetched == [AMAZON]
    (report,) = rig.spool.reports.pending(10, 10_000)
    assert (report.via, report.content) == ("ses", BOUNCE.encode())


@pytest.mark.parametrize(
    "more",
    [
        {"topic": "arn:aws:sns:eu-central-1:999999999999:other"},
        {"certificate_url": "https://evil.example/a.pem"},
        {"at": datetime.now(UTC) - timedelta(days=2)},
        {"at": datetime.now(UTC) + timedelta(days=2)},
        {"Timestamp": "yesterday"},
    ],
)
async def test_others_are_refused_and_nothing_of_theirs_is_fetched(more: Any) -> None:  # A6, P1
    rig = Rig()
    assert isinstance(await rig.take(signed(**more)), Refused)
    assert (rig.fetched, rig.waiting) == ([], 0)


async def test_what_another_signed_is_refused() -> None:  # A6
    rig = Rig()
    forged = SnsSigner().message(BOUNCE, certificate_url=AMAZON)
    answer = await rig.take(forged)
    assert isinstance(answer, Refused)
    assert "signature" in answer.reason
    assert rig.waiting == 0


async def test_certificates_that_are_not_there_are_not_asked_for_again_at_once() -> None:  # P1
    rig = Rig()
    rig.serves = None
    for number in range(5):
        url = AMAZON.replace("0123abc", str(number))
        assert isinstance(await rig.take(signed(certificate_url=url)), Unavailable)
    assert len(rig.fetched) == 1


async def test_a_subscription_is_confirmed_by_amazon_s_url_only() -> None:
    rig = Rig()
    for url, answer in (
        ("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t", Taken),
        ("https://evil.example/?Action=ConfirmSubscription&Token=t", Refused),
    ):
        message = signed("", kind="SubscriptionConfirmation", subscribe_url=url)
        assert isinstance(await rig.take(message), answer)
    assert [each for each in rig.fetched if "Action" in each] == [
        "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    ]


async def test_when_too_many_wait_sns_is_to_try_again() -> None:
    rig = Rig(waiting=1)
    assert await rig.take(signed()) == Taken()
    assert isinstance(await rig.take(signed()), Unavailable)


async def test_amazon_s_greeting_is_taken_and_kept_nowhere() -> None:
    rig = Rig()
    assert await rig.take(signed("Successfully validated SNS topic")) == Taken()
    assert rig.waiting == 0


async def test_a_stand_in_s_certificates_are_taken_from_there_only_without_topics() -> None:
    here = "http://127.0.0.1:4579"
    rig = Rig(endpoint_url=here, topic_arns=())
    assert rig.intake.is_used
    assert await rig.take(signed(certificate_url=f"{here}/x.pem")) == Taken()
    assert isinstance(await rig.take(signed()), Refused)
    assert not Rig(topic_arns=()).intake.is_used


def test_an_id_is_the_same_whenever_the_message_comes_and_of_its_time() -> None:
    one = report_id("a", 1_800_000_000_000)
    assert one == report_id("a", 1_800_000_000_000) != report_id("b", 1_800_000_000_000)
    assert int.from_bytes(one[:6], "big") == 1_800_000_000_000
    assert (len(one), one[6] >> 4, one[8] >> 6) == (16, 7, 2)
