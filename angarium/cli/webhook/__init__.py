"""``postmaster webhook``: endpoints that are told of events, and what they were told."""
