"""Mirrors angarium/content/mailbox.py."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.content.letter import LetterError, Mailbox
from angarium.content.mailbox import MAX_MAILBOXES, read_mailbox, read_mailboxes


def pair(mailbox: Mailbox) -> tuple[str, str]:
    return mailbox.name, mailbox.address.text


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("a@b.test", "", "a@b.test"),
        (" a@b.test ", "", "a@b.test"),
        ("<a@b.test>", "", "a@b.test"),
        ("Ann <a@b.test>", "Ann", "a@b.test"),
        ("Ann<a@b.test>", "Ann", "a@b.test"),
        ('"Name, X" <a@b.test>', "Name, X", "a@b.test"),
        (r'"a \"b\" \\" <a@b.test>', 'a "b" \\', "a@b.test"),
        ('"" <a@b.test>', "", "a@b.test"),
        ("J. Doe (Shop): [x] <a@b.test>", "J. Doe (Shop): [x]", "a@b.test"),
        ("Grüße 日本 😀 <a@b.test>", "Grüße 日本 😀", "a@b.test"),
        ("a@b.test <a@b.test>", "a@b.test", "a@b.test"),
        ('"x @ y" <a@b.test>', "x @ y", "a@b.test"),
        ('"two words"@b.test', "", '"two words"@b.test'),
        ("user+tag@Sub.B.test", "", "user+tag@Sub.B.test"),
        ("a@bücher.example", "", "a@xn--bcher-kva.example"),
        ("почта@пример.рф", "", "почта@xn--e1afmkfd.xn--p1ai"),
        ("用户@例子.测试", "", "用户@xn--fsqu00a.xn--0zwm56d"),
        ("Яндекс Mail <a@b.test>", "Яндекс Mail", "a@b.test"),
    ],
)
def test_one_is_read(text: str, name: str, address: str) -> None:
    assert pair(read_mailbox(text, "to")) == (name, address)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("plain", "no address"),
        ("@b.test", "no address"),
        ("a@", "no address"),
        ("a@b..test", "no address"),
        ("a..b@c.test", "no address"),
        ("a b@c.test", "no address"),
        ("a@-b.test", "no address"),
        ("a@b.test>", "without <"),
        ("Ann <>", "no address"),
        ("Ann <a@b.test", "no address"),
        ("Ann <<a@b.test>>", "no address"),
        ("a@b.test, c@d.test", "several"),
        ("a@b.test; c@d.test", "several"),
        ("X, Ann <a@b.test>", "several"),
        ("c@d.test <a@b.test>", "@ in its name"),
        ('"Ann" x <a@b.test>', "quotes do not match"),
        ('"Ann <a@b.test>', "quotes do not match"),
        ('An"n <a@b.test>', "quotes around all"),
        ("<c@d.test> <a@b.test>", "quotes around all"),
        ("a@b.test (comment)", "no address"),
        ("friends: a@b.test;", "several"),
        ("<@c.test:a@b.test>", "Source routes"),
        ('"a@b.test"@c.test', "two @"),
        ("a@b.test\r\nBcc: c@d.test", "'\\r'"),
        ("Ann\n <a@b.test>", "'\\n'"),
        ("a\x00@b.test", "'\\x00'"),
        ("Ann\x85 <a@b.test>", "'\\x85'"),
        ("Ann\u2028 <a@b.test>", "'\\u2028'"),
        ("Ann\u2029 <a@b.test>", "'\\u2029'"),
        ("Ann\t <a@b.test>", "'\\t'"),
        ("\u202etset.b@a <a@b.test>", "'\\u202e'"),
        ("\ud800 <a@b.test>", "'\\ud800'"),
        ("a\u200b@b.test", "invisible"),
        ("a@b\u00ad.test", "invisible"),
        ("x" * 300 + "@b.test", "Local part"),
        ("a@" + "x." * 200 + "test", "no address"),
        ("N" * 2000 + " <a@b.test>", "1000 characters"),
        ("a@g\u043e\u043egle.test", "passes for another"),  # Cyrillic o
        ("a@xn--ggle-55da.test", "passes for another"),
        ("a@\u0430\u0440\u0440\u04cf\u0435.test", "passes for another"),  # all Cyrillic
        ("\u0430dmin@b.test", "one alphabet"),
        ("\uff41dmin@b.test", "one alphabet"),  # full width
        ("a@\uff42.test", "looks like b.test"),
    ],
)
def test_what_is_not_one_is_refused_by_field(text: str, words: str) -> None:
    with pytest.raises(LetterError) as raised:
        read_mailbox(text, "to[1]")
    assert raised.value.field == "to[1]"
    assert words in raised.value.reason


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a@b.test", [("", "a@b.test")]),
        ("a@b.test,c@d.test", [("", "a@b.test"), ("", "c@d.test")]),
        (' "X, Y" <a@b.test> , Z <c@d.test>, ', [("X, Y", "a@b.test"), ("Z", "c@d.test")]),
        ('"x\\", y" <a@b.test>, c@d.test', [('x", y', "a@b.test"), ("", "c@d.test")]),
    ],
)
def test_a_list_is_read(text: str, pairs: list[tuple[str, str]]) -> None:
    assert [pair(each) for each in read_mailboxes(text, "To")] == pairs


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "To"),
        (" , ,", "To"),
        ("x", "To"),
        ("a@b.test, x", "To[1]"),
        ('a@b.test, "X', "To"),
        ("a@b.test c@d.test", "To"),
        (",".join(["a@b.test"] * (MAX_MAILBOXES + 1)), "To"),
    ],
)
def test_a_list_that_is_none_is_refused_by_place(text: str, field: str) -> None:
    with pytest.raises(LetterError) as raised:
        read_mailboxes(text, "To")
    assert raised.value.field == field


@given(st.text(max_size=60))
@example('"' + '\\"' * 30)
def test_what_is_read_is_safe_to_write(text: str) -> None:
    """C1, A3: a name or address that was read has no line end, and is read equal again when it is written."""
    try:
        found = read_mailboxes(text, "to")
    except LetterError:
        return
    for each in found:
        assert not set("\r\n\0\x85\u2028\u2029") & set(each.name + each.address.text)
        name = each.name.replace("\\", "\\\\").replace('"', '\\"')
        assert read_mailbox(f'"{name}" <{each.address.text}>', "to") == each


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 500_000, "," * 1_000_000, '"a"' * 300_000, "<" * 999_999]
)
def test_hostile_lists_take_linear_time(text: str) -> None:
    """C4: a million characters; what is not linear would take hours."""
    with pytest.raises(LetterError):
        read_mailboxes(text, "to")
