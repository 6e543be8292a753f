"""What changed between two versions, per language and part. Pure."""

import difflib
from collections.abc import Mapping
from typing import Final

import msgspec

from angarium.templates.bundle import PARTS, Part, Parts

CONTEXT_LINES: Final = 3  # ours, as everybody's
# Ours: two texts without a line in common take the square of their lines
MAX_LINES: Final = 5000


class PartDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One part that is not the same in both."""

    locale: str
    part: Part
    is_in_old: bool
    is_in_new: bool
    lines: tuple[str, ...]  # of a unified diff, without its two first lines and without line ends


def difference(old: Mapping[str, Parts], new: Mapping[str, Parts]) -> tuple[PartDifference, ...]:
    """Return each part that differs, in the order of languages and parts. Give what the authors wrote."""
    found = []
    for locale in sorted({*old, *new}):
        for part in PARTS:
            before = old.get(locale, Parts()).source(part)
            after = new.get(locale, Parts()).source(part)
            if before != after:
                found.append(
                    PartDifference(
                        locale=locale,
                        part=part,
                        is_in_old=before is not None,
                        is_in_new=after is not None,
                        lines=_unified(before or "", after or ""),
                    )
                )
    return tuple(found)


def _unified(before: str, after: str) -> tuple[str, ...]:
    old, new = before.splitlines(), after.splitlines()
    if len(old) + len(new) > MAX_LINES:
        head = f"@@ -1,{len(old)} +1,{len(new)} @@"
        return (head, *(f"-{each}" for each in old), *(f"+{each}" for each in new))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=CONTEXT_LINES))[2:]
    # The same lines, but for how they end
    return tuple(lines) or ("@@ line ends @@",)


def as_text(parts: tuple[PartDifference, ...]) -> str:
    """Write it for people and for ``patch``: a unified diff, one file per language and part."""
    written = []
    for each in parts:
        name = f"{each.locale}/{each.part}"
        written.append(f"--- {f'a/{name}' if each.is_in_old else '/dev/null'}\n")
        written.append(f"+++ {f'b/{name}' if each.is_in_new else '/dev/null'}\n")
        written += [f"{line}\n" for line in each.lines]
    return "".join(written)
