"""/v1/topics: what a tenant's mail may be about, so that people may leave one topic and keep the others."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from aiohttp import web
from msgspec import Meta

from angarium.api.dialect import Route
from angarium.api.native.answers import json_response
from angarium.api.native.premises import Premises
from angarium.api.native.wire import (
    Asked,
    PageAsked,
    Time,
    Wire,
    cursor_of,
    in_path,
    read_query,
    read_text_cursor,
    time_text,
)
from angarium.api.reading import read_json
from angarium.config.titles import MAX_TITLES, TITLE_CHARACTERS
from angarium.tenancy.topic import Topic

PATH = "/v1/topics"
ONE = "/v1/topics/{topic}"
_Title = Annotated[str, Meta(min_length=1, max_length=TITLE_CHARACTERS)]


class TopicShown(Wire, frozen=True, kw_only=True):
    id: str
    name: str  # what mail and suppressions are labelled with
    titles: Mapping[str, str]  # what people read on the page for leaving, by language
    created_at: Time


class TopicList(Wire, frozen=True, kw_only=True):
    topics: Sequence[TopicShown]
    cursor: str | None  # of the next page; null: there is none


class OneTopicAsked(Asked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class TopicsAsked(PageAsked, frozen=True, kw_only=True):
    tenant: str = ""  # omitted: the caller's own


class TopicAsked(Asked, frozen=True, kw_only=True):
    # letters, digits, dots, hyphens or underscores
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    # {"en": "Offers", "de": "Angebote"}; where there is none, people read the name
    titles: Annotated[Mapping[str, _Title], Meta(max_length=MAX_TITLES)] = {}
    tenant: str = ""  # omitted: the caller's own


class TopicChange(Asked, frozen=True, kw_only=True):
    # instead of those of before
    titles: Annotated[Mapping[str, _Title], Meta(max_length=MAX_TITLES)]


class TopicResource:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def routes(self) -> Sequence[Route]:
        return (
            Route(
                method="POST",
                path=PATH,
                handler=self.create,
                summary="Add a topic.",
                scope="topics:write",
                request=TopicAsked,
                answers={201: TopicShown},
            ),
            Route(
                method="GET",
                path=PATH,
                handler=self.page,
                summary="List the topics.",
                scope="topics:read",
                query=TopicsAsked,
                answers={200: TopicList},
            ),
            Route(
                method="GET",
                path=ONE,
                handler=self.show,
                summary="Show a topic, by its name or id.",
                scope="topics:read",
                query=OneTopicAsked,
                answers={200: TopicShown},
            ),
            Route(
                method="PATCH",
                path=ONE,
                handler=self.change,
                summary="Give a topic other titles.",
                scope="topics:write",
                query=OneTopicAsked,
                request=TopicChange,
                answers={200: TopicShown},
            ),
            Route(
                method="DELETE",
                path=ONE,
                handler=self.remove,
                summary="Remove a topic; who left it stays suppressed for it.",
                scope="topics:write",
                query=OneTopicAsked,
                answers={200: TopicShown},
            ),
        )

    async def create(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "topics", "write")
        asked = await read_json(request, TopicAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "write")
        made = await self._premises.platform.run(
            lambda platform: platform.topics.create(tenant, asked.name, asked.titles), by=caller
        )
        return json_response(_shown(made), 201)

    async def page(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "topics", "read")
        asked = read_query(request, TopicsAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        after = read_text_cursor(asked.cursor)
        found = await self._premises.platform.run(
            lambda platform: platform.topics.list(tenant), by=caller
        )
        page = [each for each in found if each.name > after][: asked.limit]
        last = page[-1].name.encode() if len(page) == asked.limit else None
        return json_response(
            TopicList(topics=[_shown(each) for each in page], cursor=cursor_of(last))
        )

    async def show(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "topics", "read")
        asked = read_query(request, OneTopicAsked)
        tenant = self._premises.tenant_of(caller, asked.tenant, "read")
        topic = in_path(request, "topic")
        found = await self._premises.platform.run(
            lambda platform: platform.topics.find(tenant, topic), by=caller
        )
        return json_response(_shown(found))

    async def change(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "topics", "write")
        query = read_query(request, OneTopicAsked)
        tenant = self._premises.tenant_of(caller, query.tenant, "write")
        topic = in_path(request, "topic")
        asked = await read_json(request, TopicChange)
        found = await self._premises.platform.run(
            lambda platform: platform.topics.set_titles(tenant, topic, asked.titles), by=caller
        )
        return json_response(_shown(found))

    async def remove(self, request: web.Request) -> web.Response:
        caller = self._premises.admit(request, "topics", "write")
        query = read_query(request, OneTopicAsked)
        tenant = self._premises.tenant_of(caller, query.tenant, "write")
        topic = in_path(request, "topic")
        found = await self._premises.platform.run(
            lambda platform: platform.topics.remove(tenant, topic), by=caller
        )
        return json_response(_shown(found))


def _shown(topic: Topic) -> TopicShown:
    return TopicShown(
        id=topic.id,
        name=topic.name,
        titles=topic.titles,
        created_at=time_text(topic.created),
    )
