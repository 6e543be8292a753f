"""Mail made of its parts: texts, files and addresses in, a MIME message out. Pure.

Start with ``letter`` (what is to be written) and ``building`` (how it is).
"""
