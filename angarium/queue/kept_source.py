"""Which egress source a recipient keeps to at its next attempt. Pure."""

from angarium.queue.model import Deferred


def source_after(deferred: Deferred, *, kept: str, in_doubt: bool) -> str:
    """Return the source after an attempt; "": any of its pool.

    ``kept``: the one before it; ``in_doubt``: whether an earlier attempt may have delivered it, by that one.
    Who greylists knows the address that tried last. Only what is in doubt keeps to it after any other failure: a source
    that this one site does not answer must not try alone until the end.
    """
    if not deferred.attempted:
        return kept
    if deferred.in_doubt or deferred.greylisted:
        return deferred.attempt.source
    return kept if in_doubt else ""
