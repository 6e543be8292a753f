"""A stand-in for Amazon SES: its API v2 as far as mail is sent by it, with quota, throttling and faults.

Start with ``SesStub.start``. ``sns`` has the notifications. Bound to loopback; for tests and for trying things out.
"""

import asyncio
import base64
import hmac
import re
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import msgspec
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from angarium.simulator.sns import SnsSigner

MAX_OCTETS: Final = 64 * 1024 * 1024
DAY_S: Final = 86_400.0
MAX_RECIPIENTS: Final = 50
_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]+)/ses/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)
_STATUS: Final = {
    "TooManyRequestsException": 429,
    "NotFoundException": 404,
    "InvalidSignatureException": 403,
    "AccessDeniedException": 403,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
}


class SentMail(msgspec.Struct, frozen=True, kw_only=True):
    """What one SendEmail brought."""

    message_id: str
    sender: str  # "": none was given
    recipients: tuple[str, ...]
    content: bytes
    tags: Mapping[str, str]
    configuration_set: str
    at: float


class SesStub:
    """The rate is held as Amazon says it: so many recipients within any second."""

    def __init__(
        self,
        *,
        region: str = "eu-central-1",
        keys: Mapping[str, str] | None = None,
        quota: float = 50_000,
        rate: float = 14,
    ) -> None:
        """``keys``: secrets by access key. ``quota``: of 24 hours, -1: none; ``rate``: a second."""
        self.region = region
        self.keys = dict(keys or {"AKIASTUB": "secret"})
        self.quota = quota
        self.rate = rate
        self.sent_before = 0.0  # within the last 24 hours, by others
        self.sending_enabled = True
        self.mails: list[SentMail] = []
        self.calls: list[tuple[str, Any, int, Any]] = []  # operation, input, status, output
        # What the next SendEmails meet: the name of an error; "hang up": it is taken, and the answer lost;
        # "cut": the connection ends before it is read
        self.faults: deque[str] = deque()
        self.account_faults: deque[str] = deque()
        self.verified: frozenset[str] | None = None  # domains of senders; None: all
        self.signer = SnsSigner()
        self.confirmed: list[str] = []  # tokens of subscriptions
        self._recent: deque[float] = deque()  # a time per recipient of the last second
        self._number = 0
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        application = web.Application(client_max_size=MAX_OCTETS)
        application.router.add_post("/v2/email/outbound-emails", self._send_email)
        application.router.add_get("/v2/email/account", self._get_account)
        application.router.add_get("/SimpleNotificationService-stub.pem", self._certificate)
        application.router.add_get("/", self._confirmed)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def sent_in_24_hours(self) -> float:
        since = time.time() - DAY_S
        return self.sent_before + sum(
            len(each.recipients) for each in self.mails if each.at > since
        )

    # --- notifications

    @property
    def certificate_url(self) -> str:
        return f"{self.url}/SimpleNotificationService-stub.pem"

    async def publish(self, to: str, message: str, **more: Any) -> int:
        """Deliver a signed notification; returns the status of the answer."""
        signed = self.signer.message(message, certificate_url=self.certificate_url, **more)
        return await self.post(to, signed)

    async def post(self, to: str, signed: Mapping[str, str]) -> int:
        """Deliver a message again, or one that is not as it should be."""
        headers = {"Content-Type": "text/plain; charset=UTF-8"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(to, data=msgspec.json.encode(signed), headers=headers) as response,
        ):
            return response.status

    async def _certificate(self, _: web.Request) -> web.Response:
        return web.Response(body=self.signer.pem)

    async def _confirmed(self, request: web.Request) -> web.Response:
        self.confirmed.append(request.query.get("Token", ""))
        return web.Response(text="<ConfirmSubscriptionResponse/>")

    # --- operations

    async def _get_account(self, request: web.Request) -> web.Response:
        if (refusal := self._check(request, b"")) is not None:
            return self._answer("GetAccount", {}, *refusal)
        if self.account_faults:
            return self._answer("GetAccount", {}, *_error(self.account_faults.popleft()))
        output = {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": True,
            "SendQuota": {
                "Max24HourSend": self.quota,
                "MaxSendRate": self.rate,
                "SentLast24Hours": self.sent_in_24_hours,
            },
            "SendingEnabled": self.sending_enabled,
        }
        return self._answer("GetAccount", {}, 200, output)

    async def _send_email(self, request: web.Request) -> web.Response:
        fault = self.faults.popleft() if self.faults else ""
        if fault == "cut":
            _cut(request)
            return web.Response(status=500)
        body = await request.read()
        try:
            call = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return self._answer("SendEmail", {}, *_error("BadRequestException", "no JSON"))
        if (refusal := self._check(request, body)) is not None:
            return self._answer("SendEmail", call, *refusal)
        status, output = self._take(call) if fault in ("", "hang up") else _error(fault)
        if fault == "hang up":
            _cut(request)
        return self._answer("SendEmail", call, status, output)

    def _take(self, call: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        to = call.get("Destination", {})
        recipients = [each for key in sorted(to) for each in to[key]]
        sender = call.get("FromEmailAddress", "")
        try:
            content = base64.b64decode(call["Content"]["Raw"]["Data"], validate=True)
        except (KeyError, ValueError):
            return _error("BadRequestException", "no raw content")
        if not 0 < len(recipients) <= MAX_RECIPIENTS:
            return _error("BadRequestException", "Recipient count exceeds 50.")
        if self.verified is not None and sender.rpartition("@")[2] not in self.verified:
            return _error(
                "MessageRejected",
                "Email address is not verified. The following identities failed the check"
                f" in region {self.region.upper()}: {sender}",
            )
        if self.quota >= 0 and self.sent_in_24_hours + len(recipients) > self.quota:
            return _error("TooManyRequestsException", "Daily message quota exceeded.")
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        # One call is always possible, however many it is for: the next ones wait for it
        if len(self._recent) + 1 > max(1.0, self.rate):
            return _error("TooManyRequestsException", "Maximum sending rate exceeded.")
        self._recent.extend([now] * len(recipients))
        self._number += 1
        id_ = f"0107stub{self._number:08d}-{id(self) & 0xFFFFFFFF:08x}-000000"
        tags = {each["Name"]: each["Value"] for each in call.get("EmailTags", ())}
        self.mails.append(
            SentMail(
                message_id=id_,
                sender=sender,
                recipients=tuple(recipients),
                content=content,
                tags=tags,
                configuration_set=call.get("ConfigurationSetName", ""),
                at=time.time(),
            )
        )
        return 200, {"MessageId": id_}

    # --- signatures

    def _check(self, request: web.Request, body: bytes) -> tuple[int, dict[str, Any]] | None:
        found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            return _error("MissingAuthenticationTokenException", status=403)
        key, _, region, signed, signature = found.groups()
        secret = self.keys.get(key)
        if secret is None:
            return _error("UnrecognizedClientException", status=403)
        names = signed.split(";")
        headers = {name: request.headers.get(name, "") for name in names}
        again = AWSRequest(request.method, str(request.url), headers=headers, data=body)
        again.context["timestamp"] = request.headers.get("X-Amz-Date", "")
        signer = SigV4Auth(Credentials(key, secret), "ses", self.region)
        to_sign = signer.string_to_sign(again, signer.canonical_request(again))
        if region != self.region or not hmac.compare_digest(
            signer.signature(to_sign, again), signature
        ):
            return _error("InvalidSignatureException", status=403)
        return None

    def _answer(self, operation: str, call: Any, status: int, output: Any) -> web.Response:
        self.calls.append((operation, call, status, output))
        headers = {"x-amzn-RequestId": f"{len(self.calls):08d}"}
        if status >= 400:
            output = dict(output)
            headers["x-amzn-ErrorType"] = output.pop("__type")
        return web.Response(
            status=status,
            body=msgspec.json.encode(output),
            content_type="application/json",
            headers=headers,
        )


def _error(name: str, message: str = "", *, status: int = 0) -> tuple[int, dict[str, Any]]:
    return status or _STATUS.get(name, 400), {"__type": name, "message": message or name}


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _serve() -> None:
    stub = SesStub()
    await stub.start(4579)
    print(f"SES stub at {stub.url}, key AKIASTUB, secret: secret", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
