"""Mends what old applications get wrong in a header, where there is one way to mend it; all else is refused as before.

Start with ``message.mend_header``, which is asked once a message has been refused as it came. Pure: octets in, octets
out, in time linear in the header. Knows nothing of who may send as whom: what was mended is checked like any other
message.
"""

from angarium.intake.repair.message import Mended, mend_header

__all__ = ["Mended", "mend_header"]
