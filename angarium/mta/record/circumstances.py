"""What the record of an attempt says beyond the peer's words: whose site it was, and who signed the message. Pure."""

from collections.abc import Sequence

import msgspec

from angarium.mta.egress.work import Work
from angarium.mta.transport.outcome import Outcome


def with_circumstances(outcomes: Sequence[Outcome], work: Work) -> Sequence[Outcome]:
    """Return the outcomes of the work, in order; recipients that shared one share one again."""
    if not work.provider:
        return outcomes  # none was found, and nothing packed
    known: dict[int, Outcome] = {}
    for outcome in outcomes:
        if id(outcome) not in known:
            attempt = msgspec.structs.replace(
                outcome.attempt, provider=work.provider, dkim=work.dkim, unsigned=work.unsigned
            )
            known[id(outcome)] = msgspec.structs.replace(outcome, attempt=attempt)
    return [known[id(outcome)] for outcome in outcomes]
