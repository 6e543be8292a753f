"""Which phrases of the tables are found in a reply's words. Pure; each search is one pass over them."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from angarium.feedback.wording.reading import common_form

# Characters between two parts of a phrase: about eight words
MAX_GAP: Final = 60
# Of two phrases that are as clear, the longer one says more
PER_WORD: Final = 3
_CHOICE: Final = re.compile(r"\{([^{}]*)\}")
# In many replies: a rule is kept under another word where it has one
_COMMON: Final = frozenset(
    {"@", "~", "ip", "/", "rejected", "recipient", "user", "message", "blocked"}
)


class PhraseError(ValueError):
    """A phrase of a table says nothing, once it is read."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One phrase, and which outcome it speaks for."""

    outcome: int  # the caller's number of it
    weight: int  # more for each further word
    parts: tuple[str, ...]  # each with a space around it
    near: bool  # each part soon behind the one before; else anywhere

    def holds(self, words: str) -> bool:
        if not self.near:
            return all(part in words for part in self.parts)
        first, *others = self.parts
        at = words.find(first)
        while at >= 0:
            end = at + len(first) - 1
            for part in others:
                found = words.find(part, end, end + MAX_GAP + len(part))
                if found < 0:
                    break
                end = found + len(part) - 1
            else:
                return True
            at = words.find(first, at + 1)
        return False


class Phrases:
    """All rules, each kept under the rarest two of its words: only what can be there is looked for."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        heaviest: dict[tuple[object, ...], Rule] = {}
        for rule in rules:
            key = (rule.outcome, rule.parts, rule.near)
            if key not in heaviest or heaviest[key].weight < rule.weight:
                heaviest[key] = rule
        frequency = Counter(word for rule in heaviest.values() for word in _words(rule))
        self._by_word: dict[str, list[tuple[str, str, Rule]]] = defaultdict(list)
        for rule in heaviest.values():
            rare = sorted(_words(rule), key=lambda word: (word in _COMMON, frequency[word], word))
            # The one part of a phrase without a gap; "" for others
            whole = rule.parts[0] if len(rule.parts) == 1 else ""
            self._by_word[rare[0]].append((rare[1] if len(rare) > 1 else rare[0], whole, rule))

    def weights(self, words: str) -> dict[int, int]:
        """Return the weight of the heaviest rule that holds of ``words``, per outcome that has one."""
        found: dict[int, int] = {}
        present = set(words.split())
        by_word = self._by_word
        for word in present:
            if word not in by_word:
                continue
            for second, whole, rule in by_word[word]:
                if (
                    second in present
                    and rule.weight > found.get(rule.outcome, 0)
                    and (whole in words if whole else rule.holds(words))
                ):
                    found[rule.outcome] = rule.weight
        return found


def rules_of(outcome: int, weight: int, table: str, macros: Mapping[str, str]) -> Iterator[Rule]:
    """Yield the rules of a table: a phrase in a line, ``{a|b}`` for either, a macro's name for what it stands for.

    ``a .. b``: b soon behind a; ``a & b``: both, wherever. Raises PhraseError.
    """
    for line in table.strip().splitlines():
        for phrase in sorted(set(_expanded(line.strip(), macros))):
            near = " & " not in phrase
            written = phrase.split(" .. " if near else " & ")
            parts = tuple(common_form(part) for part in written)
            number = sum(len(part.split()) for part in parts)
            ends = (word for part in written for word in (part.split()[0], part.split()[-1]))
            if not all(common_form(word).strip() for word in ends):
                raise PhraseError(
                    f"{phrase!r} is read as {parts}: begin and end it with other words"
                )
            full = weight + PER_WORD * (number - 1)
            yield Rule(outcome=outcome, weight=full, parts=parts, near=near)


def _expanded(line: str, macros: Mapping[str, str]) -> Iterator[str]:
    for name, text in macros.items():
        line = re.sub(rf"\b{name}\b", text, line)
    parts = _CHOICE.split(line)
    choices = [part.split("|") if at % 2 else [part] for at, part in enumerate(parts)]
    for each in itertools.product(*choices):
        yield " ".join("".join(each).split())


def _words(rule: Rule) -> set[str]:
    return {word for part in rule.parts for word in part.split()}
