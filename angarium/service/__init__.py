"""The server as processes. Start with ``supervisor`` and ``role``; each role's module is its composition root.

Knows everything below the command line, decides nothing about mail.
"""
