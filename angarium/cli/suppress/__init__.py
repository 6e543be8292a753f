"""``postmaster suppress``: addresses that nothing is sent to."""
