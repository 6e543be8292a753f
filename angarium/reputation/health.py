"""How a provider takes one source's mail: what its outcomes say, as three steps. Pure."""

import enum
from typing import Final

import msgspec

# Ours: fewer outcomes say nothing
LEAST_OUTCOMES: Final = 20
# Ours: of a well-kept list two in twenty do not exist from time to time; so few are chance, whatever share they are
LEAST_BAD: Final = 4
# Parts of all outcomes. Of bounces, the levels at which senders are throttled and suspended; of deferrals ours
SICK_DEFERRED: Final = 0.10
BAD_DEFERRED: Final = 0.25
SICK_BOUNCED: Final = 0.03
BAD_BOUNCED: Final = 0.10
# Of what was delivered: Gmail asks for less than the first, and stops at the second
SICK_COMPLAINED: Final = 0.001
BAD_COMPLAINED: Final = 0.003
# Ours: one person's complaint is no rate
LEAST_COMPLAINTS: Final = 2


class Health(enum.IntEnum):
    """A larger one is worse."""

    WELL = 0
    SICK = 1
    BAD = 2


class Counts(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Of recipients. On disk as it stands: fields are only ever appended."""

    delivered: int = 0
    deferred: int = 0  # by the provider's 4yz, greylisting and full mailboxes left out
    bounced: int = 0
    complained: int = 0
    # Delivered the day before, or earlier: complaints of this day may be about that, too
    before: int = 0

    @property
    def outcomes(self) -> int:
        return self.delivered + self.deferred + self.bounced

    def plus(self, more: "Counts") -> "Counts":
        return Counts(
            delivered=self.delivered + more.delivered,
            deferred=self.deferred + more.deferred,
            bounced=self.bounced + more.bounced,
            complained=self.complained + more.complained,
            before=self.before + more.before,
        )


class Finding(msgspec.Struct, frozen=True):
    health: Health
    text: str  # the worst of it, for people; "" when all is well


WELL: Final = Finding(Health.WELL, "")


def find_health(counts: Counts) -> Finding:
    """Judge what is known; too few outcomes are no trouble."""
    worst = WELL
    if counts.outcomes >= LEAST_OUTCOMES:
        outcomes = counts.outcomes
        if counts.deferred >= LEAST_BAD:
            worst = _worse(
                worst, counts.deferred, outcomes, SICK_DEFERRED, BAD_DEFERRED, "deferred"
            )
        if counts.bounced >= LEAST_BAD:
            worst = _worse(worst, counts.bounced, outcomes, SICK_BOUNCED, BAD_BOUNCED, "bounced")
    if counts.complained >= LEAST_COMPLAINTS:
        delivered = max(counts.delivered + counts.before, counts.complained)
        worst = _worse(
            worst, counts.complained, delivered, SICK_COMPLAINED, BAD_COMPLAINED, "complained of"
        )
    return worst


def _worse(worst: Finding, part: int, whole: int, sick: float, bad: float, what: str) -> Finding:
    """``part``: enough of them to be no chance."""
    rate = part / whole
    health = Health.BAD if rate >= bad else Health.SICK if rate >= sick else Health.WELL
    if health <= worst.health:
        return worst
    return Finding(health, f"{rate:.1%} {what} ({part} of {whole})")
