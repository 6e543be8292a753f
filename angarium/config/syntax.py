"""Says in words what is wrong with a text that is not TOML, at its line, and what to write instead. Pure.

tomllib's messages say what its parser wanted; what the operator meant is seen better in the line.
"""

import re
from collections.abc import Sequence

import msgspec

_PLACE = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)")
_HEADER = re.compile(r"\s*\[")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+)\s*")
_UNIT = re.compile(r"[0-9]+ ?(?:[dhms]|ms|[kKmMgG][iI]?[bB]|min|days?|hours?)\b")
_QUOTES = re.compile("[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb]")
_MULTILINE = ('"""', "'" * 3)


class SyntaxFault(msgspec.Struct, frozen=True, kw_only=True):
    line: int  # from 1
    column: int | None  # from 1; None: the whole line
    text: str  # what is wrong, and what to write

    @property
    def place(self) -> str:
        return f"{self.line}" if self.column is None else f"{self.line}:{self.column}"


def find_fault(text: str, message: str) -> SyntaxFault:
    """Return what tomllib's ``message`` about ``text`` comes to."""
    lines = text.splitlines() or [""]
    place = _PLACE.search(message)
    said = _PLACE.sub("", message)
    if place is None or place[1] is None:
        return _at_the_end(lines, said)
    line, column = int(place[1]), int(place[2])
    written = lines[line - 1] if line <= len(lines) else ""
    opened = _opening_of(lines, line) if said.startswith("Unclosed array") else line
    if opened != line:
        words = "the list that begins here is not closed: write a comma between its values and ] at its end"
        return SyntaxFault(line=opened, column=None, text=words)
    return SyntaxFault(line=line, column=column, text=_words(written, column, said))


def _at_the_end(lines: Sequence[str], said: str) -> SyntaxFault:
    """Something was opened and never closed: find where."""
    for mark in _MULTILINE:
        opened = [number for number, each in enumerate(lines, 1) if each.count(mark) % 2]
        if len(opened) % 2:
            text = f"the text that begins here with {mark} is not closed: write {mark} behind it"
            return SyntaxFault(line=opened[-1], column=None, text=text)
    last = next((n for n in range(len(lines), 0, -1) if lines[n - 1].strip()), 1)
    if said.startswith("Unclosed array"):
        text = "the list that begins here is not closed: write ] behind it"
        return SyntaxFault(line=_opening_of(lines, last), column=None, text=text)
    text = _words(lines[last - 1], len(lines[last - 1]), said)
    return SyntaxFault(line=last, column=None, text=text)


def _opening_of(lines: Sequence[str], line: int) -> int:
    """Return the line of the nearest list, at or above ``line``, that its own line does not close."""
    for number in range(min(line, len(lines)), 0, -1):
        written = lines[number - 1]
        _, equals, value = written.partition("=")
        if equals and value.count("[") > value.count("]"):
            return number
    return line


def _words(written: str, column: int, said: str) -> str:
    if _HEADER.match(written):
        return _of_header(written, said)
    if said.startswith(("Illegal character '\\n'", 'Expected "', "Unterminated string")):
        return f"a quote is not closed: write {_quote_of(written)} at both ends of the text"
    if said.startswith("Illegal character"):
        character = said.removeprefix("Illegal character ")
        return f"the character {character} may not stand in a text: remove it"
    if said.startswith("Unescaped '\\'"):
        return "a backslash in double quotes must be doubled; or write the text in single quotes"
    if said.startswith("Cannot overwrite"):
        return f"{_key_of(written)} is given twice: keep one of them"
    if "inline table" in said or "{" in written[:column]:
        return 'a table in braces is one line, { key = "value", other = 2 }, without a comma at its end'
    if said.startswith("Expected '='"):
        return _of_key(written)
    if said.startswith("Unclosed array"):
        return "the list is not closed: write a comma between its values and ] at its end"
    if said.startswith(("Invalid value", "Expected newline")):
        return _of_value(written)
    return f"this is not TOML ({said[:100]}): write key = value, [table], or # before a comment"


def _of_header(written: str, said: str) -> str:
    brackets = "[[", "]]"
    name = written.strip().split("#")[0].strip("[] \t")
    if said.startswith(("Cannot declare", "Cannot overwrite")):
        return f"[{name}] is there already: put its keys together under one [{name}]"
    if not written.lstrip().startswith("[["):
        brackets = "[", "]"
    return (
        f"a table's heading has as many brackets behind the name: {brackets[0]}{name}{brackets[1]}"
    )


def _of_key(written: str) -> str:
    key = _KEY.match(written)
    if key is None:
        return "here must stand key = value"
    rest = written[key.end() :].lstrip(": ")
    if written[key.end() :].startswith(":"):
        return f"write = and not : behind {key[1]}"
    if "=" in rest and "=" not in written[: key.end()]:
        return "a key is one word: write _ for a blank in it"
    return f"behind {key[1]} must stand = and a value"


def _of_value(written: str) -> str:
    key, _, value = written.partition("=")
    key, value = key.strip(), value.strip()
    if not value or value.startswith("#"):
        return f"{key} has no value: write one behind =, or remove the line"
    if _QUOTES.search(value):
        return "these are a typesetter's quotation marks: write plain ones, \" or '"
    if value.lower() in ("true", "false", "yes", "no", "on", "off"):
        meant = "true" if value.lower() in ("true", "yes", "on") else "false"
        return f"write {key} = {meant}, in small letters"
    if _UNIT.match(value):
        return f'a number with a unit is written in quotes: {key} = "{_plain(value)}"'
    if value.count('"') % 2 or value.count("'") % 2:
        return f"a quote is not closed: write {_quote_of(value)} at both ends of the text"
    if value[0] in "\"'":
        return "behind the closing quote may only stand a comment (#): join the texts, or write a list [..., ...]"
    if value.startswith("["):
        return f'texts in a list are in quotes, with commas between them: {key} = ["...", "..."]'
    if not re.fullmatch(r"[0-9_.,+-]+", value) or value.count(".") > 1:
        return f'text is written in quotes: {key} = "{_plain(value)}"'
    return (
        "this is no number: write it without zeros before it, blanks or commas, as in 1000 or 0.5"
    )


def _plain(value: str) -> str:
    return value.split("#")[0].strip().strip("\"'")[:60]


def _quote_of(written: str) -> str:
    return next((each for each in written if each in "\"'"), '"')


def _key_of(written: str) -> str:
    key = _KEY.match(written)
    return key[1] if key else "the key"
