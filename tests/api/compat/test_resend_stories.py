"""Mirrors angarium/api/compat/resend/stories.py and paging.py, over real sockets."""

from typing import Any

import pytest

from angarium.api.compat.resend.paging import Wanted, page_of, read_wanted
from angarium.api.compat.resend.stories import LAST_EVENT, list_stories
from angarium.history.status import Status
from angarium.intake.order import FaultError
from angarium.queue.about import About
from angarium.queue.model import UnixMs
from tests.api.compat.stories import NOW, WrittenHistory, story
from tests.api.compat.vendors import KEY, Remembering, vendors

AS_USUAL = {"Authorization": f"Bearer {KEY}"}


async def test_an_email_is_told_with_all_that_resend_has_of_it() -> None:
    history = WrittenHistory(story("a"), story("other", tenant="else"))
    async with vendors(Remembering(), history) as client:
        found = await client.ask("GET", "/emails/a", headers=AS_USUAL)
        assert found.json == {
            "object": "email",
            "id": "a",
            "message_id": "<a@example.com>",
            "to": ["B <b@example.net>"],
            "from": "Shop <shop@example.com>",
            "created_at": "2030-03-17T17:46:40.000Z",
            "subject": "Subject a",
            "bcc": ["d@example.net"],
            "cc": ["c@example.net"],
            "reply_to": ["help@example.com"],
            "last_event": "delivered",
            "scheduled_at": None,
            "html": None,
            "text": None,
            "tags": [{"name": "kind", "value": "welcome"}, {"name": "word", "value": ""}],
        }
        for id_ in ("b", "other"):
            found = await client.ask("GET", f"/emails/{id_}", headers=AS_USUAL)
            assert (found.status, found.json["name"]) == (404, "not_found")


async def test_what_is_scheduled_says_for_when() -> None:
    later = UnixMs(NOW + 60_000)
    moved = story("a", status=Status.SCHEDULED, due=later, about=About(send_at=NOW))
    sent = story("b", due=later, about=About(send_at=later))
    async with vendors(Remembering(), WrittenHistory(moved, sent)) as client:
        for id_, word in (("a", "scheduled"), ("b", "delivered")):
            found = await client.ask("GET", f"/emails/{id_}", headers=AS_USUAL)
            assert found.json["scheduled_at"] == "2030-03-17T17:47:40.000Z"
            assert found.json["last_event"] == word


def test_each_status_has_a_word_of_resends() -> None:
    assert set(LAST_EVENT) == set(Status)


async def test_a_history_that_is_away_is_503() -> None:
    history = WrittenHistory()
    history.is_away = True
    async with vendors(Remembering(), history) as client:
        for path in ("/emails/a", "/emails"):
            found = await client.ask("GET", path, headers=AS_USUAL)
            assert (found.status, found.headers["Retry-After"]) == (503, "1")


SEVEN = WrittenHistory(*(story(str(at), since=at // 3) for at in range(7)))
# As the history has them: by when they came, and three came in one millisecond
ORDER = [each.email_id for each in SEVEN.stories]


async def ids(**wanted: Any) -> tuple[list[str], bool]:
    page = await list_stories(SEVEN, "acme", Wanted(**wanted))
    assert page["object"] == "list"
    return [each["id"] for each in page["data"]], page["has_more"]


async def test_pages_are_read_from_the_newest() -> None:
    assert await ids(limit=3) == (ORDER[:3], True)
    assert await ids(limit=3, after=ORDER[2]) == (ORDER[3:6], True)
    assert await ids(limit=3, after=ORDER[5]) == (ORDER[6:], False)
    assert await ids(limit=7) == (ORDER, False)
    assert await ids(limit=3, after=ORDER[6]) == ([], False)


async def test_and_back() -> None:
    assert await ids(limit=3, before=ORDER[6]) == (ORDER[3:6], True)
    assert await ids(limit=3, before=ORDER[3]) == (ORDER[:3], False)
    assert await ids(limit=3, before=ORDER[0]) == ([], False)


async def test_an_id_that_is_none_of_the_list_is_refused() -> None:
    for wanted in ({"after": "x"}, {"before": "x"}):
        with pytest.raises(FaultError) as caught:
            await ids(**wanted)
        assert caught.value.fault.field in wanted


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=-1", "after=1&before=2", "zz=1"]
)
async def test_what_is_no_page_is_refused(query: str) -> None:
    async with vendors(Remembering(), SEVEN) as client:
        found = await client.ask("GET", f"/emails?{query}", headers=AS_USUAL)
        assert (found.status, found.json["name"]) == (422, "validation_error")
        found = await client.ask("GET", "/emails?limit=2", headers=AS_USUAL)
        assert len(found.json["data"]) == 2


def test_a_page_of_a_whole_list() -> None:
    items = [{"id": each} for each in "abcde"]

    def ids_of(**query: str) -> tuple[str, bool]:
        page = page_of(items, read_wanted(query))
        return "".join(each["id"] for each in page["data"]), page["has_more"]

    assert ids_of() == ("abcde", False)
    assert ids_of(limit="2") == ("ab", True)
    assert ids_of(limit="2", after="b") == ("cd", True)
    assert ids_of(limit="2", after="c") == ("de", False)
    assert ids_of(limit="2", before="d") == ("bc", True)
    assert ids_of(limit="2", before="c") == ("ab", False)
    with pytest.raises(FaultError):
        ids_of(after="x")
