"""The senders: applications that submit their messages, by SMTP on one connection each or by HTTP, all at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiosmtplib

from angarium.client import ApiError, ConnectionFailedError
from angarium.simulator.demo.plan import Plan, Planned, render

TIMEOUT_S = 30.0
# Between a sender's messages: a few seconds in all, so that there is something to see.
PAUSE_S = 0.03

Accepted = Callable[[tuple[str, ...]], None]


class SubmissionError(Exception):
    """The server refused what it should take."""


async def submit_all(
    plan: Plan, port: int, by_http: Callable[[list[Planned]], Awaitable[None]], accepted: Accepted
) -> None:
    """Submit the whole plan; calls ``accepted`` for each message behind its 250. Raises SubmissionError.

    ``by_http``: submits what a sender has that does so by HTTP.
    """
    by_sender: dict[str, list[Planned]] = {}
    for message in plan.messages:
        by_sender.setdefault(message.sender.address, []).append(message)
    try:
        async with asyncio.TaskGroup() as senders:
            for messages in by_sender.values():
                is_http = messages[0].sender.way == "http"
                senders.create_task(
                    _by_http(by_http, messages) if is_http else _submit(messages, port, accepted)
                )
    except* (aiosmtplib.SMTPException, ApiError, ConnectionFailedError, OSError) as errors:
        text = f"submission failed: {errors.exceptions[0]}"
        raise SubmissionError(text) from errors


async def _by_http(
    submit: Callable[[list[Planned]], Awaitable[None]], messages: list[Planned]
) -> None:
    await submit(messages)


async def forge_bounce(port: int, to: str, victim: str) -> None:
    """Bring a bounce that nobody wrote but us, as anybody could. Raises SubmissionError."""
    content = _FORGED.format(to=to, victim=victim).replace("\n", "\r\n").encode()
    try:
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1",
            port=port,
            start_tls=False,
            timeout=TIMEOUT_S,
            local_hostname="evil.example",
        ) as client:
            await client.sendmail("", [to], content)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise SubmissionError(f"a report to 127.0.0.1:{port} failed: {error}") from error


_FORGED = """\
From: MAILER-DAEMON@acorn.example
To: <{to}>
Subject: Undelivered mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx1.acorn.example

Final-Recipient: rfc822; {victim}
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

From: <news@shop.example>
X-Angarium-Reference: ar1.AQnot-one-of-ours

--b--
"""


async def _submit(messages: list[Planned], port: int, accepted: Accepted) -> None:
    async with aiosmtplib.SMTP(
        hostname="127.0.0.1",
        port=port,
        start_tls=False,
        timeout=TIMEOUT_S,
        local_hostname="app.example",
    ) as client:
        for message in messages:
            errors, _ = await client.sendmail(
                message.sender.address, list(message.recipients), render(message, time.time())
            )
            if errors:
                raise SubmissionError(f"{message.id}: {errors}")
            accepted(message.recipients)
            await asyncio.sleep(PAUSE_S)
