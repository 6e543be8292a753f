"""What our own dialect says of itself: its OpenAPI document, a page to read, and docs/api.md; all from its routes.

Start with ``document.describe``. ``python -m angarium.api.reference docs`` writes the files.
"""
