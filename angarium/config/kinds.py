"""What kind of value the schema has at a key: asked by whoever reads a file before it is a ``Config``. Pure."""

from typing import Final, Literal

import msgspec

from angarium.config.error import KeyPath
from angarium.config.schema import Config

CONFIG: Final = msgspec.inspect.type_info(Config)
Quantity = Literal["duration", "size", "rate"]


def find_kind(path: KeyPath) -> msgspec.inspect.Type | None:
    """Return the kind of the key at ``path``; None: the schema has no such key."""
    kind: msgspec.inspect.Type = CONFIG
    for step in path:
        match kind:
            case msgspec.inspect.StructType(fields=fields):
                found = next((each.type for each in fields if each.encode_name == step), None)
                if found is None:
                    return None
                kind = found
            case msgspec.inspect.VarTupleType(item_type=item):
                kind = item
            case _:
                return None
    return kind


def bare_kind(kind: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """Return the kind of what is written: that something may be left out is not."""
    if isinstance(kind, msgspec.inspect.UnionType):
        kind = next(each for each in kind.types if not isinstance(each, msgspec.inspect.NoneType))
        return bare_kind(kind)
    return kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind


def find_quantity(kind: msgspec.inspect.Type) -> Quantity | None:
    """Return whether the key takes a duration, a size or a rate; None: none (``schema`` says so at the type)."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return next(filter(None, map(find_quantity, kind.types)), None)
    if isinstance(kind, msgspec.inspect.Metadata) and kind.extra:
        found: Quantity | None = kind.extra.get("quantity")
        return found
    return None
