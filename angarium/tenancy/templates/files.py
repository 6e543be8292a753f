"""``<data_dir>/templates/``: what is published of templates. ``index`` is exchanged whole; each bundle is a file named
for its digest, written before an index names it, and removed when none does.

Whoever changes the database writes here, under the lock of the snapshot, and so does the platform process when somebody
else has; readers see a new index by its inode. Mode 0600. Blocks for microseconds.
"""

import logging
from collections import OrderedDict
from pathlib import Path
from typing import Final

from angarium.host.exchanged_file import State, find_state
from angarium.templates.bundle import encoded_digest
from angarium.tenancy.model import TenancySetupError
from angarium.tenancy.published_file import read_published
from angarium.tenancy.templates.index import (
    EMPTY,
    FORMAT,
    IndexData,
    TemplateEntry,
    TemplateIndex,
    TemplateProblem,
)

FOLDER: Final = "templates"
INDEX: Final = "index"
MAX_INDEX_OCTETS: Final = 512 * 1024 * 1024  # ours: some ten million versions
CACHE_OCTETS: Final = 64 * 1024 * 1024  # ours, in a process: some thousand bundles
_log: Final = logging.getLogger(__name__)


class BundleGoneError(OSError):
    """No bundle of this digest is there: ask for the name again. Or its file is damaged; the text says so."""


class TemplateFiles:
    """Invariants:

    TF1. ``current`` is always the whole of one file; a file that cannot be read changes nothing.
    TF2. What ``load`` returns has the digest that was asked for.
    """

    def __init__(self, data_dir: Path, cache_octets: int = CACHE_OCTETS) -> None:
        """Reads the index. Raises TenancySetupError."""
        self._folder = data_dir / FOLDER
        self._path = self._folder / INDEX
        self._state = find_state(self._path)
        self._failed: State | None = None
        self.current = TemplateIndex(read_index(data_dir))
        self._cached: OrderedDict[str, bytes] = OrderedDict()  # what was asked for last is last
        self._cached_octets = 0
        self._cache_octets = cache_octets

    def refresh(self) -> None:
        """Read the index again if it has changed (2 us if not). If that fails, one error is logged."""
        state = find_state(self._path)
        if state in (self._state, self._failed) or state is None:
            return
        try:
            data = read_index(self._folder.parent)
        except TenancySetupError as error:
            self._failed = state
            _log.error("%s", error, extra={"event": "template_index_unusable"})
            return
        self.current = TemplateIndex(data)  # TF1
        self._state, self._failed = state, None

    def find(
        self, tenant: str, name: str, version: int | str | None = None
    ) -> TemplateEntry | TemplateProblem:
        """Return what is meant, as it is on disk. See ``TemplateIndex.find``."""
        self.refresh()
        return self.current.find(tenant, name, version)

    def load(self, digest: str) -> bytes:
        """Return the encoded bundle; from memory, if it was asked for lately. Raises BundleGoneError."""
        found = self._cached.get(digest)
        if found is not None:
            self._cached.move_to_end(digest)
            return found
        found = read_bundle(self._folder, digest)
        self._cached[digest] = found
        self._cached_octets += len(found)
        while self._cached_octets > self._cache_octets and len(self._cached) > 1:
            _, oldest = self._cached.popitem(last=False)
            self._cached_octets -= len(oldest)
        return found


def read_bundle(folder: Path, digest: str) -> bytes:
    """Raises BundleGoneError."""
    try:
        octets = (folder / digest).read_bytes()
    except OSError as error:
        raise BundleGoneError(f"{folder / digest} cannot be read: {error.strerror}") from None
    if encoded_digest(octets) != digest:
        raise BundleGoneError(f"{folder / digest} is damaged: delete it, and restart")
    return octets  # TF2


def read_index(data_dir: Path) -> IndexData:
    """Return what is in the file; where there is none, there are no templates. Raises TenancySetupError."""
    path = data_dir / FOLDER / INDEX
    return read_published(path, EMPTY, format_=FORMAT, max_octets=MAX_INDEX_OCTETS)
