"""The client that waits. Made of ``aio`` by ``python -m angarium.client.derive``: change it there."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import msgspec

from angarium.client.calls import RETRIED, Call, call, read, wait_s
from angarium.client.errors import ConnectionFailedError
from angarium.client.model import (
    Attempts,
    Email,
    EmailPage,
    EventPage,
    Happening,
    KeyInfo,
    Refused,
    Sent,
    Status,
    Suppression,
    SuppressionPage,
)
from angarium.client.wire import Transport

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


def _result(raw: msgspec.Raw) -> Sent | Refused:
    if msgspec.json.decode(raw, type=_Success).success:
        return msgspec.json.decode(raw, type=Sent)
    return msgspec.json.decode(raw, type=Refused)
