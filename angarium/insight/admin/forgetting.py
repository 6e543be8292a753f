"""Forget what is remembered of hosts that failed: asked of a delivery process before an operator's retry."""

import msgspec

from angarium.insight.admin.protocol import Question


class Forgotten(msgspec.Struct, frozen=True):
    """It is: whatever is due asks DNS and its hosts anew."""


class ForgetFailures(Question[Forgotten, None], frozen=True, tag="forget_failures"):
    """Sites that took no connection, addresses that failed, broken TLS, and DNS; delivery answers."""
