"""Rates of a process that has no others beside it: for tests, and for who serves alone."""

from angarium.access.shared_rates import SharedRates


class LocalRates(SharedRates):
    def __init__(self) -> None:
        super().__init__(self.create())
