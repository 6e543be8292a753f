"""``postmaster feedback``: how replies and mail that comes back are understood, and what waits for review."""
