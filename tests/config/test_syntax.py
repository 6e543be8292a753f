"""Mirrors angarium/config/syntax.py: mistakes that people make, and what each is told, at which line."""

import tomllib

import pytest

from angarium.config.syntax import SyntaxFault, find_fault

SERVER = '[server]\nhostname = "mx1.example.com"\n'


def fault(text: str) -> SyntaxFault:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    return find_fault(text, str(caught.value))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[server]\nhostname = mx1.example.com\n", 2, 'hostname = "mx1.example.com"'),
        ('[server]\nhostname = "mx1\ndata_dir = "/x"\n', 2, 'a quote is not closed: write "'),
        ("[server]\nhostname = 'mx1\n\n", 2, "a quote is not closed: write '"),
        ('[server]\nhostname = "mx1', 2, "a quote is not closed"),
        (SERVER + 'a = mx1"\n', 3, "a quote is not closed"),
        (SERVER + 'a = """x\ny\n[queue]\n', 3, 'write """ behind it'),
        (SERVER + 'a = [\n"x",\n"y\n]\n', 5, "a quote is not closed"),
        (SERVER + "a = \u201cx\u201d\n", 3, "plain ones"),
        ("[server\nhostname = 1\n", 1, "[server]"),
        (SERVER + "[[listener]\nkind = 1\n", 3, "[[listener]]"),
        (SERVER + "[server]\na = 1\n", 3, "[server] is there already"),
        (SERVER + "[[server]]\n", 3, "[server] is there already"),
        (SERVER + 'hostname = "b"\n', 3, "hostname is given twice"),
        (SERVER + 'data_dir: "b"\n', 3, "write = and not : behind data_dir"),
        (SERVER + 'include "b"\n', 3, "behind include must stand ="),
        (SERVER + "data dir = 1\n", 3, "write _ for a blank"),
        (SERVER + "a =\n", 3, "a has no value"),
        (SERVER + "a = # none\n", 3, "a has no value"),
        (SERVER + "a = True\n", 3, "a = true, in small"),
        (SERVER + "a = no\n", 3, "a = false, in small"),
        (SERVER + "a = 5d\n", 3, 'a number with a unit is written in quotes: a = "5d"'),
        (SERVER + "a = 64MB  # large\n", 3, 'a = "64MB"'),
        (SERVER + "a = 1h30m\n", 3, "in quotes"),
        (SERVER + "a = 192.0.2.1:25\n", 3, 'a = "192.0.2.1:25"'),
        (SERVER + "a = 1,000\n", 3, "no number"),
        (SERVER + "a = 007\n", 3, "no number"),
        (SERVER + "a = [1, 2\nb = 3\n", 3, "the list that begins here is not closed"),
        (SERVER + "a = [1, 2\n\n", 3, "the list that begins here is not closed"),
        (SERVER + "a = [1 2]\n", 3, "a comma between"),
        (SERVER + "a = [x]\n", 3, "texts in a list are in quotes"),
        (SERVER + "a = {x = 1\ny = 2}\n", 3, "in braces is one line"),
        (SERVER + "a = {x: 1}\n", 3, "in braces is one line"),
        (SERVER + 'a = "C:\\dir"\n', 3, "must be doubled"),
        (SERVER + 'a = "x" "y"\n', 3, "behind the closing quote"),
        (SERVER + 'a = "x\x07"\n', 3, "remove it"),
        (SERVER + "; comment\n", 3, "# before a comment"),
    ],
)
def test_a_mistake_is_told_in_words_at_its_line(text: str, line: int, words: str) -> None:
    found = fault(text)
    assert (found.line, words in found.text) == (line, True), found


def test_the_column_is_the_parsers() -> None:
    assert fault("[server]\nhostname = mx1\n").place == "2:12"
