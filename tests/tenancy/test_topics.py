"""Mirrors angarium/tenancy/topic.py and topics.py, and how topics are published."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from angarium.config.titles import MAX_TITLES, TITLE_CHARACTERS
from angarium.queue.model import UnixMs
from angarium.tenancy import SnapshotFile
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.platform import Platform
from angarium.tenancy.tables import TOPIC
from angarium.tenancy.topic import MAX_TOPICS, Topic
from tests.tenancy.audited import audit_entries

TITLES = {"en": "Offers", "de": " Angebote ", "pt-BR": "Ofertas"}


def test_a_topic_is_made_titled_and_removed(platform: Platform) -> None:
    platform.tenants.create("shop")
    made = platform.topics.create("shop", "offers", TITLES)
    assert made.titles == {"en": "Offers", "de": "Angebote", "pt-BR": "Ofertas"}
    assert platform.topics.find("shop", "offers") == platform.topics.find("shop", made.id) == made
    platform.topics.create("shop", "news", {})
    platform.topics.create("default", "offers", {})
    assert [each.name for each in platform.topics.list("shop")] == ["news", "offers"]
    assert len(platform.topics.list()) == 3
    changed = platform.topics.set_titles("shop", made.id, {"fr": "Offres"})
    assert (changed.id, changed.titles) == (made.id, {"fr": "Offres"})
    assert platform.topics.remove("shop", "offers") == changed
    with pytest.raises(NotFoundError, match="topic list --tenant shop"):
        platform.topics.find("shop", made.id)
    told = [each.action for each in audit_entries(platform) if each.subject == made.id]
    assert told == ["topic.removed", "topic.changed", "topic.created"]
    assert platform.topics.find("default", "offers").tenant == "default"


@pytest.mark.parametrize(
    ("name", "titles", "field"),
    [
        ("", {}, "name"),
        ("a b", {}, "name"),
        ("a/b", {}, "name"),
        ("a" * 65, {}, "name"),
        ("a", {"english": "A"}, "titles"),
        ("a", {"": "A"}, "titles"),
        ("a", {"en": " "}, "titles.en"),
        ("a", {"en": "x" * (TITLE_CHARACTERS + 1)}, "titles.en"),
        ("a", {"en": "x\x07"}, "titles.en"),
        (
            "a",
            {f"a{chr(97 + each // 26)}{chr(97 + each % 26)}": "A" for each in range(41)},
            "titles",
        ),
    ],
    ids=lambda each: repr(each)[:20],
)
def test_what_cannot_be_a_topic_names_its_field(
    platform: Platform, name: str, titles: dict[str, str], field: str
) -> None:
    assert MAX_TITLES == 40
    with pytest.raises(TenancyError) as refused:
        platform.topics.create("default", name, titles)
    assert refused.value.field == field
    assert platform.topics.list() == []


def test_a_name_is_given_once_and_there_is_an_end(platform: Platform) -> None:
    made = platform.topics.create("default", "a", {})
    with pytest.raises(ConflictError) as taken:
        platform.topics.create("default", "a", {})
    assert taken.value.field == "name"
    with platform.database.changing() as connection:
        owner = connection.execute(sa.select(TOPIC.c.tenant_id)).scalar_one()
        rows: list[dict[str, Any]] = [
            {"id": str(n), "tenant_id": owner, "name": f"n{n}", "titles": "{}", "created": n}
            for n in range(MAX_TOPICS - 1)
        ]
        connection.execute(sa.insert(TOPIC), rows)
    with pytest.raises(ConflictError, match="at most"):
        platform.topics.create("default", "b", {})
    platform.topics.remove("default", made.name)
    platform.topics.create("default", "b", {})


def test_topics_are_published_and_go_with_their_tenant(platform: Platform, tmp_path: Path) -> None:
    platform.tenants.create("shop")
    platform.topics.create("shop", "offers", TITLES)
    platform.publish()
    current = SnapshotFile(tmp_path).current
    assert current.topics_of("shop")["offers"].title("de-AT") == "Angebote"
    assert (current.topics_of("default"), current.topics_of("nobody")) == ({}, {})
    made = platform.topics.find("shop", "offers")
    assert current.topic_names_of("shop") == {"offers": "offers", made.id: "offers"}
    assert current.topic_names_of("default") == {}
    platform.tenants.remove("shop")
    assert platform.topics.list() == []


@pytest.mark.parametrize(
    ("titles", "language", "title"),
    [
        ({}, "de", "offers"),
        ({"fr": "Offres"}, "de", "Offres"),
        ({"fr": "Offres", "en": "Offers"}, "de", "Offers"),
        ({"en": "Offers", "pt-BR": "Ofertas"}, "pt-BR", "Ofertas"),
        ({"en": "Offers", "de": "Angebote"}, "de", "Angebote"),
    ],
)
def test_people_read_the_title_that_is_nearest_to_their_language(
    titles: dict[str, str], language: str, title: str
) -> None:
    topic = Topic(id="1", tenant="shop", name="offers", titles=titles, created=UnixMs(0))
    assert topic.title(language) == title
