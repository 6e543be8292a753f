"""One person's address in the queue's tables: finding it, and having it out of them."""
