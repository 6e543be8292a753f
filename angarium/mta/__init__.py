"""Delivery: what is due, the connections that carry it, and what is recorded of it.

Start with ``dispatcher.Dispatcher``; ``service.delivery.parts`` shows how its parts fit together. ``egress`` holds what
waits for connections, ``transport`` speaks to other hosts, ``record`` says what an outcome comes to, ``dsn`` tells the
sender. This package knows nothing of how mail came in, nor of what is on disk: it uses the protocols of ``queue``.
Import from its modules.
"""
