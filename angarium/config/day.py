"""A day as it is written: 2026-11-29. Pure."""

from datetime import date


def find_day(text: str) -> date | None:
    """Return the day; None: it is none."""
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-29") else None
    except ValueError:
        return None
