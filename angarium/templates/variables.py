"""What a template says of the variables that it is filled with: a small subset of JSON Schema. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

VariableType = Literal["any", "string", "number", "integer", "boolean", "array", "object"]
VariableFormat = Literal["", "date", "time", "date-time", "email", "uri"]


class Variable(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What is known of one. A key that is not understood is refused by name, instead of being ignored."""

    type: VariableType = "any"
    required: bool = False  # without it, and without a default, nothing is rendered
    default: Any = None  # None: there is none
    enum: tuple[Any, ...] = ()  # of these; empty: any
    format: VariableFormat = ""  # of a string
    items: "Variable | None" = None  # of an array: what each is
    properties: Mapping[str, "Variable"] = {}  # of an object; others may be there, too
    description: str = ""  # for people
