"""What the operator writes. Start with ``schema``, then ``loader.load``; knows nothing of the rest of Angarium."""

from angarium.config.error import ConfigError
from angarium.config.loader import load
from angarium.config.schema import Config

__all__ = ["Config", "ConfigError", "load"]
