"""Which source a name stands for, while one version is rendered. Pure.

The engine knows a source as ``part:locale:template``: what a part includes is the same part of another template, in the
language that comes nearest. Of the version itself, ``template`` is empty.
"""

from collections.abc import Iterator, Mapping

import msgspec

from angarium.config.languages import nearest
from angarium.templates.bundle import PARTS, Bundle, Part, Parts

# A version with a layout is put into the layout's block, in front of its own first line
_INTO_LAYOUT = "{{% extends {layout} %}}{{% block content %}}"
_END = "{% endblock %}"
_IN_LAYOUTS = frozenset({"html", "text", "amp"})


class SourceName(msgspec.Struct, frozen=True, kw_only=True):
    """Of whom a source is."""

    part: str
    locale: str
    template: str = ""  # "": the version itself

    @classmethod
    def read(cls, name: str) -> "SourceName":
        part, _, rest = name.partition(":")
        locale, _, template = rest.partition(":")
        return cls(part=part, locale=locale, template=template)

    @property
    def text(self) -> str:
        return f"{self.part}:{self.locale}:{self.template}"


class Sources:
    """All sources of one version, by the engine's names of them."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.is_translated = bundle.syntax == "mustache"

    def load(self, name: str) -> str | None:
        """Return a source, as the engine reads it; None: there is none."""
        found = SourceName.read(name)
        source = self._written(found)
        return None if source is None else self._before(found) + source + self._behind(found)

    def before(self, name: str) -> int:
        """Return how many octets of it stand before what its author wrote."""
        return len(self._before(SourceName.read(name)).encode())

    def written(self, name: str) -> str:
        """Return what its author wrote; "" where that is nothing."""
        return self._written(SourceName.read(name)) or ""

    def names(self) -> Iterator[SourceName]:
        """Yield the names of all sources that are written."""
        bundle = self._bundle
        yield from _written(bundle.locales, "")
        for name, piece in bundle.pieces.items():
            yield from _written(piece.locales, name)

    def join(self, template: str, parent: str) -> str:
        """Return the name of what a source includes, extends or imports."""
        found = SourceName.read(parent)
        return SourceName(part=found.part, locale=found.locale, template=template).text

    def _written(self, name: SourceName) -> str | None:
        part: Part = name.part  # type: ignore[assignment]
        if not name.template:
            parts = self._bundle.locales.get(name.locale)
        else:
            piece = self._bundle.pieces.get(name.template)
            if piece is None:
                return None
            tag = nearest(tuple(piece.locales), name.locale, piece.default_locale)
            parts = piece.locales.get(tag)
        return None if parts is None else parts.source(part)

    def _before(self, name: SourceName) -> str:
        if not self._is_laid_out(name):
            return ""
        return _INTO_LAYOUT.format(layout=_quoted(self._bundle.layout))

    def _behind(self, name: SourceName) -> str:
        return _END if self._is_laid_out(name) else ""

    def _is_laid_out(self, name: SourceName) -> bool:
        """Whether it is put into the layout: its own parts are, where the layout has such a part."""
        layout = self._bundle.layout
        if name.template or not layout or name.part not in _IN_LAYOUTS:
            return False
        # Of a layout that is not there, the engine says so
        return layout not in self._bundle.pieces or (
            self._written(msgspec.structs.replace(name, template=layout)) is not None
        )


def _written(locales: Mapping[str, Parts], template: str) -> Iterator[SourceName]:
    for tag, parts in locales.items():
        for each in PARTS:
            if parts.source(each) is not None:
                yield SourceName(part=each, locale=tag, template=template)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
