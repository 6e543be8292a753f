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
