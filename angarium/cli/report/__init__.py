"""``postmaster report``: what a day was like, what is different from usual, and who read."""
