"""Mirrors angarium/mta/egress/budget.py."""

from angarium.mta.egress.budget import ContentBudget


def test_memory_is_bounded_and_a_single_large_message_goes_alone() -> None:  # invariant 8
    freed: list[str] = []
    budget = ContentBudget(100, lambda: freed.append("free"))
    assert budget.reserve(500)  # alone
    assert not budget.reserve(1)
    budget.free(500)
    assert freed == ["free"]
    assert budget.reserve(60)
    assert budget.reserve(40)
    assert not budget.reserve(1)
    budget.free(40)
    assert freed == ["free"]  # more than half in use: whoever waits would come in vain
    budget.free(20)
    assert freed == ["free", "free"]
    assert budget.used == 40
