"""The HTTP side. Start with ``app`` and ``server.HttpServer``; knows nothing of SMTP or processes."""

from angarium.api.app import Served, make_application
from angarium.api.health import HealthSource
from angarium.api.server import HttpServer

__all__ = ["HealthSource", "HttpServer", "Served", "make_application"]
