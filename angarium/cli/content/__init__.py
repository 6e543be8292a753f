"""``postmaster content``: what mail is made of, looked at before anybody sends it."""
