"""What people see who leave: pages without script at the addresses that their mail has. Start with ``pages``.

Knows nothing of the tracking site, which hands requests to it.
"""

from angarium.api.leaving.facts import PublishedFacts
from angarium.api.leaving.pages import LeavingPages

__all__ = ["LeavingPages", "PublishedFacts"]
