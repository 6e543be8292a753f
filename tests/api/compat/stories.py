"""A history that is written down in a test."""

from typing import Any

from angarium.history.status import Status
from angarium.history.story import (
    HistoryAwayError,
    IncidentPage,
    RecipientStory,
    Story,
    StoryFilter,
    StoryPage,
)
from angarium.queue.about import About
from angarium.queue.model import DEFAULT_STREAM, UnixMs

NOW = UnixMs(1_900_000_000_000)


def story(id_: str, since: int = 0, status: Status = Status.DELIVERED, **more: Any) -> Story:
    """One message, accepted ``since`` milliseconds after NOW."""
    about = About(
        subject=f"Subject {id_}",
        author="Shop <shop@example.com>",
        to=("B <b@example.net>",),
        cc=("c@example.net",),
        bcc=("d@example.net",),
        reply_to=("help@example.com",),
        metadata={"user": "7"},
    )
    recipient = RecipientStory(address="b@example.net", status=status, last_updated=NOW)
    usual: dict[str, Any] = {
        "tenant": "acme",
        "message_id": f"<{id_}@example.com>",
        "about": about,
        "reverse_path": "shop@example.com",
        "size_octets": 7,
        "stream": DEFAULT_STREAM,
        "campaign": "",
        "tags": ("kind:welcome", "word"),
        "created": UnixMs(NOW + since),
        "due": UnixMs(0),
        "sent": None,
        "last_updated": NOW,
        "status": status,
        "recipients": (recipient,),
        "incidents": (),
    }
    return Story(email_id=id_, **{**usual, **more})


class WrittenHistory:
    """Pages of two, some of them empty, as its protocol allows."""

    def __init__(self, *stories: Story) -> None:
        self.stories = sorted(stories, key=lambda each: each.created, reverse=True)
        self.is_away = False
        self.filters: list[StoryFilter] = []

    async def find(self, tenant: str, email_id: str) -> Story | None:
        self._look()
        for each in self.stories:
            if (each.tenant, each.email_id) == (tenant, email_id):
                return each
        return None

    async def find_by_message_id(self, tenant: str, header: str) -> Story | None:
        self._look()
        for each in self.stories:
            if each.tenant == tenant and each.message_id.strip("<>") == header.strip("<>"):
                return each
        return None

    async def list(
        self, tenant: str, wanted: StoryFilter, cursor: str | None, limit: int
    ) -> StoryPage:
        self._look()
        self.filters.append(wanted)
        fitting = [each for each in self.stories if each.tenant == tenant and _fits(each, wanted)]
        at = int(cursor or 0)
        if at == 1:  # an empty one
            return StoryPage(stories=(), cursor="2")
        end = at + min(limit, 2)
        cursor = None if end >= len(fitting) else str(1 if at == 0 else end)
        return StoryPage(stories=tuple(fitting[at:end]), cursor=cursor)

    async def events(self, tenant: str, cursor: str | None, limit: int) -> IncidentPage:
        raise NotImplementedError

    def _look(self) -> None:
        if self.is_away:
            raise HistoryAwayError("the disk is full")


def _fits(each: Story, wanted: StoryFilter) -> bool:
    return (
        (wanted.since is None or each.created >= wanted.since)
        and (wanted.until is None or each.created < wanted.until)
        and (not wanted.tag or wanted.tag in each.tags)
        and (wanted.status is None or wanted.status is each.status)
        and (not wanted.stream or wanted.stream == each.stream)
        and (
            not wanted.recipient
            or wanted.recipient.lower() in [it.address for it in each.recipients]
        )
    )
