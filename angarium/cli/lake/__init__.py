"""``postmaster lake``: every event in files, and SQL over them."""
