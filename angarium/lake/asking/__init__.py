"""SQL of analysts over the lake's files, in a process that has nothing else, and ends with the question.

Start with ``answering.Asker``. ``child`` is what runs in that process.
"""
