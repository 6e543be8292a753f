"""Mirrors angarium/config/reference.py."""

from pathlib import Path

import msgspec

from angarium.config import schema
from angarium.config.reference import render

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_document_is_current() -> None:
    message = "make it anew: python -m angarium.config.reference docs/configuration.md"
    assert DOCUMENT.read_text(encoding="utf-8") == render(), message


def test_every_key_is_in_it() -> None:
    text = render()
    for name in dir(schema):
        table = getattr(schema, name)
        if (
            isinstance(table, type)
            and issubclass(table, msgspec.Struct)
            and table is not schema.Config
        ):
            for key in table.__struct_fields__:
                assert f"`{key}`" in text or f".{key}]" in text or f"[].{key}`" in text, key
