"""``postmaster trace``: how a domain's mail hosts answer us."""
