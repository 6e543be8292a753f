"""The part of Amazon's SES API v2 that sends mail. Start with ``dialect``."""
