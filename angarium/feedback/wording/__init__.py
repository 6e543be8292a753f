"""How mail hosts say things: a vocabulary over many languages, and which phrases mean which class. Pure.

Start with ``reading`` (a text becomes words, marks and codes) and ``phrases`` (which rules are found in it). The
tables beside them are data: ``vocabulary``, ``marks``, and a module of phrases per party: ``recipient``, ``host``,
``sender``, ``message``, ``system``.
"""
