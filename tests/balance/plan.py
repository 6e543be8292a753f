"""What each mailbox of a simulated campaign does with its mail, by seed; and what has to be counted then. Pure."""

import enum
import random
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

LINKS = 2  # that are counted, in each mail


class Fate(enum.StrEnum):
    """The beginning of a mailbox's address: what its provider and its reader do."""

    QUIET = "quiet"
    GREY = "grey"  # deferred first
    REFUSED = "refused"  # at RCPT, for good
    GONE = "gone"  # taken, and given up by a report later: there is nobody of that name
    FULL = "full"  # likewise: the mailbox is full, which lets later mail be tried
    COMPLAINS = "complains"
    OPENS = "opens"  # a person
    CLICKS = "clicks"  # a person, who opens first
    SCANNED = "scanned"  # a gateway looks through it
    LEAVES = "leaves"  # by one click


# Of a thousand
SHARES: Mapping[Fate, int] = {
    Fate.QUIET: 560,
    Fate.GREY: 60,
    Fate.REFUSED: 50,
    Fate.GONE: 20,
    Fate.FULL: 20,
    Fate.COMPLAINS: 20,
    Fate.OPENS: 130,
    Fate.CLICKS: 70,
    Fate.SCANNED: 30,
    Fate.LEAVES: 40,
}
LATE = (Fate.GONE, Fate.FULL)
PEOPLE = (Fate.OPENS, Fate.CLICKS)
READERS = (*PEOPLE, Fate.SCANNED, Fate.LEAVES)
PROVIDERS: Mapping[str, str] = {"cedar": "cedar.example", "oak": "oak.example"}  # and their domains


class Mailbox(msgspec.Struct, frozen=True):
    address: str
    fate: Fate
    provider: str


def make_plan(size: int, seed: int) -> list[Mailbox]:
    """Each fate has its share, and one at least; who has which one is by chance."""
    chance = random.Random(seed)
    fates = [*Fate, *chance.choices([*SHARES], [*SHARES.values()], k=size - len(Fate))]
    chance.shuffle(fates)
    found = []
    for number, fate in enumerate(fates):
        provider = chance.choice([*PROVIDERS])
        address = f"{fate}-{number}@{PROVIDERS[provider]}"
        found.append(Mailbox(address, fate, provider))
    return found


def fate_of(address: str) -> Fate:
    return Fate(address.partition("-")[0])


def expected_counters(plan: Sequence[Mailbox]) -> dict[str, int]:
    """Return what /v1/stats is to say of them, where nothing was killed."""
    of = Counter(each.fate for each in plan)
    late = sum(of[each] for each in LATE)
    people = sum(of[each] for each in PEOPLE)
    return {
        "accepted": len(plan),
        "sent": 0,
        "delivered": len(plan) - of[Fate.REFUSED],
        "deferred": of[Fate.GREY],
        "bounced": of[Fate.REFUSED] + late,
        "bouncedLate": late,
        "complained": of[Fate.COMPLAINS],
        "opened": people + of[Fate.SCANNED],
        "openedHuman": people,
        "openedRecipients": people,
        # HEAD and GET of each link
        "clicked": of[Fate.CLICKS] + 2 * LINKS * of[Fate.SCANNED],
        "clickedHuman": of[Fate.CLICKS],
        "clickedRecipients": of[Fate.CLICKS],
        "unsubscribed": of[Fate.LEAVES],
        "suppressed": 0,
        "expired": 0,
        "cancelled": 0,
    }


def expected_summary(plan: Sequence[Mailbox]) -> dict[str, int]:
    """Return what the campaign is to say of its rows."""
    of = Counter(each.fate for each in plan)
    bounced = of[Fate.REFUSED] + sum(of[each] for each in LATE)
    return {
        "totalMessages": len(plan),
        "queued": 0,
        "deferred": 0,
        "sent": 0,
        "delivered": len(plan) - bounced,
        "bounced": bounced,
        "expired": 0,
        "suppressed": 0,
        "cancelled": 0,
        "refused": 0,
        "duplicate": 0,
        "opened": sum(of[each] for each in PEOPLE),
        "clicked": of[Fate.CLICKS],
        "complained": of[Fate.COMPLAINS],
        "unsubscribed": of[Fate.LEAVES],
        "delayed": of[Fate.GREY],
        "machineOpened": of[Fate.SCANNED],
        "machineClicked": of[Fate.SCANNED],
    }


STATUSES: Mapping[Fate, str] = {
    **dict.fromkeys(Fate, "delivered"),
    **dict.fromkeys((Fate.REFUSED, *LATE), "bounced"),
    Fate.COMPLAINS: "complained",
    Fate.OPENS: "opened",
    Fate.CLICKS: "clicked",
}
