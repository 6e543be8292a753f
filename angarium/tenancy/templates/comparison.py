"""What else than its parts differs between two versions. Pure."""

from collections.abc import Iterator

import msgspec

from angarium.tenancy.templates.model import Content


def settings_changed(old: Content, new: Content) -> Iterator[str]:
    """Yield a line for each setting that is another one: ``missing: "strict" -> "lenient"``."""
    for name in Content.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if name != "locales" and before != after:
            yield f"{name}: {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    return msgspec.json.encode(value).decode()
