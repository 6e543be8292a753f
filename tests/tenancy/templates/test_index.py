"""Mirrors angarium/tenancy/templates/index.py."""

import pytest

from angarium.tenancy.templates.index import (
    IndexData,
    IndexedTemplate,
    IndexedVersion,
    ProblemOfName,
    TemplateEntry,
    TemplateIndex,
    TemplateProblem,
    dynamic_id,
    id_of_dynamic,
    number_of,
)

ID = "0198f2f0-0000-7000-8000-00000000abcd"
OLD, NOW, DRAFT = (bytes([each]) * 32 for each in (1, 2, 3))
WELCOME = IndexedTemplate(
    tenant="shop",
    id=ID,
    alias="Welcome",
    kind="mail",
    published=2,
    versions=(
        IndexedVersion(1, OLD),
        IndexedVersion(2, NOW),
        IndexedVersion(5, DRAFT, was_published=False),
    ),
)
FOOTER = IndexedTemplate(tenant="shop", id=ID[:-1] + "e", alias="footer", kind="partial")
SOON = IndexedTemplate(
    tenant="shop",
    id=ID[:-1] + "f",
    alias="soon",
    kind="mail",
    versions=(IndexedVersion(1, DRAFT, was_published=False),),
)
INDEX = TemplateIndex(IndexData(templates=(WELCOME, FOOTER, SOON)))


@pytest.mark.parametrize("name", ["Welcome", ID, ID.upper(), str(number_of(ID))])
def test_a_name_means_the_published_version(name: str) -> None:
    assert INDEX.find("shop", name) == TemplateEntry(
        id=ID, alias="Welcome", version=2, digest=NOW.hex(), state="published"
    )


def test_a_number_is_of_its_tenant_and_an_alias_comes_first() -> None:
    number = number_of(ID)
    assert 0 < number <= 2**48
    other = INDEX.find("other", str(number))  # TPI1
    assert isinstance(other, TemplateProblem)
    assert other.problem is ProblemOfName.UNKNOWN
    named = IndexedTemplate(
        tenant="shop",
        id=ID[:-1] + "0",
        alias=str(number),
        kind="mail",
        published=1,
        versions=(IndexedVersion(1, OLD),),
    )
    found = TemplateIndex(IndexData(templates=(named, WELCOME))).find("shop", str(number))
    assert isinstance(found, TemplateEntry)
    assert found.alias == str(number)


@pytest.mark.parametrize(
    ("number", "digest", "state"),
    [(1, OLD, "retired"), (2, NOW, "published"), (5, DRAFT, "draft")],
)
def test_a_number_means_that_version_whatever_its_state(
    number: int, digest: bytes, state: str
) -> None:
    found = INDEX.find("shop", "Welcome", number)
    assert isinstance(found, TemplateEntry)
    assert (found.version, found.digest, found.state) == (number, digest.hex(), state)


@pytest.mark.parametrize(
    ("tenant", "name", "number", "problem", "text"),
    [
        ("shop", "welcome", None, ProblemOfName.UNKNOWN, "there is no template 'welcome'"),
        ("shop", "", None, ProblemOfName.UNKNOWN, "there is no"),
        ("shop", "Welcome", 3, ProblemOfName.NO_VERSION, "Welcome has no version 3"),
        ("shop", "soon", None, ProblemOfName.UNPUBLISHED, "publish one"),
        ("shop", "footer", None, ProblemOfName.NO_MAIL, "is a partial"),
    ],
)
def test_a_name_that_means_no_mail_says_why(
    tenant: str, name: str, number: int | None, problem: ProblemOfName, text: str
) -> None:
    found = INDEX.find(tenant, name, number)
    assert isinstance(found, TemplateProblem)
    assert found.problem is problem
    assert text in found.text


def test_what_vendors_clients_call_a_template_or_version_is_understood() -> None:
    tagged = IndexedTemplate(
        tenant="shop",
        id=ID[:-1] + "7",
        alias="tagged",
        kind="mail",
        published=2,
        versions=(
            IndexedVersion(1, OLD, tag="one"),
            IndexedVersion(2, NOW, tag="one"),
            IndexedVersion(3, OLD, tag="one"),
            IndexedVersion(4, DRAFT, was_published=False, tag="two"),
            IndexedVersion(5, DRAFT, was_published=False, tag="two"),
            IndexedVersion(6, OLD, tag="4"),
        ),
    )
    index = TemplateIndex(IndexData(templates=(tagged, WELCOME)))
    id_ = dynamic_id(tagged.id)
    assert id_ == "d-0198f2f000007000800000000000abc7"
    assert id_of_dynamic(id_.upper()) == tagged.id
    assert [id_of_dynamic(each) for each in ("d-x", tagged.id, f"{id_}0")] == ["", "", ""]
    for name in (id_, id_.upper(), "TAGGED"):
        found = index.find("shop", name)
        assert isinstance(found, TemplateEntry)
        assert (found.alias, found.version) == ("tagged", 2)
    # Of several with one tag the published one counts, or else the newest; a tag comes before a number
    for tag, number in (("one", 2), ("ONE", 2), ("two", 5), ("4", 6), ("5", 5)):
        found = index.find("shop", "tagged", tag)
        assert isinstance(found, TemplateEntry)
        assert found.version == number
    for tag in ("three", "7", "", "9" * 30):
        missing = index.find("shop", "tagged", tag)
        assert isinstance(missing, TemplateProblem)
        assert missing.problem is ProblemOfName.NO_VERSION


def test_another_tenants_template_is_not_there_tpi1() -> None:
    other = IndexedTemplate(
        tenant="bank", id=ID[:-1] + "9", alias="Welcome", kind="mail", published=1,
        versions=(IndexedVersion(1, DRAFT),),
    )  # fmt: skip
    index = TemplateIndex(IndexData(templates=(WELCOME, other)))
    found = index.find("bank", "Welcome")
    assert isinstance(found, TemplateEntry)
    assert found.digest == DRAFT.hex()
    assert isinstance(index.find("bank", ID), TemplateProblem)
    assert isinstance(index.find("bank", "Welcome", 2), TemplateProblem)
