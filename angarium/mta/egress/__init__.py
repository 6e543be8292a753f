"""What waits for a connection of one egress source to one site, and the connections that carry it.

Start with ``egress_queue``. Knows nothing of DNS, of the queue on disk, nor of what becomes of an outcome.
"""
