"""``postmaster reputation``: how each sender stands."""
