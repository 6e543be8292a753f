"""The senders: applications that submit their messages by SMTP, one connection each, all at once."""

import asyncio
import time
from collections.abc import Callable

import aiosmtplib

from angarium.simulator.demo.plan import Plan, Planned, render

TIMEOUT_S = 30.0
# Between a sender's messages: a few seconds in all, so that there is something to see.
PAUSE_S = 0.03

Accepted = Callable[[tuple[str, ...]], None]


class SubmissionError(Exception):
    """The server refused what it should take."""


async def submit_all(plan: Plan, port: int, accepted: Accepted) -> None:
    """Submit the whole plan; calls ``accepted`` for each message behind its 250. Raises SubmissionError."""
    by_sender: dict[str, list[Planned]] = {}
    for message in plan.messages:
        by_sender.setdefault(message.sender.address, []).append(message)
    try:
        async with asyncio.TaskGroup() as senders:
            for messages in by_sender.values():
                senders.create_task(_submit(messages, port, accepted))
    except* (aiosmtplib.SMTPException, OSError) as errors:
        text = f"submission to 127.0.0.1:{port} failed: {errors.exceptions[0]}"
        raise SubmissionError(text) from errors


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
