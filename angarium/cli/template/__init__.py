"""``postmaster template``: what mail is made of, as folders of files and as versions."""
