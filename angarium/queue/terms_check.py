"""What terms must be, whichever queue is to hold them. Pure."""

from angarium.queue.terms import MAX_ANSWER_OCTETS, MAX_KEY_CHARACTERS, Terms


def check_terms(terms: Terms) -> None:
    """Raises ValueError for what no caller may hand over."""
    once = terms.once
    if once is not None and not 1 <= len(once.key) <= MAX_KEY_CHARACTERS:
        raise ValueError(f"an idempotency key has 1 to {MAX_KEY_CHARACTERS} characters")
    if once is not None and len(once.answer) > MAX_ANSWER_OCTETS:
        raise ValueError(f"an answer is kept up to {MAX_ANSWER_OCTETS} octets")
    periods = [each.period for each in terms.quotas]
    if len(set(periods)) != len(periods):
        raise ValueError("one quota for each period")
