"""What an operator is woken for: the alarms, their levels, when they are raised and ended, and who is told. Pure.

Start with ``catalogue``, then ``evaluation`` (readings in, transitions out) and ``grouping`` (what is to be told to
whom, and when). Knows nothing of where readings come from, of the disk, and of how anybody is told:
``service.platform.alarms`` does.
"""
