"""Mirrors angarium/insight/dmarc.py: records, the walk up the tree of names, and whose record counts."""

import pytest

from angarium.insight.dmarc import (
    Discovery,
    DmarcRecord,
    DmarcSyntaxError,
    discover,
    is_end_of_walk,
    select_dmarc,
    walk,
)


def record(tags: str = "p=none") -> DmarcRecord:
    found = select_dmarc([f"v=DMARC1; {tags}".encode()])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("domain", "names"),
    [
        ("com", ["com"]),
        ("example.com", ["example.com", "com"]),
        (
            # The example of RFC 9989 section 4.10
            "a.b.c.d.e.f.g.h.i.j.mail.example.com",
            [
                "a.b.c.d.e.f.g.h.i.j.mail.example.com",
                "g.h.i.j.mail.example.com",
                "h.i.j.mail.example.com",
                "i.j.mail.example.com",
                "j.mail.example.com",
                "mail.example.com",
                "example.com",
                "com",
            ],
        ),
        (
            "1.2.3.4.5.6.7.8",
            ["1.2.3.4.5.6.7.8", *(".".join("12345678"[i:]) for i in range(1, 8))],
        ),
    ],
)
def test_the_walk_asks_of_eight_names_at_most(domain: str, names: list[str]) -> None:
    assert walk(domain) == names
    assert len(names) <= 8


@pytest.mark.parametrize(
    ("records", "organization", "at"),
    [
        ({}, "a.mail.example.com", ""),
        ({"example.com": record()}, "example.com", "example.com"),
        (
            {"a.mail.example.com": record(), "example.com": record()},
            "example.com",
            "a.mail.example.com",
        ),
        # What is between does not count
        ({"mail.example.com": record(), "example.com": record()}, "example.com", "example.com"),
        (
            {"mail.example.com": record("p=none; psd=n"), "example.com": record()},
            "mail.example.com",
            "mail.example.com",
        ),
        ({"com": record("p=reject; psd=y")}, "example.com", "com"),
        (
            {"com": record("p=reject; psd=y"), "example.com": record()},
            "example.com",
            "example.com",
        ),
    ],
)
def test_whose_record_counts(records: dict[str, DmarcRecord], organization: str, at: str) -> None:
    found = discover("a.mail.example.com", records)
    assert (found.organization, found.at) == (organization, at)


def test_a_suffix_that_sends_mail_itself_is_its_own_organization() -> None:
    records = {"co.test": record("p=reject; psd=y")}
    assert discover("co.test", records).organization == "co.test"
    assert not is_end_of_walk("co.test", records["co.test"], "co.test")
    assert is_end_of_walk("co.test", records["co.test"], "shop.co.test")


def test_names_below_have_the_policy_for_them() -> None:
    both = Discovery(organization="x.test", at="x.test", record=record("p=reject; sp=none"))
    assert both.policy_of("x.test") == "reject"
    assert both.policy_of("news.x.test") == "none"
    assert Discovery(organization="x.test", at="").policy_of("x.test") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("v=DMARC1", "p= must be"),
        ("v=DMARC1; p=none; sp=all", "sp= must be"),
        ("v=DMARC1; p=none; rubbish", "'rubbish' is no tag=value"),
        ("V=dmarc1; p=none", "in capitals"),
    ],
)
def test_what_receivers_cannot_read_is_named(text: str, words: str) -> None:
    with pytest.raises(DmarcSyntaxError, match=words):
        select_dmarc([text.encode()])


def test_two_records_are_none() -> None:
    with pytest.raises(DmarcSyntaxError, match="2 DMARC records"):
        select_dmarc([b"v=DMARC1; p=none", b"v=DMARC1; p=reject"])
