"""The audit: who changed what, and when, as a chain of hashes in the platform's database."""
