"""What the record of an attempt says beyond the peer's words: whose site, who signed, how long it took. Pure."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Outcome, Suppressed

_O = TypeVar("_O", bound=Outcome | Suppressed)


def with_circumstances(outcomes: Sequence[_O], work: Work) -> Sequence[_O]:
    """Return the outcomes of the work, in order; recipients that shared one share one again."""
    if not work.provider:
        return outcomes  # none was found, and nothing packed
    known: dict[int, _O] = {}
    for outcome in outcomes:
        if id(outcome) not in known:
            attempt = msgspec.structs.replace(
                outcome.attempt,
                provider=work.provider,
                dkim=work.dkim,
                unsigned=work.unsigned,
                took_ms=work.took_ms,
            )
            known[id(outcome)] = msgspec.structs.replace(outcome, attempt=attempt)
    return [known[id(outcome)] for outcome in outcomes]
