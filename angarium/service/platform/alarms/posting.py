"""Tells a notice to a URL: of a webhook, of Slack, of PagerDuty."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from angarium.alarms.formats.pagerduty import URL as PAGERDUTY
from angarium.alarms.formats.pagerduty import pagerduty_bodies
from angarium.alarms.formats.slack import slack_body
from angarium.alarms.formats.webhook import webhook_body
from angarium.alarms.notice import Notice, Words
from angarium.config.alarms import Notify
from angarium.queue import UnixMs
from angarium.service.platform.alarms.told import Outcome
from angarium.tenancy.webhook import SECRET_PREFIX
from angarium.webhooks.caller import Answered
from angarium.webhooks.signing import signature_headers

# Ours, of a file with a URL or a key
_MAX_OCTETS = 4096
_JSON = {"Content-Type": "application/json", "User-Agent": "Angarium"}


class Posts(Protocol):
    """``webhooks.caller.Caller`` does."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered: ...


class SecretError(Exception):
    """A file that a target needs cannot be read, or has nothing that will do."""


async def post_notice(
    notify: Notify, notice: Notice, words: Words, posts: Posts, clock: Callable[[], UnixMs]
) -> Outcome:
    """Return what came of it; never raises for what the far end does, or for what is in files."""
    try:
        requests = _requests(notify, notice, words, clock())
    except SecretError as error:
        return Outcome(problem=str(error))
    answered = Answered(status=0)
    for url, headers, body in requests:
        answered = await posts.post(url, {**_JSON, **headers}, body)
        if not answered.is_success:
            break
    if answered.is_success:
        return Outcome()
    text = " ".join(answered.text.split())[:200]
    how = f"HTTP {answered.status}: {text}" if answered.status else text
    return Outcome(problem=how or "no answer", retry_after_s=answered.retry_after_s)


def _requests(
    notify: Notify, notice: Notice, words: Words, now: UnixMs
) -> list[tuple[str, Mapping[str, str], bytes]]:
    """Raises SecretError."""
    if notify.kind == "pagerduty":
        key = _secret(notify.secret_file)
        url = notify.url or PAGERDUTY
        return [(url, {}, each) for each in pagerduty_bodies(notice, words, key)]
    url = notify.url or _secret(notify.url_file)
    if notify.kind == "slack":
        return [(url, {}, slack_body(notice, words))]
    body = webhook_body(notice, words)
    secret = _secret(notify.secret_file)
    try:
        if not secret.startswith(SECRET_PREFIX):
            raise ValueError(SECRET_PREFIX)
        headers = signature_headers(notice.id, body, [secret], now)
    except ValueError:
        text = f"{notify.secret_file}: no secret of a webhook, which is {SECRET_PREFIX} and base64"
        raise SecretError(text) from None
    return [(url, headers, body)]


def _secret(path: str | None) -> str:
    """Return the first line of a file: it is read each time, so that it can be exchanged. Raises SecretError."""
    assert path is not None  # the configuration was checked
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MAX_OCTETS).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise SecretError(f"{path}: {reason}") from None
    line = next(iter(text.splitlines()), "").strip()
    if not line:
        raise SecretError(f"{path}: its first line is empty")
    return line
