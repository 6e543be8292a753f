"""The addresses of a tracking host. Pure."""


def base_url(host: str, *, insecure: bool) -> str:
    """``host``: with its port, where that is not the usual one."""
    return f"{'http' if insecure else 'https'}://{host}"


def leave_url(base: str, leave: str) -> str:
    """Return where one leaves: a page for a GET, at once by a POST (RFC 8058)."""
    return f"{base}/u/{leave}"
