"""What a link is counted under: where it leads, without what is only one reader's. Pure."""

from typing import Final
from urllib.parse import urlsplit

from angarium.analytics.counters import key_text

_HIDDEN: Final = "*"
# A mailbox has one, and so has what carries it in a path
_AT: Final = ("@", "%40")


def link_key(url: str) -> str:
    """Return scheme, host and path, without query, fragment and user; "" for what is no link.

    A part of the path that may be an address is a "*": counters have nobody's address.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    port_text = "" if port is None else f":{port}"
    path = "/".join([_segment(each) for each in parts.path.split("/")])
    return key_text(f"{parts.scheme}://{host}{port_text}{'' if path == '/' else path}")


def _segment(text: str) -> str:
    return _HIDDEN if any(each in text for each in _AT) else text
