"""The client that waits. Made of ``aio`` by ``python -m angarium.client.derive``: change it there."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
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
from angarium.client.wire import Transport

_CAMPAIGNS: Final = ("email", "campaigns")
_T = TypeVar("_T")


class _Results(msgspec.Struct):
    results: tuple[msgspec.Raw, ...] = ()


class _Success(msgspec.Struct):
    success: bool = False


class Client:
    """Each method raises ApiError, where the server refuses, and ConnectionFailedError."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 30.0, tries: int = 4) -> None:
        """``url``: of the server, as ``https://mail.example.com``. ``tries``: of a request that may be tried again."""
        self._transport = Transport(url, key, timeout_s)
        self._tries = tries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def send(self, email: Email, *, idempotency_key: str = "") -> Sent:
        """Send one message; when it returns, the server has it on disk.

        ``idempotency_key``: the same one with the same message, within a day, is one message; "": made anew.
        """
        once = idempotency_key or _new_key()
        return self._ask(call("POST", "send", body=email, once=once), Sent)

    def send_batch(
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
        found = self._ask(call("POST", "batch_send", body=body, once=once), _Results)
        return [_result(each) for each in found.results]

    def send_raw(
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
        return self._ask(call("POST", "send-raw", body=body, once=once), Sent)

    def status(self, email_id: str) -> Status:
        return self._ask(call("GET", "status", email_id), Status)

    def cancel(self, email_id: str) -> None:
        """Call off what has not left yet."""
        self._ask(call("DELETE", "emails", email_id), dict[str, Any])

    def reschedule(self, email_id: str, send_at: datetime) -> None:
        body = {"sendAt": send_at}
        self._ask(call("PATCH", "emails", email_id, body=body), dict[str, Any])

    def emails(
        self,
        *,
        recipient: str = "",
        status: str = "",
        tag: str = "",
        stream: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Status]:
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
            page = self._ask(call("GET", "emails", query=query), EmailPage)
            for each in page.emails:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    def attempts(self, email_id: str) -> Attempts:
        """What was said in each attempt to deliver it."""
        return self._ask(call("GET", "emails", email_id, "attempts"), Attempts)

    def events(self, cursor: str = "") -> EventPage:
        """Return what happened behind the cursor of the page before, in order."""
        return self._ask(call("GET", "events", query={"cursor": cursor}), EventPage)

    def events_of(self, email_id: str) -> tuple[Happening, ...]:
        found = self._ask(call("GET", "emails", email_id, "events"), EventPage)
        return found.events

    def stats(
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
    ) -> Iterator[StatsRow]:
        """Yield counters, page by page. ``by``: total, minute, hour, day, stream, campaign, tag, provider, source,
        domain, template, class, link or cohort; or some that are counted together, as "provider,source".

        ``since``, ``until``: as GET /v1/stats has ``from`` and ``to``; the others as it has them. ``sort``: a counter,
        as "clickedHuman": the thousand rows that have most of it. ``only``: as stream="news", or tenant.
        """
        query: dict[str, Any] = {"by": by, "from": since, "to": until, **only}
        query |= {"resolution": resolution, "rates": rates, "latency": latency, "sort": sort}
        while True:
            page = self._ask(call("GET", "stats", query=query), StatsPage)
            for each in page.rows:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    def suppress(self, email: str, *, reason: str = "manual", scope: str = "tenant") -> None:
        """Send nothing more to an address."""
        body = {"email": email, "reason": reason, "scope": scope}
        self._ask(call("POST", "suppression", "add", body=body), dict[str, Any])

    def unsuppress(self, email: str) -> None:
        self._ask(call("DELETE", "suppression", email), dict[str, Any])

    def suppressions(self) -> Iterator[Suppression]:
        query: dict[str, Any] = {}
        while True:
            page = self._ask(call("GET", "suppression", query=query), SuppressionPage)
            for each in page.suppressions:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    def templates(self, *, kind: str = "") -> Iterator[Template]:
        """Yield the templates by alias, page by page. ``kind``: mail, layout, partial; "": all."""
        query: dict[str, Any] = {"kind": kind}
        while True:
            page = self._ask(call("GET", "templates", query=query), TemplatePage)
            for each in page.templates:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    def template(self, name: str) -> Template:
        """``name``: an alias or an id, as in all that follows."""
        return self._ask(call("GET", "templates", name), Template)

    def create_template(
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
        return self._ask(call("POST", "templates", body=body), Template)

    def delete_template(self, name: str) -> Template:
        return self._ask(call("DELETE", "templates", name), Template)

    def template_versions(self, name: str) -> Iterator[TemplateVersion]:
        """Yield the versions, the newest first, without what is written in them."""
        query: dict[str, Any] = {}
        while True:
            asked = call("GET", "templates", name, "versions", query=query)
            page = self._ask(asked, TemplateVersionPage)
            for each in page.versions:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    def template_version(self, name: str, version: int) -> TemplateVersion:
        asked = call("GET", "templates", name, "versions", str(version))
        return self._ask(asked, TemplateVersion)

    def save_template(self, name: str, version: TemplateSource) -> TemplateVersion:
        """Save a new version, a draft unless it says otherwise."""
        asked = call("POST", "templates", name, "versions", body=version)
        return self._ask(asked, TemplateVersion)

    def publish_template(self, name: str, version: int) -> TemplateVersion:
        """Have a version used from now on."""
        asked = call("POST", "templates", name, "versions", str(version), "publish")
        return self._ask(asked, TemplateVersion)

    def roll_back_template(self, name: str, version: int | None = None) -> TemplateVersion:
        """Publish an older version again; None: the one that was published before."""
        body = {} if version is None else {"version": version}
        asked = call("POST", "templates", name, "rollback", body=body)
        return self._ask(asked, TemplateVersion)

    def preview_template(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        locale: str = "",
    ) -> TemplatePreview:
        """Return the mail that a version makes. ``data``: None for the version's own sample. Sends nothing."""
        body = _template_body(data, version, locale)
        return self._ask(call("POST", "templates", name, "preview", body=body), TemplatePreview)

    def test_template(
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
        return self._ask(call("POST", "templates", name, "test", body=body), Sent)

    def start_campaign(self, campaign: Campaign, *, idempotency_key: str = "") -> CampaignState:
        """Send a mail to each row of a file; when it returns, that is on disk, and goes on by itself."""
        once = idempotency_key or _new_key()
        return self._ask(call("POST", *_CAMPAIGNS, body=campaign, once=once), CampaignState)

    def campaign(self, transaction_id: str) -> CampaignState:
        return self._ask(call("GET", *_CAMPAIGNS, transaction_id), CampaignState)

    def campaigns(self) -> Iterator[CampaignState]:
        """Yield the campaigns, the newest first, page by page."""
        query: dict[str, Any] = {}
        while True:
            page = self._ask(call("GET", *_CAMPAIGNS, query=query), CampaignPage)
            for each in page.campaigns:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    def campaign_rows(self, transaction_id: str, *, status: str = "") -> Iterator[CampaignRow]:
        """Yield the rows of the file in order. ``status``: "failed" for those that can be sent again; "": all."""
        query: dict[str, Any] = {"status": status, "limit": 1000}
        path = (*_CAMPAIGNS, transaction_id, "rows")
        while True:
            page = self._ask(call("GET", *path, query=query), CampaignRowPage)
            for each in page.rows:
                yield each
            if page.cursor is None:
                return
            query["cursor"] = page.cursor

    def change_campaign(
        self, transaction_id: str, act: Literal["pause", "resume", "cancel"]
    ) -> CampaignState:
        return self._ask(call("POST", *_CAMPAIGNS, transaction_id, act), CampaignState)

    def reschedule_campaign(self, transaction_id: str, send_at: datetime) -> CampaignState:
        body = {"schedule": {"sendAt": send_at}}
        asked = call("PATCH", *_CAMPAIGNS, transaction_id, body=body)
        return self._ask(asked, CampaignState)

    def resend_failed(self, transaction_id: str, *, idempotency_key: str = "") -> CampaignState:
        """Send the failed rows of a campaign that is over again; returns the new one."""
        once = idempotency_key or _new_key()
        path = (*_CAMPAIGNS, transaction_id, "resend-failed")
        return self._ask(call("POST", *path, body={}, once=once), CampaignState)

    def key(self) -> KeyInfo:
        """Whose key this is; sends nothing."""
        return self._ask(call("GET", "key"), KeyInfo)

    def ask(self, method: str, *path: str, body: object = None, **query: Any) -> Any:
        """Ask anything else of the API: the parts of the path behind /v1; returns the answer's JSON."""
        return self._ask(call(method, *path, query=query, body=body), Any)

    def _ask(self, asked: Call, kind: type[_T]) -> _T:
        tries = 0
        while True:
            tries += 1
            try:
                reply = self._transport.send(asked)
            except ConnectionFailedError:
                if tries >= self._tries or not asked.may_repeat:
                    raise
                self._transport.sleep(wait_s(None, tries))
                continue
            if reply.status in RETRIED and tries < self._tries and asked.may_repeat:
                self._transport.sleep(wait_s(reply, tries))
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
