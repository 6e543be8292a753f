"""What a template can write values with, beside the engine's own filters: dates, numbers and money as the reader's
language has them. Pure.

Start with ``table``: the names and what each does.
"""
