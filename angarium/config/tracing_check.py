"""Checks of where traces are sent. Pure."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from angarium.config.error import Problem
from angarium.config.schema import Config

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")


def tracing_problems(config: Config) -> Iterator[Problem]:
    tracing = config.tracing
    if tracing.endpoint is None:
        if tracing.headers_file is not None:
            text = "is for requests to tracing.endpoint, which is not given"
            yield Problem(("tracing", "headers_file"), text)
        return
    if not _is_address(tracing.endpoint):
        text = f"{tracing.endpoint!r} is no address; write one like http://127.0.0.1:4318/v1/traces"
        yield Problem(("tracing", "endpoint"), text)
    if _NAME.fullmatch(tracing.service_name) is None:
        text = "is 1 to 100 letters, digits and . _ / -, a letter or a digit first"
        yield Problem(("tracing", "service_name"), text)


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        return False
    return len(parts.path) > 1 and "@" not in parts.netloc and not (parts.query or parts.fragment)
