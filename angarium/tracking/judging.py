"""Whether a person or a machine fetched something: by what the request showed, when it came, and what else of the same
copy was fetched around it. Pure.
"""

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from angarium.queue.events.fetched import Fetched
from angarium.queue.model import UnixMs
from angarium.tracking import signs

PICTURE: Final = -1
HONEYPOT: Final = -2
# --- reasons that only the company and the time show ---
AT_ONCE: Final = "at_once"  # nobody reads so soon: the transfer was hardly over
SOON: Final = "soon"
MANY_LINKS: Final = "many_links"
TWO_LINKS: Final = "two_links"
TRAP: Final = "honeypot"
COMPANY: Final = "company"  # with one that is a machine's for certain
# Ours: after the copy was made, before it was transferred
AT_ONCE_S: Final = 2
# Who waits for a code in a mail is not quicker than that, most often
SOON_S: Final = 15
MANY: Final = 3  # different links
# Ours: so long around a scanner's fetch its network is a scanner's, of that copy. If it were longer, the person behind
# the same gateway would be taken for it
COMPANY_MS: Final = 60_000
_CERTAIN: Final = frozenset(
    {
        *(
            signs.HEAD,
            signs.NO_AGENT,
            signs.PROGRAM,
            signs.BARE_AGENT,
            signs.PREFETCH,
            signs.OFFICE,
        ),
        *(signs.APPLE_MPP, signs.GMAIL_PREFETCH, signs.GATEWAY),
        *(MANY_LINKS, TRAP, COMPANY),
    }
)
# Each is met with people now and then; two of them are not
_ENOUGH: Final = 2
# Of these it is known that a program looks through the whole mail
_LOOKS_THROUGH: Final = frozenset({signs.GATEWAY, MANY_LINKS, TRAP})


class Verdict(msgspec.Struct, frozen=True):
    """JU1: what comes later than the window has no part in it: on one fetch it is the same whenever it is made."""

    by: Literal["human", "machine"]
    reasons: tuple[str, ...]  # why a machine's; of a human's, through whose hands


class CopyKey(msgspec.Struct, frozen=True, kw_only=True):
    """Whose copy of which mail; where nobody is to know, copies of one mail that one visitor fetches from."""

    message_id: bytes
    index: int
    sent_s: int
    visitor: str


def copy_of(fetch: Fetched) -> CopyKey:
    visitor = fetch.network if fetch.index < 0 else ""
    return CopyKey(
        message_id=fetch.message_id, index=fetch.index, sent_s=fetch.sent_s, visitor=visitor
    )


def judge(fetch: Fetched, copy: Iterable[Fetched], window_ms: int) -> Verdict:
    """``copy``: what was fetched of the same copy from COMPANY_MS before it to ``window_ms`` after it, itself too."""
    others = [
        each
        for each in copy
        if -COMPANY_MS <= each.at - fetch.at <= window_ms and each is not fetch  # JU1
    ]
    found = _reasons(fetch, others, window_ms)
    proxy = tuple(each for each in fetch.signs if each.startswith(f"{signs.VIA}:"))
    # A proxy that fetches so soon does it before anybody looks; of others a person may have tried out what was sent
    is_early = bool(proxy) and AT_ONCE in found
    if is_early or any(_word(each) in _CERTAIN for each in found) or len(found) >= _ENOUGH:
        return Verdict("machine", found)
    return Verdict("human", proxy)


def _reasons(fetch: Fetched, others: list[Fetched], window_ms: int) -> tuple[str, ...]:
    proxied = any(each.startswith(f"{signs.VIA}:") for each in fetch.signs)
    found = [] if proxied else list(fetch.signs)
    if fetch.link_number == HONEYPOT:
        found.append(TRAP)
    links = _links(fetch, others, window_ms)
    if links >= MANY:
        found.append(MANY_LINKS)
    elif links > 1:
        found.append(TWO_LINKS)
    if any(_is_company(fetch, each, others, window_ms) for each in others):
        found.append(COMPANY)
    age_s = fetch.at // 1000 - fetch.sent_s
    if age_s < AT_ONCE_S:
        found.append(AT_ONCE)
    elif age_s < SOON_S and not proxied:
        found.append(SOON)
    return tuple(found)


def _links(fetch: Fetched, others: list[Fetched], window_ms: int) -> int:
    """Return how many different links were followed about then, this one included; 0: it is none."""
    if fetch.link_number < 0:
        return 0
    near = {
        each.link_number
        for each in others
        if each.link_number >= 0 and abs(each.at - fetch.at) <= window_ms
    }
    return len(near | {fetch.link_number})


def _is_company(fetch: Fetched, other: Fetched, others: list[Fetched], window_ms: int) -> bool:
    """Whether ``other`` is of a program that looks through the mail, so that ``fetch`` is its doing, too."""
    if any(each.startswith(f"{signs.VIA}:") for each in fetch.signs):
        return False
    is_near = abs(other.at - fetch.at) <= window_ms
    # From the same network for longer: it may take its time over the links
    if not is_near and other.network != fetch.network:
        return False
    if other.link_number == HONEYPOT:
        return True
    if other.network != fetch.network:
        return False
    if any(_word(each) in _LOOKS_THROUGH for each in other.signs):
        return True
    return (
        _links(other, [each for each in (*others, fetch) if each is not other], window_ms) >= MANY
    )


def _word(reason: str) -> str:
    return reason.partition(":")[0]


def is_over(at: UnixMs, now: UnixMs, window_ms: int, slack_ms: int) -> bool:
    """Whether all that may have a part in the verdict on a fetch of then is in the log by now."""
    return now - at >= window_ms + slack_ms
