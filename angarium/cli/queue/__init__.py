"""``postmaster queue``: seeing and steering what is queued."""
