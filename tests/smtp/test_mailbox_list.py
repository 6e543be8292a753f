"""Mirrors angarium/smtp/mailbox_list.py."""

import contextlib
import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.smtp.mailbox_list import (
    MAX_CHARACTERS,
    MAX_MAILBOXES,
    MailboxListSyntaxError,
    parse_mailbox_list,
)


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("a@b.example", ["a@b.example"]),
        ("<a@b.example>", ["a@b.example"]),
        ("Joe <a@b.example>", ["a@b.example"]),
        ("J. Doe <a@b.example>", ["a@b.example"]),
        ('"Doe, Joe" <a@b.example>', ["a@b.example"]),
        ('"a \\" b" <a@b.example>', ["a@b.example"]),
        ('"ceo@bank.example" <a@b.example>', ["a@b.example"]),
        ("=?utf-8?Q?J=C3=B6rg?= <a@b.example>", ["a@b.example"]),
        ("Jörg <a@b.example>", ["a@b.example"]),
        ("a@b.example (Joe (the one) \\) Doe)", ["a@b.example"]),
        ("(x) Joe (y) <a@b.example> (z)", ["a@b.example"]),
        ("a@b.example <a@b.example>", ["a@b.example"]),
        ("A@Sender.test <a@sender.test>", ["a@sender.test"]),
        ("a@B.example <A@b.Example>", ["A@b.Example"]),
        ("a@Bücher.example <a@xn--bcher-kva.example>", ["a@xn--bcher-kva.example"]),
        ("'A@b.example' <a@b.example>", ["a@b.example"]),
        ("x@y.example, A@B.example <a@b.example>", ["x@y.example", "a@b.example"]),
        ("a@b_c.example", ["a@b_c.example"]),
        ('"a b"@c.example', ['"a b"@c.example']),
        ("Joe <a@[192.0.2.1]>", ["a@[192.0.2.1]"]),
        ("Joe<a@b.example>", ["a@b.example"]),
        ("a@b.example, Joe <c@d.example>", ["a@b.example", "c@d.example"]),
        ("Us: a@b.example, Joe <c@d.example>;", ["a@b.example", "c@d.example"]),
        ("Us: a@b.example;, None:;, e@f.example", ["a@b.example", "e@f.example"]),
    ],
)
def test_a2_each_author_is_found(value: str, addresses: list[str]) -> None:
    assert [each.text for each in parse_mailbox_list(value)] == addresses


def test_a4_the_domain_is_in_a_labels() -> None:
    assert parse_mailbox_list("Jörg <j@BÜCHER.example>")[0].domain == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "value",
    [
        *("", "Joe", "undisclosed-recipients:;", "<>", "Joe <>", "a@", "@b", "a@b@c.example"),
        *("a@b.example,", ",a@b.example", "a@b.example,,c@d.example", "a@b.example c@d.example"),
        *("<a@b.example> <c@d.example>", "<a@b.example> Joe", "a@b.example <c@d.example>"),
        *(
            "'b@b.example' <a@b.example>",
            "'a@b.example <a@b.example>",
            "a'@b.example <a@b.example>",
        ),
        *("a@b.example.org <a@b.example>", "evil@x.example Joe <a@b.example>", "Joe <a@b.example"),
        *(
            "<@x.example,@y.example:a@b.example>",
            "<a @b.example>",
            "<a@ b.example>",
            "a @b.example",
        ),
        *(
            "a@b .example",
            "a(c)@b.example",
            "a@(c)b.example",
            "<(c)a@b.example>",
            "<<a@b.example>>",
        ),
        *(
            '"Joe <a@b.example>',
            '"Joe" x@y.example <a@b.example>',
            "(Joe a@b.example",
            "Joe) <a@b.example>",
        ),
        *(
            "a@b.example;",
            "Us: a@b.example",
            "Us: In: a@b.example;;",
            "Us: a@b.example,;",
            "a..b@c.example",
        ),
        *(
            ".a@b.example",
            "a@b..example",
            "a@-b.example",
            "a@[1.2.3]",
            "[a]@b.example",
            "a\\@b@c.example",
            '"a@b.example"@c.example',
            'Joe <"a@b.example"@c.example>',
        ),
        *(
            "Joe\x00 <a@b.example>",
            "Joe\x85 <a@b.example>",
            '"\r\n" <a@b.example>',
            "Joe: <a@b.example>",
        ),
        *(
            "a@b.example\n",
            "<a@b.example>\n",
            "a@b.example\u2028",
            "((((((((((((x)))))))))))) a@b.example",
        ),
        ("a@b.example," * (MAX_MAILBOXES + 1))[:-1],
    ],
)
def test_a2_a3_what_can_be_read_in_two_ways_is_refused(value: str) -> None:
    with pytest.raises(MailboxListSyntaxError) as caught:
        parse_mailbox_list(value)
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "part",
    [
        *(
            "(",
            ")",
            "()",
            "((x)",
            ",",
            "<",
            ">",
            "<>",
            '"',
            '""',
            "\\",
            '"\\',
            "@",
            "a@",
            "a",
            "a ",
            "a.",
            ".",
            ":",
        ),
        *(
            ";",
            "a:;",
            "a:;,",
            "x@y,",
            "<x@y>,",
            " ",
            "\t",
            "[",
            "=?x?q?",
            "é",
            "\x80",
            '"a" ',
            "(x) ",
        ),
    ],
)
def test_c4_hostile_input_takes_linear_time(part: str) -> None:
    value = part * ((MAX_CHARACTERS - 20) // len(part))
    longest = part * (1_000_000 // len(part))
    ends = (value, value + "<a@b.example>", "<a@" + value, '"' + value, "(" + value, longest)
    for text in ends:
        began = time.process_time()
        with contextlib.suppress(MailboxListSyntaxError):
            parse_mailbox_list(text)
        assert time.process_time() - began < 0.5  # quadratic: minutes


ATOM = st.text(st.sampled_from("abcXYZ019!#$%&'*+-/=?^_`{|}~"), min_size=1, max_size=10)
NAME = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@given(st.lists(st.tuples(NAME, ATOM), min_size=1, max_size=5))
def test_what_python_writes_is_read(mailboxes: list[tuple[str, str]]) -> None:
    value = ", ".join(
        email.utils.formataddr((name, f"{local}@b.example")) for name, local in mailboxes
    )
    assert [each.text for each in parse_mailbox_list(value)] == [
        f"{local}@b.example" for _, local in mailboxes
    ]


@given(st.text(st.sampled_from('ab@.<>(),:;" \\[]=?\té'), max_size=40))
def test_a3_what_is_accepted_python_reads_the_same_way(value: str) -> None:
    try:
        authors = parse_mailbox_list(value)
    except MailboxListSyntaxError:
        return
    assert authors
    # Elsewhere Python's reader is the laxer one.
    if value.isascii() and not set(value) & set(':;(\\"'):
        reference = [address for _, address in email.utils.getaddresses([value])]
        assert [each.text for each in authors] == reference
