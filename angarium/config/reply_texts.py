"""What a rule looks for in a reply, as operators write it: texts, ``*`` for any characters, ``{a|b}``. Pure."""

import itertools
import re
from typing import Final

# Ours, of one pattern's {a|b}: each is a search of its own
MAX_ALTERNATIVES: Final = 64
_CHOICE: Final = re.compile(r"\{([^{}]*)\}")
# As operators write who think in regular expressions; no reply has these
_REGULAR: Final = ("\\", ".*", ".+", "(?", "[0-9", "|")


class PatternError(ValueError):
    """It cannot be what was meant; says why."""


def expanded(pattern: str) -> list[str]:
    """Return the texts that ``{a|b}`` stands for, ``*`` left in them. Raises PatternError."""
    parts = _CHOICE.split(pattern)  # text, choice, text, ...
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
    number = 1
    for each in choices:
        number *= len(each)
    if number > MAX_ALTERNATIVES:
        raise PatternError(f"{pattern!r} stands for {number} texts; at most {MAX_ALTERNATIVES}")
    texts = ["".join(each) for each in itertools.product(*choices)]
    for text in texts:
        if not text.replace("*", "").strip():
            raise PatternError(f"{pattern!r} is in every reply; give a text that tells it apart")
        if found := next((each for each in _REGULAR if each in text), None):
            raise PatternError(
                f"{pattern!r} has {found!r}, as a regular expression; write texts, * and {{a|b}}"
            )
    return texts
