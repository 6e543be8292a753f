"""A stand-in for Google's Postmaster Tools API v2, and for Google's token endpoint. Bound to loopback; for tests, and
for trying things out.

It holds requests to what Google documents: metrics, filters, the time asked for, page sizes.
"""

import base64
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FILTERS: Final[Mapping[str, str]] = {
    "SPAM_RATE": "",
    "FEEDBACK_LOOP_ID": "",
    "FEEDBACK_LOOP_SPAM_RATE": r'feedback_loop_id = "[^"]+"',
    "AUTH_SUCCESS_RATE": r'auth_type = "(spf|dkim|dmarc)"',
    "TLS_ENCRYPTION_RATE": r'traffic_direction = "(inbound|outbound)"',
    "TLS_ENCRYPTION_MESSAGE_COUNT": r'traffic_direction = "(inbound|outbound)"',
    **dict.fromkeys(
        ("DELIVERY_ERROR_COUNT", "DELIVERY_ERROR_RATE"),
        r'(error_type = "(reject|temp_fail)"( AND error_reason = "[a-z_]+")?)?',
    ),
}


class PostmasterToolsStub:
    """``stats``: of a domain, by its metric with its filter behind a space, values by day."""

    def __init__(self, page: int = 200) -> None:
        self.email = "reader@project.iam.gserviceaccount.com"
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.stats: dict[str, dict[str, dict[date, float | int | list[str]]]] = {}
        self.compliance: dict[str, dict[str, Any]] = {}
        self.refresh_tokens = {"refresh-1"}
        self.page = page
        self.faults: list[int] = []  # statuses of the next answers
        self.calls: list[str] = []
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key_file(self) -> bytes:
        """As Google hands it out."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return msgspec.json.encode(
            {
                "type": "service_account",
                "project_id": "project",
                "private_key_id": "1",
                "private_key": pem.decode(),
                "client_email": self.email,
                "token_uri": f"{self.url}/token",
            }
        )

    async def start(self, port: int = 0) -> None:
        application = web.Application()
        application.router.add_post("/token", self._token)
        application.router.add_get("/v2/domains", self._domains)
        application.router.add_post("/v2/domains/{domain}/domainStats:query", self._query)
        application.router.add_get("/v2/domains/{domain}/complianceStatus", self._compliance)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        problem = self._grant_problem({key: str(value) for key, value in form.items()})
        if problem:
            answer = {"error": "invalid_grant", "error_description": problem}
            return web.json_response(answer, status=400)
        return web.json_response({"access_token": "access-1", "expires_in": 3599})

    def _grant_problem(self, form: Mapping[str, str]) -> str:
        if form.get("grant_type") == "refresh_token":
            is_known = form.get("refresh_token") in self.refresh_tokens
            return "" if is_known else "Token has been expired or revoked."
        if form.get("grant_type") != GRANT:
            return "unsupported grant"
        signed, _, signature = form.get("assertion", "").rpartition(".")
        try:
            self._key.public_key().verify(
                _octets(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            return "Invalid JWT Signature."
        claims = msgspec.json.decode(_octets(signed.partition(".")[2]))
        if claims["iss"] != self.email or claims["aud"] != f"{self.url}/token":
            return "Invalid JWT claims."
        return "" if "postmaster" in claims["scope"] else "no scope"

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.calls.append(request.path)
        if self.faults:
            return _error(self.faults.pop(0), "a fault that was ordered")
        if request.headers.get("Authorization") != "Bearer access-1":
            return _error(401, "Request had invalid authentication credentials.")
        domain = request.match_info.get("domain")
        if domain is not None and domain not in self.stats:
            return _error(403, f"The caller has no permission for {domain}.")
        return None

    async def _domains(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        names = sorted(self.stats)
        start = int(request.query.get("pageToken", "0"))
        end = start + min(self.page, int(request.query.get("pageSize", "10")))
        answer: dict[str, Any] = {
            "domains": [
                {"name": f"domains/{each}", "permission": "OWNER", "verificationState": "VERIFIED"}
                for each in names[start:end]
            ]
        }
        return web.json_response(answer | ({"nextPageToken": str(end)} if end < len(names) else {}))

    async def _query(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        asked = msgspec.json.decode(await request.read())
        problem = _query_problem(asked)
        if problem:
            return _error(400, problem)
        (span,) = asked["timeQuery"]["dateRanges"]["dateRanges"]
        first, last = date(**span["start"]), date(**span["end"])
        found = [
            {
                "name": f"domains/{request.match_info['domain']}/domainStats/opaque",
                "metric": metric["name"],
                "date": {"year": day.year, "month": day.month, "day": day.day},
                "value": _value(value),
            }
            for metric in asked["metricDefinitions"]
            for day, value in self._days(request.match_info["domain"], metric).items()
            if first <= day <= last
        ]
        start = int(asked.get("pageToken", "0"))
        end = start + min(self.page, asked.get("pageSize", 10))
        more = {"nextPageToken": str(end)} if end < len(found) else {}
        return web.json_response({"domainStats": found[start:end]} | more)

    def _days(
        self, domain: str, metric: Mapping[str, Any]
    ) -> Mapping[date, float | int | list[str]]:
        name = f"{metric['baseMetric']['standardMetric']} {metric.get('filter', '')}".strip()
        return self.stats[domain].get(name, {})

    async def _compliance(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        domain = request.match_info["domain"]
        name = {"name": f"domains/{domain}/complianceStatus"}
        return web.json_response(name | self.compliance.get(domain, {}))


def _query_problem(asked: Mapping[str, Any]) -> str:
    """Return what Google would not take; "": nothing."""
    metrics = asked.get("metricDefinitions") or []
    if not metrics or "timeQuery" not in asked:
        return "metricDefinitions and timeQuery are required"
    if asked.get("pageSize", 10) > 200:
        return "pageSize is more than 200"
    if len({each["name"] for each in metrics}) < len(metrics):
        return "two metrics have one name"
    for each in metrics:
        pattern = _FILTERS.get(each["baseMetric"]["standardMetric"])
        if pattern is None or re.fullmatch(pattern, each.get("filter", "")) is None:
            return f"no such metric or filter: {each}"
    return ""


def _value(value: float | int | list[str]) -> dict[str, object]:
    if isinstance(value, list):
        return {"stringList": {"values": value}}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"floatValue": value}


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": text}}, status=status)


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
