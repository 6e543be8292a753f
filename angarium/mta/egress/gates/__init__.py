"""What each transaction is asked before it may begin: rates, rules, warm-ups, quotas. ``shaping`` has them."""
