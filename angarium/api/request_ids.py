"""The id of a request, by which its answer, the log and the events of its mail name it: the client's or ours."""

import re
import uuid
from typing import Final

REQUEST_ID_FIELD: Final = "X-Request-Id"
# Ours: UUIDs, W3C trace ids, and what load balancers make (Root=1-67891233-abcdef012345678912345678)
_SANE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=/+@-]{0,127}")


def choose_request_id(sent: str | None) -> str:
    """Return what a client has sent as X-Request-Id, if that may stand in a log: else a new UUID."""
    return sent if sent and _SANE.fullmatch(sent) else str(uuid.uuid4())
