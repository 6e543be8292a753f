"""Benchmarks, each beside the peer it is measured against. Start with ``relay``; ``bin/bench`` runs them.

Nothing here connects beyond loopback, and nothing here is a test: the figures depend on the machine.
"""
