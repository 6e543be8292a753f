"""The part of Mailgun's API v3 that sends mail. Start with ``dialect``."""
