"""What has been examined before it is kept. Pure.

Examining takes a renderer, which no transaction waits for: a store says what it lacks, and is asked again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from angarium.templates.bundle import Bundle
from angarium.templates.rendering import Examination
from angarium.tenancy.templates.bundling import Bundled
from angarium.tenancy.templates.model import Content, TemplateError


class Unexamined(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    bundle: Bundle
    sample: Mapping[str, Any]


class UnexaminedError(Exception):
    """Nothing has changed: this is to be examined first."""

    def __init__(self, lacking: Sequence[Unexamined]) -> None:
        super().__init__("it has not been examined")
        self.lacking = tuple(lacking)


class Examined:
    """What was found so far, in one request to change something.

    Invariant EX1: what is kept has been examined as it is kept, and nothing is kept in which a problem was found.
    """

    def __init__(self) -> None:
        self._found: dict[str, Examination] = {}
        self._lacking: dict[str, Unexamined] = {}

    def add(self, lacking: Unexamined, found: Examination) -> None:
        self._found[lacking.key] = found

    def of(self, bundled: Bundled, content: Content) -> Examination:
        """Return what was found; of what was not examined yet nothing, and ``settle`` tells.

        Raises TemplateError: there is a problem.
        """
        sample = hashlib.sha256(msgspec.json.encode(content.sample)).hexdigest()
        key = f"{bundled.digest} {sample}"
        found = self._found.get(key)
        if found is None:
            self._lacking[key] = Unexamined(key=key, bundle=bundled.bundle, sample=content.sample)
            return Examination()
        if found.problems:
            raise TemplateError.of(*found.problems, content=content)  # EX1
        return found

    def settle(self) -> None:
        """Called before anything is kept. Raises UnexaminedError."""
        lacking, self._lacking = tuple(self._lacking.values()), {}
        if lacking:
            raise UnexaminedError(lacking)  # EX1
