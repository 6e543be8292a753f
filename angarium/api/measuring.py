"""Whoever counts what the API answers."""

from typing import Protocol


class RequestMeter(Protocol):
    """Called on the event loop for each request: must return at once."""

    def answered(self, dialect: str, status: int, seconds: float) -> None:
        """``dialect``: its name, "none" for what is of none."""
        ...

    def refused(self, kind: str) -> None:
        """``kind``: a word of FaultKind, in small letters. ``answered`` follows."""
        ...


class NoMeter:
    def answered(self, dialect: str, status: int, seconds: float) -> None:
        del dialect, status, seconds

    def refused(self, kind: str) -> None:
        del kind
