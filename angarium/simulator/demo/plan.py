"""What the demo sends to whom, and what must become of each recipient. Pure."""

from email.utils import formatdate
from typing import Final, Literal

import msgspec

Expected = Literal["delivered", "bounced", "waiting"]


class SenderGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Recipients of one kind."""

    provider: str  # its row in the table
    domain: str
    local: str  # numbered from 1
    count: int
    expected: Expected
    later: str = ""  # the event of what comes back of it; "": nothing


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """An application that submits mail."""

    address: str
    subject: str
    way: Literal["smtp", "http"] = "smtp"  # by which it submits


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One message to submit."""

    id: str
    sender: Sender
    recipients: tuple[str, ...]


GROUPS: Final = (
    SenderGroup(
        provider="acorn", domain="acorn.example", local="reader", count=90, expected="delivered"
    ),
    SenderGroup(
        provider="acorn",
        domain="acorn-mail.example",
        local="reader",
        count=30,
        expected="delivered",
    ),
    SenderGroup(
        provider="birch", domain="birch.example", local="guest", count=60, expected="delivered"
    ),
    SenderGroup(
        provider="cedar", domain="cedar.example", local="friend", count=60, expected="delivered"
    ),
    SenderGroup(
        provider="dogwood", domain="dogwood.example", local="user", count=60, expected="delivered"
    ),
    SenderGroup(
        provider="elm", domain="elm.example", local="member", count=30, expected="delivered"
    ),
    SenderGroup(provider="elm", domain="elm.example", local="gone", count=8, expected="bounced"),
    SenderGroup(provider="elm", domain="elm.example", local="strict", count=4, expected="bounced"),
    SenderGroup(provider="elm", domain="elm.example", local="full", count=2, expected="waiting"),
    SenderGroup(provider="fir", domain="fir.example", local="slow", count=20, expected="delivered"),
    SenderGroup(
        provider="gingko", domain="gingko.example", local="old", count=20, expected="delivered"
    ),
    SenderGroup(
        provider="hazel", domain="hazel.example", local="away", count=12, expected="waiting"
    ),
    SenderGroup(
        provider="ivy",
        domain="ivy.example",
        local="regret",
        count=1,
        expected="delivered",
        later="report_bounced",
    ),
    SenderGroup(
        provider="ivy",
        domain="ivy.example",
        local="angry",
        count=2,
        expected="delivered",
        later="complained",
    ),
    SenderGroup(
        provider="no mail", domain="nomail.example", local="any", count=2, expected="bounced"
    ),
    SenderGroup(
        provider="no domain", domain="nowhere.example", local="any", count=2, expected="bounced"
    ),
    SenderGroup(
        provider="bad DNS", domain="trouble.example", local="any", count=2, expected="waiting"
    ),
)

TEMPERS: Final = {  # provider -> what it is like; in the order of the table
    "acorn": "accepts",
    "birch": "greylists for 2 s",
    "cedar": "throttles (as Yahoo)",
    "dogwood": "throttles (as Gmail)",
    "elm": "refuses some mailboxes",
    "fir": "slow, cuts 3 off mid-DATA",
    "gingko": "STARTTLS broken",
    "hazel": "down",
    "ivy": "bounces and complains later",
    "no mail": "null MX",
    "no domain": "NXDOMAIN",
    "bad DNS": "SERVFAIL",
}

SENDERS: Final = (
    Sender(address="news@shop.example", subject="What is new this week"),
    Sender(address="receipts@shop.example", subject="Your receipt", way="http"),
    Sender(address="alerts@ops.example", subject="Disk almost full"),
    Sender(address="hello@crm.example", subject="Shall we meet?"),
)

HTML: Final = (
    '<html><body><p>Hello,</p><p><a href="https://www.birch-shop.example/orders">your order</a> is on its way.</p>'
    "</body></html>"
)
TEXT: Final = (
    "Neither snow nor rain nor heat nor gloom of night\n"
    "stays these couriers from the swift completion of their appointed rounds.\n"
)

NEWSLETTER_EVERY: Final = 10  # each tenth message goes to three recipients at once


class Plan:
    """Each recipient occurs once; message ids are the X-Angarium-Test of the message."""

    def __init__(self, groups: tuple[SenderGroup, ...] = GROUPS) -> None:
        self.expected: dict[str, Expected] = {}
        self.provider: dict[str, str] = {}
        self.later: dict[str, str] = {}  # the event of what comes back, of whom something does
        for group in groups:
            for number in range(1, group.count + 1):
                recipient = f"{group.local}{number}@{group.domain}"
                self.expected[recipient] = group.expected
                self.provider[recipient] = group.provider
                if group.later:
                    self.later[recipient] = group.later
        self.messages = _messages(_mixed(groups))


def render(message: Planned, now: float) -> bytes:
    """Return the content as an application would submit it."""
    to = ", ".join(f"<{recipient}>" for recipient in message.recipients)
    lines = (
        f"From: <{message.sender.address}>",
        f"To: {to}",
        f"Subject: {message.sender.subject}",
        f"Date: {formatdate(now)}",
        f"Message-ID: <{message.id}@{message.sender.address.partition('@')[2]}>",
        f"X-Angarium-Test: {message.id}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        *TEXT.split("\n"),
    )
    return "\r\n".join(lines).encode()


def _mixed(groups: tuple[SenderGroup, ...]) -> list[str]:
    """Spread each group evenly over the whole, so that all providers are met from the start."""
    placed = [
        ((number - 0.5) / group.count, index, f"{group.local}{number}@{group.domain}")
        for index, group in enumerate(groups)
        for number in range(1, group.count + 1)
    ]
    return [recipient for _, _, recipient in sorted(placed)]


def _messages(recipients: list[str]) -> list[Planned]:
    messages: list[Planned] = []
    left = list(reversed(recipients))
    while left:
        number = len(messages) + 1
        count = 3 if number % NEWSLETTER_EVERY == 0 else 1
        batch = tuple(left.pop() for _ in range(min(count, len(left))))
        sender = SENDERS[number % len(SENDERS)]
        messages.append(Planned(id=f"demo-{number}", sender=sender, recipients=batch))
    return messages
