"""Takes SNS messages in: believes those that Amazon signed for a topic of ours, and has them durable (A6, P1).

Nothing is fetched but certificates and confirmations of subscriptions, and these from Amazon's hosts only, or from the
one that ``ses.endpoint_url`` puts in their place: over verified TLS, without redirects, bounded in time and size.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from cryptography import x509

from angarium.api.notifications import Refused, SnsAnswer, Taken, Unavailable
from angarium.config.schema import Ses
from angarium.config.ses import endpoint_of
from angarium.feedback.ses import read_notification
from angarium.feedback.sns import (
    SnsMessage,
    certificate_url,
    is_of,
    is_signed,
    read_message,
    subscribe_url,
)
from angarium.queue import MessageId, QueueError, UnixMs
from angarium.queue.destination import SES
from angarium.queue.reports import ReportBounds, ReportedMail, Reports, Shelf
from angarium.telemetry import log

# Amazon tries for an hour; what is older is somebody's who kept it
OLDEST_MS: Final = 86_400_000
NEWEST_MS: Final = 3_600_000  # how far clocks may be apart
FETCH_S: Final = 10.0
FETCH_OCTETS: Final = 65_536
CERTIFICATES: Final = 16  # remembered
KEEP_S: Final = 86_400.0
# Between two fetches: a stranger who names certificates that are not there makes no more of them
FETCH_EVERY_S: Final = 1.0
Fetch = Callable[[str], Awaitable[bytes | None]]


class SnsIntake:
    """Satisfies ``api.notifications.TakesNotifications``. Belongs to one event loop."""

    def __init__(
        self,
        reports: Reports,
        bounds: ReportBounds,
        clock: Callable[[], UnixMs],
        fetch: Fetch | None = None,
    ) -> None:
        """``fetch`` returns what is at a URL; None: nothing that could be had. Tests have one of their own."""
        self._reports = reports
        self._bounds = bounds
        self._clock = clock
        self._fetch = fetch or fetch_from_amazon
        self._topics: frozenset[str] = frozenset()
        self._stand_in = ""
        self._pinned: x509.Certificate | None = None
        self._known: dict[str, tuple[float, x509.Certificate]] = {}  # until, by URL
        self._fetching = asyncio.Lock()
        self._fetched_at = -FETCH_EVERY_S
        self._in_hand: set[MessageId] = set()

    def exchange(self, ses: Ses | None) -> None:
        """Believe these topics from now on. Raises ValueError, OSError for a certificate that cannot be read."""
        pinned = None
        if ses is not None and ses.sns_certificate_file is not None:
            octets = Path(ses.sns_certificate_file).read_bytes()
            pinned = x509.load_pem_x509_certificate(octets)
        self._pinned = pinned
        self._stand_in = "" if ses is None or ses.endpoint_url is None else endpoint_of(ses)
        self._topics = frozenset() if ses is None else frozenset(ses.topic_arns)

    @property
    def is_used(self) -> bool:
        return bool(self._topics or self._stand_in)

    def _is_of_stand_in(self, message: SnsMessage) -> bool:
        """Where no topic is named, those of the stand-in are meant: nobody else has a certificate there."""
        return not self._topics and is_of(self._stand_in, message.SigningCertURL)

    async def take(self, octets: bytes) -> SnsAnswer:
        """Return what becomes of a request's body. What was taken is durable."""
        message = read_message(octets)
        if message is None:
            return Refused(400, "this is no message of SNS")
        if message.TopicArn not in self._topics and not self._is_of_stand_in(message):
            return Refused(403, "this topic is not in ses.topic_arns")
        at = _time_ms(message.Timestamp)
        if at is None or not -NEWEST_MS <= self._clock() - at <= OLDEST_MS:
            return Refused(403, "the message is too old, or has no time")
        certificate = self._pinned or await self._find_certificate(message)
        if isinstance(certificate, Refused | Unavailable):
            return certificate
        if not is_signed(message, certificate):
            return Refused(403, "the signature is not by the certificate")
        match message.Type:
            case "Notification":
                return await self._keep(message, at)
            case "SubscriptionConfirmation":
                return await self._confirm(message)
            case "UnsubscribeConfirmation":
                log("sns_unsubscribed", "warning", topic=message.TopicArn)
                return Taken()

    async def _keep(self, message: SnsMessage, at: int) -> SnsAnswer:
        if read_notification(message.Message) is None:
            return Taken()  # Amazon's greeting of a new topic; a kind that we do not know
        id_ = report_id(message.MessageId, at)
        shelves = (Shelf.WAITING, Shelf.SES, Shelf.REVIEW)
        if id_ in self._in_hand:
            return Unavailable("the same message is being taken")
        if any(self._reports.find(each, id_) is not None for each in shelves):
            return Taken()
        report = ReportedMail(
            id=id_, received=self._clock(), via=SES, content=message.Message.encode()
        )
        self._in_hand.add(id_)
        try:
            await self._reports.accept((report,), self._bounds)
        except QueueError as error:
            return Unavailable(str(error))
        finally:
            self._in_hand.discard(id_)
        return Taken()

    async def _confirm(self, message: SnsMessage) -> SnsAnswer:
        url = subscribe_url(message, self._stand_in)
        if url is None:
            return Refused(403, "SubscribeURL is not at a host of SNS in the topic's region")
        if await self._fetch(url) is None:
            return Unavailable("the subscription could not be confirmed")
        log("sns_subscribed", topic=message.TopicArn)
        return Taken()

    async def _find_certificate(
        self, message: SnsMessage
    ) -> x509.Certificate | Refused | Unavailable:
        url = certificate_url(message, self._stand_in)
        if url is None:
            return Refused(403, "SigningCertURL is not at a host of SNS in the topic's region")
        found = self._find_known(url)
        if found is not None:
            return found
        async with self._fetching:
            found = self._find_known(url)
            if found is not None:
                return found
            if time.monotonic() - self._fetched_at < FETCH_EVERY_S:
                return Unavailable("certificates are fetched one a second")
            self._fetched_at = time.monotonic()
            octets = await self._fetch(url)
        if octets is None:
            return Unavailable("the certificate could not be had")
        try:
            certificate = x509.load_pem_x509_certificate(octets)
        except ValueError:
            return Refused(403, "what is at SigningCertURL is no certificate")
        if len(self._known) >= CERTIFICATES:
            del self._known[next(iter(self._known))]
        self._known[url] = (time.monotonic() + KEEP_S, certificate)
        return certificate

    def _find_known(self, url: str) -> x509.Certificate | None:
        found = self._known.get(url)
        return found[1] if found is not None and found[0] > time.monotonic() else None


def report_id(message_id: str, at: int) -> MessageId:
    """Return the id of a notification's report: the same whenever it comes, UUIDv7 of its own time."""
    drawn = hashlib.sha256(message_id.encode()).digest()
    random = bytes((0x70 | drawn[0] & 0x0F, drawn[1], 0x80 | drawn[2] & 0x3F)) + drawn[3:10]
    return MessageId(max(0, at).to_bytes(6, "big") + random)


async def fetch_from_amazon(url: str) -> bytes | None:
    """Return what a GET of the URL answers with 200; None: anything else. Never raises for what a peer does."""
    timeout = aiohttp.ClientTimeout(total=FETCH_S)
    try:
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                return None
            found = b""
            while len(found) <= FETCH_OCTETS:
                piece = await response.content.read(FETCH_OCTETS + 1 - len(found))
                if not piece:
                    return found
                found += piece
            return None
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None


def _time_ms(text: str) -> int | None:
    try:
        moment = msgspec.convert(text, type=datetime)
    except msgspec.ValidationError:
        return None
    return int(moment.timestamp() * 1000)
