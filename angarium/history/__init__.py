"""What happened to a message: a projection of the event log, in SQL.

Start with ``story``, the values and the protocol, and ``status``, which says how far a message is.
Knows nothing of HTTP.
"""

from angarium.history.status import Status
from angarium.history.story import (
    CursorError,
    HistoryAwayError,
    HistoryReader,
    Incident,
    IncidentPage,
    Introduction,
    Introductions,
    RecipientStory,
    Story,
    StoryFilter,
    StoryPage,
)

__all__ = [
    "CursorError",
    "HistoryAwayError",
    "HistoryReader",
    "Incident",
    "IncidentPage",
    "Introduction",
    "Introductions",
    "RecipientStory",
    "Status",
    "Story",
    "StoryFilter",
    "StoryPage",
]
