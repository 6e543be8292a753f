"""Somebody who reads a mail in a browser: its picture is fetched, and the first link followed."""

import asyncio
import re
from collections.abc import Iterable
from email import message_from_bytes, policy
from typing import Final

import aiohttp

from angarium.simulator.internet import Internet
from angarium.simulator.mailboxes import StoredMessage

# Of a person: who is quicker is a machine, or tries it out
READS_AFTER_S: Final = 3.0
_PICTURE: Final = re.compile(r'<img src="(http://[^"]*/o/[^"]*)"')
_LINK: Final = re.compile(r'<a href="(http://[^"]*/c/[^"]*)"')
_BROWSER: Final = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
}
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)


async def read_one(net: Internet, readers: Iterable[str]) -> str:
    """Wait until one of them has a tracked mail, and read it; returns who that was."""
    wanted = frozenset(readers)
    while True:
        for mailboxes in net.mailboxes.values():
            for message in mailboxes.messages:
                found = wanted.intersection(message.recipients)
                html = _html(message) if found else ""
                if _PICTURE.search(html):
                    await asyncio.sleep(READS_AFTER_S)
                    await _read(html)
                    return str(min(found))
        await asyncio.sleep(0.2)


def _html(message: StoredMessage) -> str:
    parsed = message_from_bytes(message.content or b"", policy=policy.default)
    part = parsed.get_body(("html",))
    return "" if part is None else str(part.get_content())


async def _read(html: str) -> None:
    async with aiohttp.ClientSession(headers=_BROWSER, timeout=_TIMEOUT) as session:
        for pattern in (_PICTURE, _LINK):
            address = pattern.search(html)
            if address is not None:
                async with session.get(address[1], allow_redirects=False) as answer:
                    await answer.read()
