"""The client that is awaited. ``waiting`` is made of this module: ``python -m angarium.client.derive``."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

import msgspec

from angarium.client.calls import RETRIED, Call, call, read, wait_s
from angarium.client.errors import ConnectionFailedError
from angarium.client.model import (
    Attempts,
    Campaign,
    CampaignPage,
    CampaignRow,
    CampaignRowPage,
    CampaignState,
    Email,
    EmailPage,
    EventPage,
    Happening,
    KeyInfo,
    Refused,
    Sent,
    StatsPage,
    StatsRow,
    Status,
    Suppression,
    SuppressionPage,
    Template,
    TemplatePage,
    TemplatePreview,
    TemplateSource,
    TemplateVersion,
    TemplateVersionPage,
)
from angarium.client.wire_aio import AsyncTransport

_CAMPAIGNS: Final = ("email", "campaigns")
_T = TypeVar("_T")


class _Results(msgspec.Struct):
    results: tuple[msgspec.Raw, ...] = ()


class _Success(msgspec.Struct):
    success: bool = False


class AsyncClient:
    """Each method raises ApiError, where the server refuses, and ConnectionFailedError."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 30.0, tries: int = 4) -> None:
        """``url``: of the server, as ``https://mail.example.com``. ``tries``: of a request that may be tried again."""
        self._transport = AsyncTransport(url, key, timeout_s)
        self._tries = tries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    async def send(self, email: Email, *, idempotency_key: str = "") -> Sent:
        """Send one message; when it returns, the server has it on disk.

        ``idempotency_key``: the same one with the same message, within a day, is one message; "": made anew.
        """
        once = idempotency_key or _new_key()
        return await self._ask(call("POST", "send", body=email, once=once), Sent)

    async def send_batch(
        self,
        emails: Sequence[Email],
        *,
        validation: Literal["strict", "permissive"] = "strict",
        idempotency_key: str = "",
    ) -> list[Sent | Refused]:
        """Send up to 1,000 in one commit; returns what came of each, in order.

        Strict: one that is wrong refuses all.
        """
        body = {"messages": list(emails), "validation": validation}
        once = idempotency_key or _new_key()
        found = await self._ask(call("POST", "batch_send", body=body, once=once), _Results)
        return [_result(each) for each in found.results]

    async def send_raw(
        self,
        content: bytes,
        to: Sequence[str],
        *,
        sender: str = "",
        stream: str = "",
        idempotency_key: str = "",
    ) -> Sent:
        """Send a message that is written already. ``sender``: of the envelope; "": as its From says."""
        body: dict[str, Any] = {"raw": content, "to": list(to)}
        if sender:
            body["from"] = sender
        if stream:
            body["stream"] = stream
        once = idempotency_key or _new_key()
        return await self._ask(call("POST", "send-raw", body=body, once=once), Sent)

    async def status(self, email_id: str) -> Status:
        return await self._ask(call("GET", "status", email_id), Status)

    async def cancel(self, email_id: str) -> None:
        """Call off what has not left yet."""
        await self._ask(call("DELETE", "emails", email_id), dict[str, Any])

    async def reschedule(self, email_id: str, send_at: datetime) -> None:
        body = {"sendAt": send_at}
        await self._ask(call("PATCH", "emails", email_id, body=body), dict[str, Any])

    async def emails(
        self,
        *,
        recipient: str = "",
        status: str = "",
        tag: str = "",
        stream: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AsyncIterator[Status]:
        """Yield the messages that fit, the newest first, page by page."""
        query: dict[str, Any] = {
            "recipient": recipient,
            "status": status,
            "tag": tag,
            "stream": stream,
            "since": since,
            "until": until,
        }
        while True:
            page = await self._ask(call("GET", "emails", query=query), EmailPage)
            for each in page.emails:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    async def attempts(self, email_id: str) -> Attempts:
        """What was said in each attempt to deliver it."""
        return await self._ask(call("GET", "emails", email_id, "attempts"), Attempts)

    async def events(self, cursor: str = "") -> EventPage:
        """Return what happened behind the cursor of the page before, in order."""
        return await self._ask(call("GET", "events", query={"cursor": cursor}), EventPage)

    async def events_of(self, email_id: str) -> tuple[Happening, ...]:
        found = await self._ask(call("GET", "emails", email_id, "events"), EventPage)
        return found.events

    async def stats(
        self,
        by: str = "day",
        *,
        since: date | datetime | None = None,
        until: date | datetime | None = None,
        resolution: str = "",
        rates: bool = False,
        latency: bool = False,
        sort: str = "",
        **only: str,
    ) -> AsyncIterator[StatsRow]:
        """Yield counters, page by page. ``by``: total, minute, hour, day, stream, campaign, tag, provider, source,
        domain, template, class, link or cohort; or some that are counted together, as "provider,source".

        ``since``, ``until``: as GET /v1/stats has ``from`` and ``to``; the others as it has them. ``sort``: a counter,
        as "clickedHuman": the thousand rows that have most of it. ``only``: as stream="news", or tenant.
        """
        query: dict[str, Any] = {"by": by, "from": since, "to": until, **only}
        query |= {"resolution": resolution, "rates": rates, "latency": latency, "sort": sort}
        while True:
            page = await self._ask(call("GET", "stats", query=query), StatsPage)
            for each in page.rows:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    async def suppress(self, email: str, *, reason: str = "manual", scope: str = "tenant") -> None:
        """Send nothing more to an address."""
        body = {"email": email, "reason": reason, "scope": scope}
        await self._ask(call("POST", "suppression", "add", body=body), dict[str, Any])

    async def unsuppress(self, email: str) -> None:
        await self._ask(call("DELETE", "suppression", email), dict[str, Any])

    async def suppressions(self) -> AsyncIterator[Suppression]:
        query: dict[str, Any] = {}
        while True:
            page = await self._ask(call("GET", "suppression", query=query), SuppressionPage)
            for each in page.suppressions:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    async def templates(self, *, kind: str = "") -> AsyncIterator[Template]:
        """Yield the templates by alias, page by page. ``kind``: mail, layout, partial; "": all."""
        query: dict[str, Any] = {"kind": kind}
        while True:
            page = await self._ask(call("GET", "templates", query=query), TemplatePage)
            for each in page.templates:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    async def template(self, name: str) -> Template:
        """``name``: an alias or an id, as in all that follows."""
        return await self._ask(call("GET", "templates", name), Template)

    async def create_template(
        self,
        alias: str,
        version: TemplateSource | None = None,
        *,
        name: str = "",
        kind: Literal["mail", "layout", "partial"] = "mail",
    ) -> Template:
        """``version``: its first one. What is wrong in it is an ApiError with its field, line and column."""
        body: dict[str, Any] = {"alias": alias, "name": name, "kind": kind}
        if version is not None:
            body["version"] = version
        return await self._ask(call("POST", "templates", body=body), Template)

    async def delete_template(self, name: str) -> Template:
        return await self._ask(call("DELETE", "templates", name), Template)

    async def template_versions(self, name: str) -> AsyncIterator[TemplateVersion]:
        """Yield the versions, the newest first, without what is written in them."""
        query: dict[str, Any] = {}
        while True:
            asked = call("GET", "templates", name, "versions", query=query)
            page = await self._ask(asked, TemplateVersionPage)
            for each in page.versions:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    async def template_version(self, name: str, version: int) -> TemplateVersion:
        asked = call("GET", "templates", name, "versions", str(version))
        return await self._ask(asked, TemplateVersion)

    async def save_template(self, name: str, version: TemplateSource) -> TemplateVersion:
        """Save a new version, a draft unless it says otherwise."""
        asked = call("POST", "templates", name, "versions", body=version)
        return await self._ask(asked, TemplateVersion)

    async def publish_template(self, name: str, version: int) -> TemplateVersion:
        """Have a version used from now on."""
        asked = call("POST", "templates", name, "versions", str(version), "publish")
        return await self._ask(asked, TemplateVersion)

    async def roll_back_template(self, name: str, version: int | None = None) -> TemplateVersion:
        """Publish an older version again; None: the one that was published before."""
        body = {} if version is None else {"version": version}
        asked = call("POST", "templates", name, "rollback", body=body)
        return await self._ask(asked, TemplateVersion)

    async def preview_template(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        locale: str = "",
    ) -> TemplatePreview:
        """Return the mail that a version makes. ``data``: None for the version's own sample. Sends nothing."""
        body = _template_body(data, version, locale)
        return await self._ask(
            call("POST", "templates", name, "preview", body=body), TemplatePreview
        )

    async def test_template(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        sender: str,
        to: Sequence[str],
        version: int | None = None,
        locale: str = "",
    ) -> Sent:
        """Send that mail to some addresses."""
        body = {**_template_body(data, version, locale), "from": sender, "to": list(to)}
        return await self._ask(call("POST", "templates", name, "test", body=body), Sent)

    async def start_campaign(
        self, campaign: Campaign, *, idempotency_key: str = ""
    ) -> CampaignState:
        """Send a mail to each row of a file; when it returns, that is on disk, and goes on by itself."""
        once = idempotency_key or _new_key()
        return await self._ask(call("POST", *_CAMPAIGNS, body=campaign, once=once), CampaignState)

    async def campaign(self, transaction_id: str) -> CampaignState:
        return await self._ask(call("GET", *_CAMPAIGNS, transaction_id), CampaignState)

    async def campaigns(self) -> AsyncIterator[CampaignState]:
        """Yield the campaigns, the newest first, page by page."""
        query: dict[str, Any] = {}
        while True:
            page = await self._ask(call("GET", *_CAMPAIGNS, query=query), CampaignPage)
            for each in page.campaigns:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    async def campaign_rows(
        self, transaction_id: str, *, status: str = ""
    ) -> AsyncIterator[CampaignRow]:
        """Yield the rows of the file in order. ``status``: "failed" for those that can be sent again; "": all."""
        query: dict[str, Any] = {"status": status, "limit": 1000}
        path = (*_CAMPAIGNS, transaction_id, "rows")
        while True:
            page = await self._ask(call("GET", *path, query=query), CampaignRowPage)
            for each in page.rows:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    async def change_campaign(
        self, transaction_id: str, act: Literal["pause", "resume", "cancel"]
    ) -> CampaignState:
        return await self._ask(call("POST", *_CAMPAIGNS, transaction_id, act), CampaignState)

    async def reschedule_campaign(self, transaction_id: str, send_at: datetime) -> CampaignState:
        body = {"schedule": {"sendAt": send_at}}
        asked = call("PATCH", *_CAMPAIGNS, transaction_id, body=body)
        return await self._ask(asked, CampaignState)

    async def resend_failed(
        self, transaction_id: str, *, idempotency_key: str = ""
    ) -> CampaignState:
        """Send the failed rows of a campaign that is over again; returns the new one."""
        once = idempotency_key or _new_key()
        path = (*_CAMPAIGNS, transaction_id, "resend-failed")
        return await self._ask(call("POST", *path, body={}, once=once), CampaignState)

    async def key(self) -> KeyInfo:
        """Whose key this is; sends nothing."""
        return await self._ask(call("GET", "key"), KeyInfo)

    async def ask(self, method: str, *path: str, body: object = None, **query: Any) -> Any:
        """Ask anything else of the API: the parts of the path behind /v1; returns the answer's JSON."""
        return await self._ask(call(method, *path, query=query, body=body), Any)

    async def _ask(self, asked: Call, kind: type[_T]) -> _T:
        tries = 0
        while True:
            tries += 1
            try:
                reply = await self._transport.send(asked)
            except ConnectionFailedError:
                if tries >= self._tries or not asked.may_repeat:
                    raise
                await self._transport.sleep(wait_s(None, tries))
                continue
            if reply.status in RETRIED and tries < self._tries and asked.may_repeat:
                await self._transport.sleep(wait_s(reply, tries))
                continue
            return read(reply, kind)


def _new_key() -> str:
    return secrets.token_urlsafe(24)


def _template_body(
    data: Mapping[str, Any] | None, version: int | None, locale: str
) -> dict[str, Any]:
    body: dict[str, Any] = {"locale": locale}
    if data is not None:
        body["data"] = data
    if version is not None:
        body["version"] = version
    return body


def _result(raw: msgspec.Raw) -> Sent | Refused:
    if msgspec.json.decode(raw, type=_Success).success:
        return msgspec.json.decode(raw, type=Sent)
    return msgspec.json.decode(raw, type=Refused)
