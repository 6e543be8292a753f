"""Mirrors angarium/tenancy/templates/store.py, versions.py, publications.py, users.py, kept.py and examined.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from angarium.queue.model import UnixMs
from angarium.templates.bundle import Bundle, Parts, decode_bundle
from angarium.templates.rendering import Examination, Filling
from angarium.tenancy.model import ConflictError, NotFoundError, TenancyError
from angarium.tenancy.platform import Platform
from angarium.tenancy.templates import model, saving, store
from angarium.tenancy.templates.examined import Examined, UnexaminedError
from angarium.tenancy.templates.examining import with_examined
from angarium.tenancy.templates.files import TemplateFiles
from angarium.tenancy.templates.index import TemplateEntry, TemplateProblem
from angarium.tenancy.templates.model import (
    Content,
    TemplateChange,
    TemplateError,
    TemplateWish,
)
from angarium.tenancy.templates.publications import Published
from angarium.tenancy.templates.saving import Saved
from tests.tenancy.audited import audit_entries
from tests.tenancy.conftest import Clock
from tests.tenancy.templates.stand_in import StandIn, done

T = TypeVar("T")


def content(html: str, **more: Any) -> Content:
    return Content(locales={"en": Parts(subject="Hello", html=html)}, **more)


def wish(alias: str, **more: Any) -> TemplateWish:
    return TemplateWish(tenant="default", alias=alias, **more)


class Desk:
    """A platform with a renderer, as the API has them."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform = platform
        self.folder = folder
        self.renderer = StandIn()

    async def make(self, alias: str, html: str, **more: Any) -> Saved:
        made = content(html)
        return await self.change(
            lambda known: self.platform.template_versions.create(
                wish(alias, **more), made, "", known
            )
        )

    async def save(self, name: str, html: str, **more: Any) -> Saved:
        made = content(html, **more)
        return await self.change(
            lambda known: self.platform.template_versions.save("default", name, made, "", known)
        )

    async def edit(self, name: str, number: int, html: str) -> Saved:
        made = content(html)
        return await self.change(
            lambda known: self.platform.template_versions.edit(
                "default", name, number, lambda _: made, None, known
            )
        )

    async def publish(self, name: str, number: int = 1) -> Published:
        return await self.change(
            lambda known: self.platform.template_publications.publish(
                "default", name, number, known
            )
        )

    async def roll_back(self, name: str, number: int | None = None) -> Published:
        return await self.change(
            lambda known: self.platform.template_publications.roll_back(
                "default", name, number, known
            )
        )

    async def change(self, change: Callable[[Examined], T]) -> T:
        return await done(change, self.renderer)

    def bundle(self, name: str, version: int | None = None) -> Bundle:
        """What a process that sends by it would render."""
        self.platform.publish()
        files = TemplateFiles(self.folder)
        found = files.find("default", name, version)
        assert isinstance(found, TemplateEntry), found
        return decode_bundle(files.load(found.digest))

    def actions(self) -> list[tuple[str, dict[str, str]]]:
        entries = reversed(audit_entries(self.platform))
        return [(each.action, dict(each.details)) for each in entries]


@pytest.fixture
def desk(platform: Platform, tmp_path: Path) -> Desk:
    return Desk(platform, tmp_path)


def html(bundle: Bundle, piece: str = "") -> str | None:
    return (bundle.pieces[piece] if piece else bundle).locales["en"].html


async def test_a_version_goes_from_draft_to_published_to_retired(desk: Desk, clock: Clock) -> None:
    made = await desk.make("welcome", "<p>one", name="Welcome mail")
    assert (made.template.alias, made.template.name) == ("welcome", "Welcome mail")
    assert (made.version.number, made.version.state) == (1, "draft")
    assert made.version.author == "tests"
    first = await desk.publish("welcome")
    assert (first.template.published, first.version.state) == (1, "published")
    assert first.version.published == clock.now
    saved = await desk.save("welcome", "<p>two")
    assert (saved.version.number, saved.template.published) == (2, 1)
    assert html(desk.bundle("welcome")) == "<p>one"
    assert html(desk.bundle("welcome", 2)) == "<p>two"
    clock.now = UnixMs(clock.now + 5)
    await desk.publish(made.template.id.upper(), 2)
    assert html(desk.bundle("welcome")) == "<p>two"
    assert html(desk.bundle("welcome", 1)) == "<p>one"
    heads = desk.platform.template_versions.list("default", "welcome")
    assert [(each.number, each.state) for each in heads] == [(2, "published"), (1, "retired")]
    assert [action for action, _ in desk.actions()] == [
        "template.created",
        "template.version_saved",
        "template.published",
        "template.version_saved",
        "template.published",
    ]
    assert desk.actions()[-1][1] == {"alias": "welcome", "version": "2", "renewed": "0"}


async def test_what_is_read_is_what_was_written(desk: Desk) -> None:
    written = Content(
        locales={
            "en": Parts(
                subject="Hi {{ name }}", html="<p>é\0</p>", text="t", amp="<html ⚡4email>"
            ),
            "pt-BR": Parts(subject="Olá", preheader="…", html="<p>"),
        },
        html_kind="mjml",
        syntax="jinja",
        sample={"name": "Ann", "items": [{"price": 1.5}, None]},
        missing="lenient",
        time_zone="Europe/Berlin",
    )
    await desk.change(
        lambda known: desk.platform.template_versions.create(wish("a"), written, "é\nb", known)
    )
    found = desk.platform.template_versions.find("default", "a")
    assert (found.content, found.comment) == (written, "é\nb")
    assert desk.renderer.samples == [Filling(data=written.sample, now=UnixMs(0))]
    bundle = desk.bundle("a", 1)
    assert (bundle.locales, bundle.kind, bundle.missing) == (written.locales, "mjml", "lenient")


async def test_a_draft_can_be_written_anew_and_what_was_published_cannot_vs1(desk: Desk) -> None:
    await desk.make("a", "one")
    edited = await desk.edit("a", 1, "two")
    assert (edited.version.number, html(desk.bundle("a", 1))) == (1, "two")
    await desk.publish("a")
    for _ in range(2):
        with pytest.raises(ConflictError, match="version 1 was published"):
            await desk.edit("a", 1, "three")
        await desk.save("a", "four")
        newest = desk.platform.templates.find("default", "a").newest
        await desk.publish("a", newest)
    assert html(desk.bundle("a", 1)) == "two"


async def test_nothing_is_kept_that_was_not_examined_ex1(desk: Desk) -> None:
    made = content("one")
    with pytest.raises(UnexaminedError) as caught:
        desk.platform.template_versions.create(wish("a"), made, "", Examined())
    (lacking,) = caught.value.lacking
    assert html(lacking.bundle) == "one"
    examined = Examined()
    examined.add(lacking, Examination())
    with pytest.raises(UnexaminedError):
        desk.platform.template_versions.create(wish("a"), content("other"), "", examined)
    more = content("one", sample={"x": 1})
    with pytest.raises(UnexaminedError):
        desk.platform.template_versions.create(wish("a"), more, "", examined)
    assert desk.platform.templates.list("default") == []
    assert desk.actions() == []
    desk.platform.template_versions.create(wish("a"), made, "", examined)
    assert [each.alias for each in desk.platform.templates.list("default")] == ["a"]


async def test_a_problem_refuses_it_and_says_where_ex1(desk: Desk) -> None:
    with pytest.raises(
        TemplateError, match=r"^parts\.html: line 2, column 1: it is broken$"
    ) as caught:
        await desk.make("a", "x\nBROKEN")
    assert (caught.value.field, caught.value.problems[0].line) == ("parts.html", 2)
    assert desk.platform.templates.list("default") == []
    await desk.make("a", "one")
    german = Content(locales={"en": Parts(html="x"), "de": Parts(subject="BROKEN", html="BROKEN")})
    with pytest.raises(TemplateError, match=r"it is broken \(and 1 more\)") as caught:
        await desk.change(
            lambda known: desk.platform.template_versions.save("default", "a", german, "", known)
        )
    assert caught.value.field == "locales.de.subject"
    assert desk.platform.templates.find("default", "a").newest == 1


async def test_hints_come_back_and_refuse_nothing(desk: Desk) -> None:
    made = await desk.make("a", "ODD")
    assert [each.message for each in made.examination.hints] == ["odd"]


async def test_a_layout_that_is_published_takes_effect_in_what_uses_it(desk: Desk) -> None:
    for alias, text in (("footer", "old footer"), ("base", '{% include "footer" %}')):
        await desk.make(alias, text, kind="layout" if alias == "base" else "partial")
        await desk.publish(alias)
    await desk.make("mail", '{% extends "base" %}')
    await desk.publish("mail")
    await desk.save("mail", '{% extends "base" %} draft')
    await desk.save("mail", "alone")
    await desk.make("other", "other")
    await desk.publish("other")
    mail = desk.bundle("mail")
    assert sorted(mail.pieces) == ["base", "footer"]
    await desk.save("footer", "new footer")
    assert html(desk.bundle("mail"), "footer") == "old footer"  # a draft has no effect
    published = await desk.publish("footer", 2)
    assert published.renewed == ("base", "mail")
    assert html(desk.bundle("mail"), "footer") == "new footer"
    assert html(desk.bundle("mail", 2), "footer") == "new footer"  # a draft is made anew, too
    assert html(desk.bundle("mail")) == '{% extends "base" %}'
    assert desk.bundle("other") == desk.bundle("other", 1)
    await desk.publish("mail", 3)
    await desk.roll_back("footer")
    assert html(desk.bundle("mail", 1), "footer") == "new footer"  # what is retired stays
    again = await desk.roll_back("mail")
    assert again.version.number == 1
    assert html(desk.bundle("mail"), "footer") == "old footer"  # and is made anew when it returns


async def test_a_layout_by_which_a_mail_would_break_is_refused(desk: Desk) -> None:
    await desk.make("footer", "fine", kind="partial")
    await desk.publish("footer")
    await desk.make("mail", '{% include "footer" %}')
    await desk.publish("mail")
    await desk.save("footer", "fine, too")
    before = desk.platform.templates.find("default", "footer")

    class Picky(StandIn):
        async def examine(
            self, bundle: Bundle, sample: Filling | None = None, *, tenant: str
        ) -> Examination:
            found = await super().examine(bundle, sample, tenant=tenant)
            if not bundle.pieces:
                return found
            broken = content("BROKEN").locales
            return await super().examine(
                msgspec.structs.replace(bundle, locales=broken), sample, tenant=tenant
            )

    desk.renderer = Picky()
    with pytest.raises(ConflictError, match=r"mail uses it, and could not .* it is broken"):
        await desk.publish("footer", 2)
    assert desk.platform.templates.find("default", "footer") == before
    assert html(desk.bundle("mail"), "footer") == "fine"


async def test_what_is_named_and_not_published_is_refused_at_its_place(desk: Desk) -> None:
    with pytest.raises(TemplateError, match="no layout or partial 'base'") as caught:
        await desk.make("mail", 'x\n  {% extends "base" %}')
    (problem,) = caught.value.problems
    assert (problem.part, problem.line, problem.column) == ("html", 2, 14)
    await desk.make("base", "draft", kind="layout")
    with pytest.raises(TemplateError, match="only what is published counts"):
        await desk.make("mail", '{%- include "base" -%}')
    made = content("x", layout="base")
    with pytest.raises(TenancyError) as refused:
        await desk.change(
            lambda known: desk.platform.template_versions.create(wish("m"), made, "", known)
        )
    assert refused.value.field == "layout"
    await desk.make("mail", "x")
    with pytest.raises(TemplateError):
        await desk.make("third", '{% include "mail" %}')  # a mail is no partial
    kept = await desk.make(
        "told", '{# {% include "no" %} #}{% raw %}{% include "no" %}{% endraw %}'
    )
    assert kept.version.uses == ()


async def test_what_is_used_is_not_removed_and_says_by_whom(desk: Desk) -> None:
    await desk.make("base", "b", kind="layout")
    await desk.publish("base")
    await desk.make("mail", '{% extends "base" %}')
    await desk.publish("mail")
    with pytest.raises(ConflictError, match="cannot be removed: mail uses it"):
        desk.platform.templates.remove("default", "base")
    with pytest.raises(ConflictError, match="alias cannot be changed: mail uses it"):
        desk.platform.templates.change("default", "base", TemplateChange(alias="basis"))
    desk.platform.templates.change("default", "base", TemplateChange(name="Our layout"))
    await desk.save("mail", "alone")
    await desk.publish("mail", 2)
    assert desk.platform.templates.remove("default", "base").name == "Our layout"
    with pytest.raises(NotFoundError, match="no template 'base'"):
        desk.platform.templates.find("default", "base")
    with pytest.raises(TemplateError, match="no layout or partial 'base'"):
        await desk.roll_back("mail")
    assert html(desk.bundle("mail", 1), "base") == "b"


async def test_a_version_is_rolled_back_to_what_was_published_before(
    desk: Desk, clock: Clock
) -> None:
    await desk.make("a", "one")
    with pytest.raises(ConflictError, match="no version of a was published before"):
        await desk.roll_back("a")
    await desk.publish("a")
    for number, text in ((2, "two"), (3, "three"), (4, "draft")):
        await desk.save("a", text)
        clock.now = UnixMs(clock.now + 1)
        if text != "draft":
            await desk.publish("a", number)
    assert (await desk.roll_back("a")).version.number == 2
    clock.now = UnixMs(clock.now + 1)
    assert (await desk.roll_back("a", 1)).version.number == 1
    assert html(desk.bundle("a")) == "one"
    for number, text in ((4, "none that was published"), (1, "none that was"), (9, "no version 9")):
        with pytest.raises(TenancyError, match=text):
            await desk.roll_back("a", number)
    assert desk.actions()[-1][0] == "template.rolled_back"


async def test_a_version_is_removed_but_not_the_published_one_and_no_number_comes_twice(
    desk: Desk,
) -> None:
    await desk.make("a", "one")
    await desk.publish("a")
    await desk.save("a", "two")
    with pytest.raises(ConflictError, match="published one"):
        desk.platform.template_versions.remove("default", "a", 1)
    assert desk.platform.template_versions.remove("default", "a", 2).state == "draft"
    assert (await desk.save("a", "three")).version.number == 3
    files = TemplateFiles(desk.folder)
    desk.platform.publish()
    assert isinstance(files.find("default", "a", 2), TemplateProblem)


async def test_a_copy_is_a_draft_of_its_own(desk: Desk) -> None:
    await desk.make("base", "b", kind="layout")
    await desk.publish("base")
    await desk.save("base", "c")
    copied = await desk.change(
        lambda known: desk.platform.template_versions.copy(wish("copy"), "base", None, known)
    )
    assert (copied.template.kind, copied.version.state) == ("layout", "draft")
    assert copied.version.content == content("b")
    assert copied.version.comment == "copied from base, version 1"


async def test_lists_come_by_pages(desk: Desk) -> None:
    for alias in ("b", "a", "c"):
        await desk.make(alias, "x", kind="partial" if alias == "a" else "mail")
    listed = desk.platform.templates.list
    assert [each.alias for each in listed("default", limit=2)] == ["a", "b"]
    assert [each.alias for each in listed("default", after="b")] == ["c"]
    assert [each.alias for each in listed("default", kind="mail")] == ["b", "c"]
    for _ in range(3):
        await desk.save("a", "x")
    page = desk.platform.template_versions.list("default", "a", limit=2)
    assert [each.number for each in page] == [4, 3]
    rest = desk.platform.template_versions.list("default", "a", before=3)
    assert [each.number for each in rest] == [2, 1]


async def test_another_tenants_template_is_not_there_tpi1(desk: Desk) -> None:
    desk.platform.tenants.create("shop")
    made = await desk.make("a", "x")
    await desk.publish("a")
    assert desk.platform.templates.list("shop") == []
    stores = desk.platform
    for act in (
        stores.templates.find,
        stores.templates.remove,
        stores.template_versions.list,
        stores.template_versions.find,
    ):
        for name in ("a", made.template.id):
            with pytest.raises(NotFoundError):
                act("shop", name)
    with pytest.raises(NotFoundError):
        stores.templates.list("nobody")
    await desk.make("base", "b", kind="layout")
    await desk.publish("base")
    theirs = content('{% extends "base" %}')
    with pytest.raises(TemplateError, match="no layout or partial 'base'"):
        await desk.change(
            lambda known: stores.template_versions.create(
                TemplateWish(tenant="shop", alias="a"), theirs, "", known
            )
        )


async def test_a_tenants_templates_go_with_it(desk: Desk) -> None:
    desk.platform.tenants.create("shop")
    made = content("x")
    await desk.change(
        lambda known: desk.platform.template_versions.create(
            TemplateWish(tenant="shop", alias="a"), made, "", known
        )
    )
    await desk.make("a", "y")
    desk.platform.publish()
    files = TemplateFiles(desk.folder)
    assert isinstance(files.find("shop", "a", 1), TemplateEntry)
    desk.platform.tenants.remove("shop")
    desk.platform.publish()
    assert isinstance(files.find("shop", "a", 1), TemplateProblem)
    assert isinstance(files.find("default", "a", 1), TemplateEntry)


@pytest.mark.parametrize(
    ("wished", "field"),
    [
        ({"alias": ""}, "alias"),
        ({"alias": "-a"}, "alias"),
        ({"alias": "a b"}, "alias"),
        ({"alias": "a" * 101}, "alias"),
        ({"alias": "0198f2f0-0000-7000-8000-00000000abcd"}, "alias"),
        ({"name": "a\0"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"kind": "fax"}, "kind"),
    ],
)
def test_a_wish_that_cannot_be_names_its_field(
    platform: Platform, wished: dict[str, Any], field: str
) -> None:
    with pytest.raises(TenancyError) as caught:
        platform.templates.create(msgspec.structs.replace(wish("ok"), **wished))
    assert caught.value.field == field
    assert platform.templates.list("default") == []


async def test_an_alias_is_given_once_and_can_be_changed(desk: Desk) -> None:
    await desk.make("a", "x")
    await desk.publish("a")
    await desk.make("b", "x")
    with pytest.raises(ConflictError, match="'a' already"):
        desk.platform.templates.create(wish("a"))
    with pytest.raises(ConflictError, match="'b' already"):
        desk.platform.templates.change("default", "a", TemplateChange(alias="b"))
    with pytest.raises(TenancyError, match="alias"):
        desk.platform.templates.change("default", "a", TemplateChange(alias="!"))
    changed = desk.platform.templates.change("default", "a", TemplateChange(alias="c"))
    assert changed.alias == "c"
    assert html(desk.bundle("c")) == "x"
    assert desk.actions()[-1] == ("template.changed", {"alias": "c", "before": "a"})


@pytest.mark.parametrize(
    ("made", "kind", "field"),
    [
        (Content(locales={"de": Parts(html="x")}), "mail", "defaultLocale"),
        (Content(locales={"en": Parts(html="x"), "d e": Parts()}), "mail", "locales"),
        (Content(locales={"en": Parts(subject="x")}), "mail", "parts"),
        (Content(locales={"en": Parts(html="x", subject="é" * 2049)}), "mail", "parts.subject"),
        (
            Content(locales={"en": Parts(html="x"), "de": Parts(text="a" * (1 << 20) + "b")}),
            "mail",
            "locales.de.text",
        ),
        (Content(locales={"en": Parts(html="x")}, layout="base"), "partial", "layout"),
        (Content(locales={"en": Parts(html="x")}, sample={"a": "b" * 262_144}), "mail", "sample"),
    ],
)
async def test_what_cannot_be_written_names_its_field(
    desk: Desk, made: Content, kind: model.Kind, field: str
) -> None:
    with pytest.raises(TenancyError) as caught:
        await desk.change(
            lambda known: desk.platform.template_versions.create(
                wish("a", kind=kind), made, "", known
            )
        )
    assert caught.value.field == field


async def test_what_knows_no_versions_rewrites_the_draft_or_begins_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rewrite(html: str, change: TemplateChange | None = None, **more: Any) -> Saved:
        return await desk.change(
            lambda known: desk.platform.template_versions.rewrite(
                "default",
                "a",
                lambda _: content(html),
                change or TemplateChange(),
                known,
                publish=more.get("publish", False),
            )
        )

    await desk.make("a", "1")
    assert (await rewrite("2", publish=True)).version.number == 1
    draft = await rewrite("3", TemplateChange(name="Title"))
    assert (draft.version.number, draft.version.state, draft.template.name) == (2, "draft", "Title")
    assert (await rewrite("4")).version.number == 2
    assert html(desk.bundle("a")) == "2"
    assert (await rewrite("5", publish=True)).version.number == 2
    assert html(desk.bundle("a")) == "5"
    await desk.make("b", "x")
    with pytest.raises(ConflictError, match="already"):
        await rewrite("6", TemplateChange(alias="b"), publish=True)
    assert html(desk.bundle("a")) == "5"
    monkeypatch.setattr(saving, "MAX_VERSIONS", 2)
    assert (await rewrite("7", publish=True)).version.number == 3
    kept = desk.platform.template_versions.list("default", "a")
    assert [(each.number, each.state) for each in kept] == [(3, "published"), (2, "retired")]
    await desk.change(
        lambda known: desk.platform.template_publications.roll_back("default", "a", None, known)
    )
    # What is worked on is what mail is made of, and not what was taken back
    assert desk.platform.template_versions.find_current("default", "a")[1].number == 2


async def test_counts_and_sizes_are_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.make("a", "x")
    monkeypatch.setattr(saving, "MAX_VERSIONS", 2)
    await desk.save("a", "y")
    with pytest.raises(ConflictError, match="at most 2 versions"):
        await desk.save("a", "z")
    monkeypatch.setattr(store, "MAX_TEMPLATES", 1)
    with pytest.raises(ConflictError, match="at most 1 templates"):
        await desk.make("b", "x")
    monkeypatch.setattr(saving, "MAX_OCTETS", 2000)
    with pytest.raises(ConflictError, match="at most 2000 octets"):
        await desk.edit("a", 2, "y" * 1000)
    assert html(desk.bundle("a", 2)) == "y"
    with pytest.raises(TenancyError, match="comment"):
        await desk.change(
            lambda known: desk.platform.template_versions.edit(
                "default", "a", 1, lambda same: same, "x" * 2001, known
            )
        )


async def test_a_change_that_others_always_outrun_is_given_up() -> None:
    async def change(_: Examined) -> None:
        raise UnexaminedError(())

    with pytest.raises(ConflictError, match="try again"):
        await with_examined(change, StandIn(), "default", UnixMs(0))
