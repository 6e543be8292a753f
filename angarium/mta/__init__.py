"""Delivery: routing, connections, retries, and what the sender is told.

Start with ``dispatcher.Dispatcher``; ``service.delivery_parts`` shows how its parts fit together. This package knows
nothing of how mail came in, nor of what is on disk: it uses the protocols of ``queue``. Import from its modules.
"""
