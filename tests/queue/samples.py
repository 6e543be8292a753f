"""Values that the queue's tests are made of."""

import random
from collections.abc import Sequence

from angarium.queue import (
    Actor,
    Attempt,
    MessageIdGenerator,
    Origin,
    PartitionNumber,
    Submission,
    UnixMs,
)
from angarium.smtp.envelope import Envelope, Recipient

START = UnixMs(1_800_000_000_000)
FAR = UnixMs(START + 10**9)
BY = Actor(who="root@host", reason="a complaint")


class FakeClock:
    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> UnixMs:
        return UnixMs(self.now)


def make_ids(clock: FakeClock, seed: int = 1) -> MessageIdGenerator:
    return MessageIdGenerator(clock, random.Random(seed).randbytes)


def submission(
    message_id: bytes,
    recipients: Sequence[str] = ("bob@example.net",),
    *,
    content: bytes = b"Subject: a\r\n\r\nhello\r\n",
    tenant: str = "default",
    sender: str = "alice@example.com",
    accepted: int = START,
    not_before: int = 0,
    priority: int = 0,
    campaign: str = "",
    topic: str = "",
    partition: int = 0,
    partitions: Sequence[int] | None = None,
) -> Submission:
    return Submission(
        message_id=message_id,
        tenant=tenant,
        stream="news",
        priority=priority,
        campaign=campaign,
        topic=topic,
        envelope=Envelope(
            reverse_path=sender,
            recipients=tuple(
                Recipient(forward_path=each, domain=each.rpartition("@")[2], notify=3)
                for each in recipients
            ),
            ret="HDRS",
            envid="QQ314159",
            body_8bit=True,
        ),
        content=content,
        header_octets=14,
        header_from="example.com",
        message_id_header="<1@example.com>",
        accepted=UnixMs(accepted),
        expires=FAR,
        origin=Origin(
            kind="submission", listener="127.0.0.1:2525", client="127.0.0.1", user="alice"
        ),
        partitions=tuple(PartitionNumber(each) for each in partitions)
        if partitions is not None
        else (PartitionNumber(partition),) * len(recipients),
        not_before=UnixMs(not_before),
    )


def attempt(code: int = 250, at: int = START) -> Attempt:
    return Attempt(
        at=UnixMs(at),
        host="mx.example.net",
        address="192.0.2.1",
        source="ip1",
        code=code,
        enhanced="2.0.0" if code == 250 else "4.2.1",
        text="as it went",
        tls="TLSv1.3",
        stage="final_dot",
    )
