"""Receiving mail by SMTP: listeners and their sessions' sockets.

Start with ``listener`` (accepts connections) and ``connection`` (one client's). This package knows nothing of
delivery, and of the queue only what it hands over.
"""
