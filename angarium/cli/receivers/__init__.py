"""``postmaster receivers``: what mailbox providers say of our mail as a whole."""
