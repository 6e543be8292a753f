"""Vendors' mustaches (Handlebars, Mustachio, plain variables), translated to the engine's language at save. Pure.

Start with ``translation``. What a translated template asks for while it is rendered is in ``helpers``.
"""
