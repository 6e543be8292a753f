"""Who may come in: users and their passwords, networks, what a client may take at once, certificates, and whom a
user may send as.

Start with ``credentials`` (log-ins) and ``client_limits``. Knows nothing of sessions, sockets and mail.
"""
