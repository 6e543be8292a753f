"""Short ways to a template and to what comes of it."""

from typing import Any

from angarium.templates.bundle import Bundle, Parts, Piece
from angarium.templates.compiled import Compiled
from angarium.templates.mustache.translation import Dialect, translate
from angarium.templates.rendering import Filling, Problem, Rendered


def bundle(*, locale: str = "en", **words: Any) -> Bundle:
    """A version in one language: parts by their names, and whatever else a bundle has."""
    parts = {each: words.pop(each) for each in list(words) if each in Parts.__struct_fields__}
    return Bundle(locales={locale: Parts(**parts)}, default_locale=locale, **words)


def piece(**parts: str) -> Piece:
    return Piece(locales={"en": Parts(**parts)})


def fill(made: Bundle, data: dict[str, Any] | None = None, **words: Any) -> Rendered | Problem:
    return Compiled(made).render(Filling(data=data or {}, **words))


def filled(made: Bundle, data: dict[str, Any] | None = None, **words: Any) -> Rendered:
    rendered = fill(made, data, **words)
    assert isinstance(rendered, Rendered), rendered
    return rendered


def text(source: str, data: dict[str, Any] | None = None, **words: Any) -> str:
    """What comes of a text part in a strict template."""
    found = filled(bundle(text=source), data, **words).text
    assert found is not None
    return found


def problem(made: Bundle, data: dict[str, Any] | None = None, **words: Any) -> Problem:
    found = fill(made, data, **words)
    assert isinstance(found, Problem), found
    return found


def translated(source: str, dialect: Dialect = "mustache") -> str:
    found = translate(source, dialect)
    assert isinstance(found, str), found
    return found


def mustache(source: str, data: dict[str, Any] | None = None, dialect: Dialect = "mustache") -> str:
    """What comes of the HTML part of a vendor's template."""
    made = bundle(html=translated(source, dialect), syntax="mustache")
    found = filled(made, data).html
    assert found is not None
    return found
