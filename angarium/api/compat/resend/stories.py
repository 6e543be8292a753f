"""What happened to emails, as Resend tells it, and in its pages."""

from collections import deque
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from angarium.api.compat.faults import invalid
from angarium.api.compat.resend.paging import Wanted, answer, unknown_id
from angarium.history.status import Status
from angarium.history.story import HistoryReader, Story, StoryFilter
from angarium.intake.order import FaultError
from angarium.queue.model import UnixMs
from angarium.telemetry.timestamp import rfc3339

PAGE: Final = 100  # of the history, as it is read here
# Ours: what is looked through for one answer
MAX_LOOKED_AT: Final = 5_000
LAST_EVENT: Final[Mapping[Status, str]] = MappingProxyType(
    {
        Status.CREATED: "queued",
        Status.SCHEDULED: "scheduled",
        Status.READY_TO_SEND: "queued",
        Status.DEFERRED: "delivery_delayed",
        Status.SENDING: "queued",
        # By a smart host; in webhooks it is the same word
        Status.SENT: "delivered",
        Status.DELIVERED: "delivered",
        Status.OPENED: "opened",
        Status.CLICKED: "clicked",
        Status.CANCELLED: "canceled",
        Status.SUPPRESSED: "suppressed",
        Status.EXPIRED: "failed",
        Status.BOUNCED: "bounced",
        Status.COMPLAINED: "complained",
    }
)


def listed(story: Story) -> dict[str, Any]:
    """As an item of a list."""
    about = story.about
    send_at = story.due if story.status is Status.SCHEDULED else about.send_at
    return {
        "id": story.email_id,
        "message_id": story.message_id,
        "to": list(about.to) or [each.address for each in story.recipients],
        "from": about.author or story.reverse_path,
        "created_at": rfc3339(story.created),
        "subject": about.subject,
        "bcc": list(about.bcc),
        "cc": list(about.cc),
        "reply_to": list(about.reply_to),
        "last_event": LAST_EVENT[story.status],
        "scheduled_at": rfc3339(send_at) if send_at else None,
    }


def told(story: Story) -> dict[str, Any]:
    """As itself. Its texts are not kept once it is sent."""
    tags = [each.partition(":") for each in story.tags]
    return {
        "object": "email",
        **listed(story),
        "html": None,
        "text": None,
        "tags": [{"name": name, "value": value} for name, _, value in tags],
    }


async def list_stories(history: HistoryReader, tenant: str, wanted: Wanted) -> dict[str, Any]:
    """The newest first. Raises FaultError, HistoryAwayError."""
    if wanted.before:
        return await _before(history, tenant, wanted)
    found: list[dict[str, Any]] = []
    is_behind = not wanted.after
    async for story in _newest_first(history, tenant, await _from(history, tenant, wanted)):
        if is_behind:
            found.append(listed(story))
            if len(found) > wanted.limit:
                break
        elif story.email_id == wanted.after:
            is_behind = True
    if not is_behind:
        raise FaultError(unknown_id("after"))
    return answer(found[: wanted.limit], has_more=len(found) > wanted.limit)


async def _before(history: HistoryReader, tenant: str, wanted: Wanted) -> dict[str, Any]:
    """The last ones before an email, which are the ones that came soonest after it."""
    start = await history.find(tenant, wanted.before)
    if start is None:
        raise FaultError(unknown_id("before"))
    kept: deque[Story] = deque(maxlen=wanted.limit + 1)
    async for story in _newest_first(history, tenant, StoryFilter(since=start.created)):
        if story.email_id == wanted.before:
            items = [listed(each) for each in kept]
            return answer(items[-wanted.limit :], has_more=len(items) > wanted.limit)
        kept.append(story)
    reason = f"more than {MAX_LOOKED_AT} emails are newer: page with after, from the newest"
    raise FaultError(invalid("before", reason))


async def _from(history: HistoryReader, tenant: str, wanted: Wanted) -> StoryFilter:
    if not wanted.after:
        return StoryFilter()
    start = await history.find(tenant, wanted.after)
    if start is None:
        raise FaultError(unknown_id("after"))
    return StoryFilter(until=UnixMs(start.created + 1))  # others came in the same millisecond


async def _newest_first(
    history: HistoryReader, tenant: str, wanted: StoryFilter
) -> AsyncIterator[Story]:
    """At most MAX_LOOKED_AT."""
    cursor: str | None = None
    for _ in range(MAX_LOOKED_AT // PAGE):
        page = await history.list(tenant, wanted, cursor, PAGE)
        for story in page.stories:
            yield story
        cursor = page.cursor
        if cursor is None:
            return
