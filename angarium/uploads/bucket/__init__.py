"""A bucket of S3, or of what speaks as it does, that files come by: they are put there, and fetched from it.

Start with ``place.Place`` (where it is) and ``client.open_bucket`` (what can be asked of it); ``bringing.bring`` has a
file on our disk, ``clearing.clear`` has one out of the bucket. Import from its modules.
"""
