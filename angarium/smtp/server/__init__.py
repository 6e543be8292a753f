"""An SMTP session from the server's side, sans-IO: octets in; replies, and events that a shell answers, out.

Start with ``session.ServerSession``.
"""
