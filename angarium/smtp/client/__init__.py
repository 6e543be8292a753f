"""An SMTP session from the client's side, sans-IO: commands out, replies in.

Start with ``session.ClientSession``.
"""
