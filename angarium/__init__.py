"""Angarium: a self-hosted mail transfer agent and email platform."""

__version__ = "0.1.0"
