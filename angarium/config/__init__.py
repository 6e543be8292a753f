"""What the operator writes. Start with ``schema``, then ``loader.load``; knows nothing of the rest of Angarium.

Reads its files and nothing else: no sockets, clocks or tasks.
"""

from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.config.schema import Config

__all__ = ["Config", "ConfigError", "load"]
