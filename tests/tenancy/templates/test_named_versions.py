"""Mirrors angarium/tenancy/templates/named_versions.py."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from angarium.queue.model import UnixMs
from angarium.templates.bundle import Parts
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.platform import Platform
from angarium.tenancy.templates import saving
from angarium.tenancy.templates.examined import Examined
from angarium.tenancy.templates.files import TemplateFiles
from angarium.tenancy.templates.index import TemplateEntry
from angarium.tenancy.templates.model import Content, Template, TemplateWish, VersionHead
from angarium.tenancy.templates.naming import Named, NamedVersion, VersionEdit
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import Clock
from tests.tenancy.templates.stand_in import StandIn, done

T = TypeVar("T")


def content(html: str) -> Content:
    return Content(locales={"en": Parts(subject="Hello", html=html)})


def by_number(_: Template, head: VersionHead) -> str:
    return f"n{head.number}"


class Desk:
    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform = platform
        self.store = platform.named_versions
        self.folder = folder
        self.renderer = StandIn()

    async def change(self, change: Callable[[Examined], T]) -> T:
        return await done(change, self.renderer)

    async def create(self, alias: str, html: str, tag: str = "one") -> NamedVersion:
        wish = TemplateWish(tenant="default", alias=alias)
        return await self.change(
            lambda known: self.store.create(wish, content(html), "c", known, by_number, tag=tag)
        )

    async def save(self, html: str, tag: str = "", *, publish: bool = False) -> NamedVersion:
        return await self.change(
            lambda known: self.store.save(
                "default", "a", content(html), "", known, by_number, tag=tag, publish=publish
            )
        )

    async def edit(
        self, name: str, html: str = "", *, comment: str | None = None, publish: bool = False
    ) -> NamedVersion:
        edit = VersionEdit(
            rewrite=lambda before: content(html) if html else before,
            comment=comment,
            publish=publish,
        )
        return await self.change(
            lambda known: self.store.edit("default", "a", name, edit, known, by_number)
        )

    async def copy(self, name: str, tag: str, comment: str | None = None) -> NamedVersion:
        return await self.change(
            lambda known: self.store.copy("default", "a", name, tag, comment, known, by_number)
        )

    def listed(self) -> list[tuple[str, bool, tuple[int, ...]]]:
        _, found = self.store.list("default", "a", by_number)
        return [(each.name, each.is_active, each.numbers) for each in found]

    def used(self) -> int | None:
        """Return the number of the version that mail gets."""
        self.platform.publish()
        found = TemplateFiles(self.folder).find("default", "a")
        return found.version if isinstance(found, TemplateEntry) else None


@pytest.fixture
def desk(platform: Platform, tmp_path: Path) -> Desk:
    return Desk(platform, tmp_path)


def html(found: NamedVersion) -> str | None:
    return found.content.locales["en"].html


async def test_what_is_active_is_changed_in_place_and_what_it_was_is_kept(
    desk: Desk, clock: Clock
) -> None:
    made = await desk.create("a", "1")
    assert (made.name, made.is_active, made.head.comment) == ("one", True, "c")
    clock.now = UnixMs(clock.now + 5)
    changed = await desk.edit("ONE", "2")
    assert (html(changed), changed.is_active, changed.numbers) == ("2", True, (2, 1))
    assert changed.created == made.created < changed.head.changed
    assert desk.used() == 2
    # VS1: what was published stays, and can be published again
    assert desk.platform.template_versions.find("default", "a", 1).content == content("1")
    await desk.change(
        lambda known: desk.platform.template_publications.roll_back("default", "a", None, known)
    )
    assert html(desk.store.find("default", "a", "one", by_number)) == "1"
    # Nothing new is said: nothing is written
    same = await desk.edit("one", publish=True)
    assert (same.numbers, same.head.published) == ((2, 1), clock.now)
    assert desk.used() == 1


async def test_a_draft_is_changed_itself_and_what_was_active_is_no_draft(desk: Desk) -> None:
    await desk.create("a", "1")
    draft = await desk.save("2", "two")
    assert (draft.is_active, draft.numbers) == (False, (2,))
    assert (await desk.edit("two", "3", comment="x")).numbers == (2,)
    assert (await desk.edit("two", publish=True)).is_active
    assert desk.used() == 2
    behind = await desk.edit("one", "4")
    assert (behind.is_active, behind.numbers, html(behind)) == (False, (3, 1), "4")
    assert desk.used() == 2
    assert desk.listed() == [("two", True, (2,)), ("one", False, (3, 1))]
    _, _, contents = desk.store.list_with_contents("default", "a", by_number, room=90)
    assert list(contents) == [3]
    found = desk.store.find_active("default", "a", by_number)
    assert found is not None
    assert (found.name, html(found), found.head.comment) == ("two", "3", "x")


async def test_a_version_without_a_tag_keeps_the_name_of_its_number(desk: Desk) -> None:
    desk.platform.templates.create(TemplateWish(tenant="default", alias="a"))
    assert desk.store.find_active("default", "a", by_number) is None
    # The first one is active in any case
    assert (await desk.save("1")).is_active
    await desk.save("2")
    assert (await desk.edit("n1", "3")).numbers == (3, 1)
    assert desk.listed() == [("n2", False, (2,)), ("n1", True, (3, 1))]
    with pytest.raises(ConflictError, match="there is a version 'N1' already"):
        await desk.save("4", "N1")


async def test_a_copy_takes_the_place_of_what_has_its_name(desk: Desk) -> None:
    await desk.create("a", "1")
    await desk.save("2", "two")
    copied = await desk.copy("two", "one", "why")
    assert (copied.is_active, html(copied), copied.head.comment) == (True, "2", "why")
    assert desk.used() == 3
    other = await desk.copy("one", "three")
    assert (other.is_active, html(other), other.head.comment) == (False, "2", "why")
    for name, tag in (("nonesuch", "x"), ("one", "a b")):
        with pytest.raises((NotFoundError, TenancyError)):
            await desk.copy(name, tag)


async def test_all_of_a_name_are_forgotten(desk: Desk) -> None:
    await desk.create("a", "1")
    await desk.edit("one", "2")
    await desk.save("3", "two")

    def remove(name: str) -> Named:
        return desk.store.remove("default", "a", name, by_number)

    assert remove("one").numbers == (2, 1)
    assert desk.listed() == [("two", False, (3,))]
    # Nothing is published any more
    assert desk.used() is None
    assert desk.platform.templates.find("default", "a").published is None
    with pytest.raises(NotFoundError):
        remove("one")
    assert (await desk.edit("two", publish=True)).is_active
    assert desk.used() == 3
    removed = [
        each for each in audit_entries(desk.platform) if each.action == "template.version_removed"
    ]
    assert len(removed) == 2


async def test_where_there_are_too_many_the_oldest_retired_one_gives_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.create("a", "1")
    monkeypatch.setattr(saving, "MAX_VERSIONS", 2)
    for text in ("2", "3"):
        await desk.edit("one", text)
    assert desk.listed() == [("one", True, (3, 2))]
    await desk.edit("one", "4")
    with pytest.raises(ConflictError, match="at most 2 versions"):
        await desk.save("5", "two")


async def test_layouts_and_partials_have_no_versions_by_name(desk: Desk) -> None:
    desk.platform.templates.create(TemplateWish(tenant="default", alias="a", kind="partial"))
    with pytest.raises(NotFoundError, match="it is a partial"):
        desk.store.list("default", "a", by_number)
    assert desk.store.list_all("default", ["a", "b"], by_number) == []


@pytest.mark.parametrize("tag", ["a b", "-x", "x" * 101, "é"])
async def test_a_tag_that_cannot_be_is_refused(desk: Desk, tag: str) -> None:
    with pytest.raises(TenancyError, match="tag: 1 to 100"):
        await desk.create("a", "1", tag)
