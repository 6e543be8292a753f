"""What becomes of an outcome: due again or done, its DSN, and the batch that commits it.

Start with ``conclusion`` and ``settler``. Knows nothing of connections.
"""
