"""Delivery status notifications (RFC 3461, 3464, 6522, 6533): what a sender is told. Start with ``dsn_for``.

Pure: knows nothing of queues, DNS or time. Replies of peers, ENVID and ORCPT are hostile input here (S11, C1).
"""

from angarium.mta.dsn.notification import dsn_for
from angarium.mta.dsn.report import RecipientReport, is_wanted

__all__ = ["RecipientReport", "dsn_for", "is_wanted"]
