"""What is wrong with a configuration, said so that the operator can mend it."""

from collections.abc import Sequence

import msgspec

KeyPath = tuple[str | int, ...]  # ("listener", 0, "limits", "recipients")


class Problem(msgspec.Struct, frozen=True):
    path: KeyPath  # the nearest key that exists or ought to
    text: str  # what is wrong, and what to do
    is_missing: bool = False


class ConfigError(Exception):
    """The configuration cannot be used. Each line of its text is ``file:line: [table] key: what, and what to do``."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.file = file
        self.lines = tuple(lines)


def path_text(path: KeyPath) -> str:
    """``[listener.limits] #1 recipients``: as the operator sees it in the file."""
    names = [part for part in path if isinstance(part, str)]
    number = next((f" #{part + 1}" for part in path if isinstance(part, int)), "")
    if not names:
        return "the file"
    if len(names) == 1:
        return f"[{names[0]}]{number}"
    return f"[{'.'.join(names[:-1])}]{number} {names[-1]}"
