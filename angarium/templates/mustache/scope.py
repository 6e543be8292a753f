"""What names mean at a place of a mustache: what is here, what is around it, which loop runs. Pure."""

from typing import Final

import msgspec

from angarium.templates.mustache import writing
from angarium.templates.mustache.expressions import Path
from angarium.templates.mustache.fault import MustacheError

# What the context of each rendering has, beside the variables: all data, and what is here where a partial begins
ROOT: Final = "_root"
HERE: Final = "_here"


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's names of what a loop has for each item."""

    item: str
    index: str
    key: str
    is_last: str

    def data(self, name: str) -> str | None:
        return {
            "index": self.index,
            "key": self.key,
            "first": f"({self.index} == 0)",
            "last": self.is_last,
        }.get(name)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Expressions of what is here, the innermost last, and of the loops and names around."""

    heres: tuple[str, ...] = (HERE,)
    loops: tuple[Loop, ...] = ()
    names: tuple[tuple[str, str], ...] = ()  # of ``as |item|``, with their expressions
    partials: frozenset[str] = frozenset()  # inline ones that are defined here

    @property
    def here(self) -> str:
        return self.heres[-1]

    def inside(self, *heres: str) -> "Scope":
        return msgspec.structs.replace(self, heres=(*self.heres, *heres))

    def in_loop(self, loop: Loop, *, around: tuple[str, ...] = ()) -> "Scope":
        """``around``: what is up one from an item and not the present place."""
        return msgspec.structs.replace(
            self, heres=(*self.heres, *around, loop.item), loops=(*self.loops, loop)
        )

    def named(self, names: dict[str, str]) -> "Scope":
        return msgspec.structs.replace(self, names=(*names.items(), *self.names))

    def with_partial(self, name: str) -> "Scope":
        return msgspec.structs.replace(self, partials=self.partials | {name})

    def write(self, path: Path) -> str:
        """Return the expression of a path. Raises MustacheError. More ups than there are end at the outermost."""
        names = path.names
        if path.is_data:
            return self._write_data(path)
        start = self.heres[max(len(self.heres) - 1 - path.ups, 0)]
        if names and not path.is_explicit:
            known = dict(self.names).get(names[0])
            if known is not None:
                start, names = known, names[1:]
        for name in names:
            start = writing.member(start, name)
        return start

    def _write_data(self, path: Path) -> str:
        if not path.names:
            raise MustacheError(path.offset, "a name is missing behind @")
        first, *others = path.names
        if first == "root":
            written = ROOT
        else:
            loop = self.loops[-1 - path.ups] if path.ups < len(self.loops) else None
            found = None if loop is None else loop.data(first)
            if found is None:
                raise MustacheError(
                    path.offset,
                    f"@{first} is not known here: @root, and in each @index, @key, @first, @last",
                )
            written = found
        for name in others:
            written = writing.member(written, name)
        return written
