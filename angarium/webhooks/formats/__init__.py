"""The forms that endpoints may be told in: our own, and those of vendors whose customers move over.

Start with ``form``, the table of all. Each vendor's is a module, exact to what the vendor's own helpers read. Pure.
"""

from angarium.webhooks.formats.form import FORMS, Form
from angarium.webhooks.formats.written import Sealing, Written

__all__ = ["FORMS", "Form", "Sealing", "Written"]
