"""What a form makes of a happening, and what every form needs of one. Pure."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

import msgspec

from angarium.queue.model import UnixMs
from angarium.tracking.visitor import reduced_agent
from angarium.webhooks.happening import Happening


class Written(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes
    headers: Mapping[str, str] = {}  # of this form alone


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """What a form that signs by itself needs."""

    secret: str  # the newest one, whsec_...
    now: UnixMs


def reply_code(happening: Happening) -> int:
    """Return the three digits that a reply begins with; 0: it has none."""
    begin = happening.details.smtp_response[:3]
    return int(begin) if len(begin) == 3 and begin.isascii() and begin.isdigit() else 0


def client_address(happening: Happening) -> str:
    return happening.details.client.partition(" ")[0]


def client_agent(happening: Happening) -> str:
    return happening.details.client.partition(" ")[2]


def client_program(happening: Happening) -> str:
    """Return ``Chrome 126`` of ``Chrome 126, Windows``."""
    return _reduced(happening).partition(", ")[0]


def client_system(happening: Happening) -> str:
    return _reduced(happening).partition(", ")[2]


def _reduced(happening: Happening) -> str:
    """What others tell of has the whole agent, what we saw ourselves the reduced one."""
    agent = client_agent(happening)
    return reduced_agent(agent) if happening.details.human is None else agent


def author_address(happening: Happening) -> str:
    return parseaddr(happening.author)[1] or happening.author


def tag_pairs(happening: Happening) -> dict[str, str]:
    """Return tags that have a name; a word alone is its own value."""
    pairs = (each.partition(":") for each in happening.tags)
    return {name: value if colon else name for name, colon, value in pairs}


def tag_words(happening: Happening) -> list[str]:
    """Return tags without a name, as vendors have them; of others all of it."""
    return list(happening.tags)


def encoded(value: Any) -> bytes:
    return msgspec.json.encode(value)
