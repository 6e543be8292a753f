"""A notice as each kind of target wants it: one module a form. Pure."""
