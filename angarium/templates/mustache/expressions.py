"""What stands in a tag: a path, a literal, or a helper with what it is given. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from angarium.templates.mustache.fault import MustacheError

_BLANKS: Final = re.compile(r"\s*")
_STRING: Final = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?(?=[\s=)|]|\Z)")
_WORD: Final = re.compile(r"(true|false|null|undefined)(?=[\s)|]|\Z)")
_HASH: Final = re.compile(r"([^\s=()|\"'\[\]{}]+)\s*=(?!=)")
# As Handlebars has names: anything but blanks and its own marks
_NAME: Final = re.compile(r"[^\s!\"#%&'()*+,./;<=>@\[\\\]^`{|}~]+")
_BRACKETS: Final = re.compile(r"\[([^\]]*)\]")
_AS: Final = re.compile(r"as\s+\|([^|]*)\|\s*\Z")
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "undefined": None}
MAX_NESTED: Final = 10  # ours: helpers in helpers
MAX_ARGUMENTS: Final = 50  # ours


class Literal(msgspec.Struct, frozen=True):
    value: str | int | float | bool | None


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """``../order.items.[0]`` is one up, then three names."""

    ups: int = 0
    is_data: bool = False  # @index, @root.name
    is_explicit: bool = False  # this.name, ./name: no helper and no name of a block
    names: tuple[str, ...] = ()  # none: what is here
    offset: int = 0


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A helper, or a path alone."""

    head: "Path | Literal | Call"
    arguments: "tuple[Path | Literal | Call, ...]" = ()
    words: "Mapping[str, Path | Literal | Call]" = {}
    names: tuple[str, ...] = ()  # of ``as |item index|``
    offset: int
    in_brackets: bool = False  # then it is a helper, whatever it is given


Expression = Path | Literal | Call


def parse(text: str, offset: int) -> Call:
    """Read a whole tag. Raises MustacheError."""
    return _Reader(text, offset).tag()


class _Reader:
    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._offset = offset
        self._at = 0

    def tag(self) -> Call:
        call = self._call(0)
        if self._at < len(self._text):
            raise self._fault("this is not understood here")
        return call

    def _call(self, depth: int) -> Call:
        if depth > MAX_NESTED:
            raise self._fault(f"helpers are nested deeper than {MAX_NESTED}")
        self._blanks()
        offset = self._offset + self._at
        head = self._one(depth)
        arguments: list[Expression] = []
        words: dict[str, Expression] = {}
        names: tuple[str, ...] = ()
        while True:
            self._blanks()
            if self._at >= len(self._text) or self._text[self._at] == ")":
                break
            if found := _AS.match(self._text, self._at):
                names, self._at = tuple(found[1].split()), len(self._text)
                break
            if found := _HASH.match(self._text, self._at):
                self._at = found.end()
                self._blanks()
                words[found[1]] = self._one(depth)
            elif words:
                raise self._fault("what has no name stands in front of what has one")
            else:
                arguments.append(self._one(depth))
            if len(arguments) + len(words) > MAX_ARGUMENTS:
                raise self._fault(f"a helper is given more than {MAX_ARGUMENTS} things")
        return Call(head=head, arguments=tuple(arguments), words=words, names=names, offset=offset)

    def _one(self, depth: int) -> Expression:
        if self._text.startswith("(", self._at):
            self._at += 1
            call = self._call(depth + 1)
            if not self._text.startswith(")", self._at):
                raise self._fault("a bracket is not closed")
            self._at += 1
            return msgspec.structs.replace(call, in_brackets=True)
        for pattern, value in ((_STRING, _string), (_NUMBER, _number), (_WORD, _word)):
            if found := pattern.match(self._text, self._at):
                self._at = found.end()
                return Literal(value(found))
        return self._path()

    def _path(self) -> Path:
        ups, start = 0, self._offset + self._at
        is_data = is_explicit = False
        names: list[str] = []
        if self._text.startswith("@", self._at):
            is_data, self._at = True, self._at + 1
        while True:
            if self._text.startswith("..", self._at):
                ups, self._at = ups + 1, self._at + 2
                is_explicit = True
            elif self._text.startswith(".", self._at) and not names:
                self._at += 1
                is_explicit = True
                if self._text.startswith("/", self._at):
                    self._at += 1
                    continue
                break
            elif found := _BRACKETS.match(self._text, self._at):
                names.append(found[1])
                self._at = found.end()
            elif found := _NAME.match(self._text, self._at):
                if found[0] == "this" and not names and not is_data:
                    is_explicit = True
                else:
                    names.append(found[0])
                self._at = found.end()
            else:
                raise self._fault("a name is missing here")
            if self._text[self._at : self._at + 1] not in (".", "/"):
                break
            self._at += 1
            if self._at >= len(self._text) and ups and not names:
                break  # "../" alone is what is one up
        return Path(
            ups=ups,
            is_data=is_data,
            is_explicit=is_explicit,
            names=tuple(names),
            offset=start,
        )

    def _blanks(self) -> None:
        found = _BLANKS.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _fault(self, message: str) -> MustacheError:
        near = self._text[self._at : self._at + 30].strip()
        return MustacheError(
            self._offset + self._at, f"{message}: {near!r}" if near else f"{message}"
        )


def _string(found: re.Match[str]) -> str:
    return found[1] if found[1] is not None else found[2]


def _number(found: re.Match[str]) -> int | float:
    return float(found[0]) if "." in found[0] else int(found[0])


def _word(found: re.Match[str]) -> Any:
    return _WORDS[found[0]]
