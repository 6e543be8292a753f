"""Our own dialect: JSON in camelCase under /v1. Start with ``dialect``; knows nothing of SMTP or processes."""
