"""What a sink is, and what its URL has to say. Pure."""

import importlib.util
import re
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from angarium.config.extras import Extra, Find, lacking
from angarium.webhooks.courier import Letter
from angarium.webhooks.guard import ENDPOINTS, SINKS, Guard, Target, UrlError

_EXTRAS: Final = {"kafka": Extra.KAFKA, "nats": Extra.NATS}
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SUBJECT: Final = re.compile(r"[!-~]{1,255}")
_QUEUE: Final = re.compile(r"[!-~]{1,1024}")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "kafka": frozenset({"mechanism"}),
    "nats": frozenset({"jetstream"}),
    "sqs": frozenset({"region"}),
    "syslog": frozenset(),
}


class SinkError(Exception):
    """What was to be told was not taken; the text says why. It is told again later."""


class Sink(Protocol):
    """One URL's. Belongs to one event loop; what it has open is closed when it has long been idle, or failed."""

    async def tell(self, letter: Letter) -> str:
        """Return what the far end said, once it has it. Raises SinkError, OSError."""
        ...

    async def close(self) -> None: ...


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A sink's URL in its parts."""

    kind: str  # kafka | nats | sqs | syslog
    target: Target
    name: str  # the topic, subject or queue; of syslog ""
    options: Mapping[str, str] = {}


def is_sink(url: str) -> bool:
    return url.partition("://")[0].lower() in SINKS


def is_operators(url: str) -> bool:
    """Whether only the operator may name it: a library that connects wherever its broker says obeys no guard (P1)."""
    return url.lower().startswith("kafka")


def read_endpoint(
    url: str,
    guard: Guard,
    find: Find = importlib.util.find_spec,
) -> None:
    """Whether events may go there, as far as that can be said before. Raises UrlError."""
    target = guard.read_url(url, ENDPOINTS)
    if target.scheme not in SINKS:
        return
    place = read_place(target)
    extra = _EXTRAS.get(place.kind)
    if extra is not None and (library := lacking(extra, find)) is not None:
        raise UrlError(f"{place.kind} needs {library}")


def read_place(target: Target) -> Place:
    """Raises UrlError that says what is wrong."""
    kind = target.scheme.partition("+")[0]
    parts = urlsplit(target.path)
    name = unquote(parts.path).removeprefix("/")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for each in options:
        if each not in _OPTIONS[kind]:
            known = ", ".join(sorted(_OPTIONS[kind])) or "none"
            raise UrlError(f"has a parameter {each[:40]!r}; for {kind} there are: {known}")
    _CHECKS[kind](target, name, options)
    return Place(kind=kind, target=target, name=name, options=options)


def _check_kafka(target: Target, name: str, options: Mapping[str, str]) -> None:
    if not _TOPIC.fullmatch(name) or name in (".", ".."):
        raise UrlError("names no topic: write kafka+tls://host:port/topic")
    if options.get("mechanism", "PLAIN") not in MECHANISMS:
        raise UrlError(f"mechanism is one of {', '.join(MECHANISMS)}")
    if (target.user is None) != (target.password is None):
        raise UrlError("has a user without a password, or a password without a user")


def _check_nats(target: Target, name: str, options: Mapping[str, str]) -> None:
    words = name.split(".")
    if not _SUBJECT.fullmatch(name) or not all(words) or {"*", ">"} & set(words):
        raise UrlError("names no subject: write nats+tls://host:port/one.subject, without * and >")
    if options.get("jetstream", "true") not in ("true", "false"):
        raise UrlError("jetstream is true or false")


def _check_sqs(target: Target, name: str, options: Mapping[str, str]) -> None:
    if not _QUEUE.fullmatch(name) or name.endswith("/"):
        raise UrlError("names no queue: write sqs+https://KEY_ID:SECRET@host/account/queue")
    if not target.user or not target.password:
        raise UrlError("needs the id of an access key and its secret, as user and password")
    if not region_of(target, options):
        raise UrlError("names no region: add ?region=eu-west-1")


def _check_syslog(target: Target, name: str, _: Mapping[str, str]) -> None:
    if name:
        raise UrlError("has a path: write syslog+tls://host:port")
    if target.user is not None or target.password is not None:
        raise UrlError("has a user or password, which syslog has no place for")


def region_of(target: Target, options: Mapping[str, str]) -> str:
    """Return the one that requests are signed for; "": none is named."""
    if region := options.get("region"):
        return region
    words = target.host.split(".")
    return words[1] if len(words) > 3 and words[0] == "sqs" and words[2] == "amazonaws" else ""


_CHECKS: Final = {
    "kafka": _check_kafka,
    "nats": _check_nats,
    "sqs": _check_sqs,
    "syslog": _check_syslog,
}
