"""One person's data over all stores: what there is, and having it erased. Start with ``store``: each store is one."""
