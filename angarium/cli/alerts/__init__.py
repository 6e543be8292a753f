"""``postmaster alerts``: what is raised, and what to do about it."""
