"""Which keys sign for which domain."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from angarium.config.schema import Dkim, DkimKey
from angarium.dkim.errors import KeyFileError
from angarium.dkim.keys import SigningKey, load_private_key
from angarium.dkim.signing_domains import and_parents

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")  # nothing that could end a tag (C1)
MAX_NAME_OCTETS: Final = 253  # RFC 1035 section 2.3.4, as text


class FindsKeys(Protocol):
    def find(self, domain: str, tenant: str = "") -> tuple[SigningKey, ...]:
        """Return the keys that sign mail of a tenant from ``domain``."""
        ...


class KeyRing:
    """The signing keys by domain.

    Invariant KR1: what is served is always the whole result of one successful load; a reload that fails
    changes nothing.
    """

    def __init__(self, keys: Iterable[SigningKey] = ()) -> None:
        self._by_domain = _group(keys)

    @classmethod
    def load(cls, config: Dkim) -> "KeyRing":
        """Read all keys that the configuration names. Blocks. Raises KeyFileError."""
        return cls(_load(config))

    def reload(self, config: Dkim) -> None:
        """Read all keys again, for SIGHUP. Blocks. Raises KeyFileError; then the old keys stay (KR1)."""
        self._by_domain = _group(_load(config))  # KR1: one assignment, after all were read

    def find(self, domain: str, tenant: str = "") -> tuple[SigningKey, ...]:
        """Return the keys of ``domain``, whoever sends, else those of its nearest parent that has some, else none.

        A parent's signature is aligned for DMARC in its default, relaxed mode (RFC 7489 section 3.1.1),
        so one key at example.com serves news.example.com; a key of the exact domain always wins.
        """
        by_domain = self._by_domain
        return next((by_domain[each] for each in and_parents(domain) if each in by_domain), ())

    def keys(self) -> tuple[SigningKey, ...]:
        return tuple(key for keys in self._by_domain.values() for key in keys)


def check_name(what: str, name: str) -> str:
    """Return a domain or selector in lower case. Raises KeyFileError for what is not one."""
    lower = name.lower()
    if not _NAME.fullmatch(lower) or len(lower) > MAX_NAME_OCTETS:
        raise KeyFileError(f"dkim: {what} {name!r} is not a name in A-labels")
    return lower


def _load(config: Dkim) -> list[SigningKey]:
    return [_load_one(entry) for entry in config.keys]


def _load_one(entry: DkimKey) -> SigningKey:
    domain = check_name("domain", entry.domain)
    selector = check_name("selector", entry.selector)
    try:
        private = load_private_key(Path(entry.file))
    except KeyFileError as error:
        raise KeyFileError(f"dkim: key {selector} of {domain}: {error}") from None
    return SigningKey(domain=domain, selector=selector, private=private)


def _group(keys: Iterable[SigningKey]) -> dict[str, tuple[SigningKey, ...]]:
    by_domain: dict[str, tuple[SigningKey, ...]] = {}
    for key in keys:
        others = by_domain.get(key.domain, ())
        if any(other.selector == key.selector for other in others):
            raise KeyFileError(f"dkim: two keys for {key.record_name}")
        by_domain[key.domain] = (*others, key)
    return by_domain
