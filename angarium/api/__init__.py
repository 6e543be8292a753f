"""The HTTP side. Start with ``health`` and ``server.HttpServer``; knows nothing of SMTP or processes."""

from angarium.api.health import HealthSource, make_application
from angarium.api.server import HttpServer

__all__ = ["HealthSource", "HttpServer", "make_application"]
