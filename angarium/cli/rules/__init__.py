"""``postmaster rules``: what providers' replies have put in force."""
