"""Which domains there is a key for, by the configuration alone: for who must know it without the keys. Pure."""

from collections.abc import Iterable, Iterator

from angarium.config.schema import Dkim


class SigningDomains:
    def __init__(self, domains: Iterable[str] = ()) -> None:
        self._domains = frozenset(each.lower() for each in domains)

    @classmethod
    def of(cls, config: Dkim) -> "SigningDomains":
        return cls(key.domain for key in config.keys)

    def covers(self, domain: str) -> bool:
        """Whether mail from ``domain`` is signed: by a key of its own, or of a domain above it."""
        return bool(self._domains) and any(each in self._domains for each in and_parents(domain))


def and_parents(domain: str) -> Iterator[str]:
    """Yield the domain in lower case, then each domain above it, nearest first."""
    name = domain.lower()
    while name:
        yield name
        name = name.partition(".")[2]
