"""Whoever reads the mail of a simulated campaign, by plan, over HTTP; and the ledger of what was answered to them."""

import asyncio
import random
import re
import time
from collections import Counter
from email import message_from_bytes, policy

import aiohttp

from angarium.simulator.mailboxes import StoredMessage
from tests.balance.plan import LINKS, READERS, Fate, fate_of

HOST = "t.balance.example"
READS_AFTER_S = 3.0  # of people: who is quicker is a machine, or tries it out
# What was answered so long before a kill may be lost: a second is promised, and this machine may be busy
DOUBT_S = 5.0
_PICTURE = re.compile(rf'<img src="http://{re.escape(HOST)}(/o/[^"]*)"')
_LINK = re.compile(rf'<a href="http://{re.escape(HOST)}(/c/[^"]*)"')
_HIDDEN = re.compile(rf'<a href="http://{re.escape(HOST)}(/h/[^"]*)"')
_LEAVE = re.compile(rf"<http://{re.escape(HOST)}(/u/[^>]*)>")
_BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
}
_GATEWAY = {"User-Agent": "Mozilla/5.0"}
Fetch = tuple[str, str, str]  # the method, "opened" or "clicked" or "", and the path


class Readers:
    """The ledger: by address, what was fetched; each fetch that may or may not be recorded is in ``doubts``."""

    def __init__(self, base: str, chance: random.Random) -> None:
        self.answered: list[tuple[float, float, str, Fetch]] = []  # from when to when, address
        self.doubts: Counter[tuple[str, str]] = Counter()  # by address and "opened" or "clicked"
        self.left: set[str] = set()
        self.done: set[str] = set()
        self.troubles: list[str] = []
        self.kills: list[float] = []  # when whoever answers was killed
        self._base = base
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(40)
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> "Readers":
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=20), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    def take(self, message: StoredMessage) -> None:
        """Have whoever got it read it. A second copy is read by nobody: it looks the same."""
        (address,) = message.recipients
        if fate_of(address) not in READERS or address in self.done:
            return
        self.done.add(address)
        task = asyncio.create_task(self._read(address, message.content or b""))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    @property
    def is_idle(self) -> bool:
        return not self._tasks

    def count(self, what: str) -> int:
        """Return how many fetches of this kind were answered."""
        return sum(fetch[1] == what for *_, fetch in self.answered)

    async def repeat_doubtful(self) -> None:
        """Once nothing is killed any more: whoever may have been forgotten fetches it once more."""
        before, self.answered = self.answered, []
        for began, ended, address, fetch in before:
            if any(began <= kill <= ended + DOUBT_S for kill in self.kills):
                self._doubt(address, fetch)
                await self._fetch(address, fetch)
            else:
                self.answered.append((began, ended, address, fetch))

    def _doubt(self, address: str, fetch: Fetch) -> None:
        if fetch[1]:
            self.doubts[address, fetch[1]] += 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.troubles.append(repr(error))

    async def _read(self, address: str, content: bytes) -> None:
        fate = fate_of(address)
        if fate is not Fate.SCANNED:
            await asyncio.sleep(READS_AFTER_S + 3 * self._chance.random())
        if fate is Fate.LEAVES:
            await self._leave(address, content)
            return
        for fetch in _wanted(fate, _html(content)):
            await self._fetch(address, fetch)

    async def _fetch(self, address: str, fetch: Fetch) -> None:
        method, _, path = fetch
        while True:
            began = time.monotonic()
            try:
                status = await self._ask(method, address, path)
            except (aiohttp.ClientError, TimeoutError, OSError):
                self._doubt(address, fetch)
                await asyncio.sleep(0.5)
                continue
            assert status in (200, 302), (status, fetch)
            self.answered.append((began, time.monotonic(), address, fetch))
            return

    async def _leave(self, address: str, content: bytes) -> None:
        header = re.sub(rb"\r\n[ \t]+", b" ", content.partition(b"\r\n\r\n")[0]).decode()
        found = _LEAVE.search(header)
        assert found is not None, header
        while True:
            try:
                form = {"List-Unsubscribe": "One-Click"}
                status = await self._ask("POST", address, found[1], form)
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(0.5)
                continue
            assert status == 200, status
            self.left.add(address)
            return

    async def _ask(
        self, method: str, address: str, path: str, form: dict[str, str] | None = None
    ) -> int:
        number = int(address.partition("@")[0].partition("-")[2])
        agent = _GATEWAY if fate_of(address) is Fate.SCANNED else _BROWSER
        # Networks of their own, as a proxy of ours says, which is believed
        client = f"198.{18 + number // 256 % 2}.{number % 256}.{1 + number % 250}"
        headers = {**agent, "Host": HOST, "X-Forwarded-For": client}
        async with (
            self._room,
            self._session.request(
                method, self._base + path, headers=headers, data=form, allow_redirects=False
            ) as answer,
        ):
            await answer.read()
            return answer.status


def _html(content: bytes) -> str:
    part = message_from_bytes(content, policy=policy.default).get_body(("html",))
    assert part is not None
    return str(part.get_content())


def _wanted(fate: Fate, html: str) -> list[Fetch]:
    (picture,), links = _PICTURE.findall(html), _LINK.findall(html)
    assert len(links) == LINKS, links
    opens: Fetch = ("GET", "opened", picture)
    if fate is Fate.OPENS:
        return [opens]
    if fate is Fate.CLICKS:
        return [opens, ("GET", "clicked", links[0])]
    hidden: list[Fetch] = [("GET", "", each) for each in _HIDDEN.findall(html)]
    return [opens, *((m, "clicked", each) for m in ("HEAD", "GET") for each in links), *hidden]
